import type { GraphQLFormattedError } from 'graphql';
import type { Problem } from '../errors.js';

/** Maximum length, in characters, of a value in the message of an error. */
const MAX_VALUE = 100;
/** Longest message, in characters, whatever is in it. */
const MAX_MESSAGE = 1_000;

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
  let [text, start, depth] = ['', 0, 0];
  for (let at = 0; at < message.length;) {
    const char = message[at] ?? '';
    if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    at = endOfPart(message, at);
    if (depth > 0) continue;
    text += clipped(message.slice(start, at), MAX_VALUE);
    start = at;
  }
  return clipped(text + clipped(message.slice(start), MAX_VALUE), MAX_MESSAGE);
}

/** Where a part ends that begins here: a text in quotes, a bracket, what has no blanks, or blanks. */
function endOfPart(message: string, at: number): number {
  const char = message[at] ?? '';
  if (BRACKETS.has(char)) return at + 1;
  if (message.startsWith('"""', at)) {
    const end = message.indexOf('"""', at + 3);
    if (end !== -1) return end + 3;
  }
  if (char === '"') return endOfText(message, at);
  const isBlank = BLANKS.has(char);
  let end = at + 1;
  for (; end < message.length; end++) {
    const next = message[end] ?? '';
    if (next === '"' || BRACKETS.has(next) || BLANKS.has(next) !== isBlank) break;
  }
  return end;
}

/** Where a text in quotes ends; one that is not closed is all that follows. */
function endOfText(message: string, at: number): number {
  for (let end = at + 1; end < message.length; end++) {
    if (message[end] === '\\') end++;
    else if (message[end] === '"') return end + 1;
  }
  return message.length;
}

const BRACKETS: ReadonlySet<string> = new Set('[]{}');
const BLANKS: ReadonlySet<string> = new Set(' \t\r\n');

/** The beginning of a text, and its end where that closes it. */
function clipped(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.at(-1) ?? '';
  return `${text.slice(0, length).toWellFormed()}…${/["\]}]/.test(last) ? last : ''}`;
}
