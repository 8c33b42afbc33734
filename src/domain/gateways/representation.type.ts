import { GraphQLScalarType } from 'graphql';
import { Problems } from '../../errors.js';
import { checkIdCount } from '../../graphql/schema/ids.js';

/** Of the federation protocol; checked by `keysOf`, which can say which part of it is wrong. */
export const Any = new GraphQLScalarType<unknown, unknown>({
  name: '_Any',
  description:
    'What a federated gateway knows of an object: its type and its key. Example: `{ "__typename": "Game", "id": "3c6e0b8a-9c15-4f0d-8a3e-2b1f5d7c9e01" }`.',
});

/** What can be asked for by a key. */
export const KEYED_TYPES = ['Game', 'Task', 'Strategy'] as const;
export interface Key {
  readonly type: (typeof KEYED_TYPES)[number];
  readonly id: string;
}

/**
 * The keys that a gateway sends.
 *
 * @throws BAD_USER_INPUT that names everything that is no key; LIMIT_EXCEEDED when there are too many
 */
export function keysOf(representations: readonly unknown[]): Key[] {
  checkIdCount('representations', representations);
  const problems = new Problems();
  const keys = representations.map((representation, index): Key => {
    const { __typename, id } = Object(representation) as Record<string, unknown>;
    const type = KEYED_TYPES.find((name) => name === __typename) ?? null;
    if (type === null) {
      problems.add(`representations.${index}.__typename`, `must be one of ${KEYED_TYPES.join(', ')}.`);
    }
    if (typeof id !== 'string') problems.add(`representations.${index}.id`, 'must be a string.');
    return { type: type ?? 'Game', id: String(id) };
  });
  problems.throwIfAny();
  return keys;
}
