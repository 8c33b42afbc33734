import type { GraphQLFormattedError } from 'graphql';
import type { Problem } from '../errors.js';

/** Maximum length, in characters, of a value in the message of an error. */
const MAX_VALUE = 100;
/** Longest message, in characters, whatever is in it. */
const MAX_MESSAGE = 1_000;

/** A text in quotes, a bracket, what has no blanks, or blanks. */
const PARTS = /"""[^]*?"""|"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s"[\]{}]+|\s+|"/gs;

/** An error whose texts quote no more than the beginning of each value that a client sent. */
export function withShortTexts(error: GraphQLFormattedError): GraphQLFormattedError {
  const { message, extensions } = error;
  const problems = extensions?.['problems'] as readonly Problem[] | undefined;
  if (message.length <= MAX_VALUE && problems === undefined) return error;
  return {
    ...error,
    message: shortened(message),
    ...(problems && { extensions: { ...extensions, problems: problems.map(shortProblem) } }),
  };
}

function shortProblem({ argument, message }: Problem): Problem {
  return { argument: shortened(argument), message: shortened(message) };
}

/** A message with no more than the beginning of each value: of a text, a list, an object, a long number. */
export function shortened(message: string): string {
  if (message.length <= MAX_VALUE) return message;
  let [text, value, depth] = ['', '', 0];
  for (const [part] of message.matchAll(PARTS)) {
    value += part;
    if (part === '[' || part === '{') depth++;
    else if (part === ']' || part === '}') depth--;
    if (depth > 0) continue;
    text += clipped(value, MAX_VALUE);
    [value, depth] = ['', 0];
  }
  return clipped(text + clipped(value, MAX_VALUE), MAX_MESSAGE);
}

/** The beginning of a text, and its end where that closes it. */
function clipped(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.at(-1) ?? '';
  return `${text.slice(0, length).toWellFormed()}…${/["\]}]/.test(last) ? last : ''}`;
}
