import { GraphQLScalarType } from 'graphql';

/**
 * The `DateTime` scalar. Timestamps are text from end to end (see `timestampJson`), so writing one is
 * passing it on. Text that a client sends is checked where it is used, with the path of its argument: that
 * way a bad one is BAD_USER_INPUT whether it came as a literal or as a variable.
 */
export const DateTime = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  description:
    'An instant, as RFC 3339. Written in UTC with exactly six fraction digits; read with any offset and up to ' +
    'six fraction digits. What it cannot say, such as infinity or a year beyond 9999, is null. ' +
    'Example: `"2026-02-10T12:15:00.123456Z"`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: asText,
  parseValue: asText,
});

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('A DateTime is a string, for example "2026-02-10T12:15:00.123456Z".');
}
