import { registerEnumType } from 'type-graphql';

export const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const;
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'Which way to sort.',
  valuesConfig: {
    ASC: { description: 'Smallest or oldest first; what has no value comes last.' },
    DESC: { description: 'Largest or newest first; what has no value comes first.' },
  },
});
