import type { Problems } from '../../errors.js';

/** GAME's rule for an external id, applied where one is set. Rows that break it can still be read. */
const EXTERNAL_GAME_ID = /^[A-Za-z0-9_-]{3,60}$/;
const MAX_PLATFORM_LENGTH = 100;

export function checkExternalGameId(value: string, argument: string, problems: Problems): void {
  if (!EXTERNAL_GAME_ID.test(value)) {
    problems.add(argument, 'must be 3 to 60 characters, each a letter A-Z or a-z, a digit, _ or -.');
  }
}

export function checkPlatform(value: string, argument: string, problems: Problems): void {
  problems.checkText(argument, value);
  const length = [...value].length;
  if (length < 1 || length > MAX_PLATFORM_LENGTH) {
    problems.add(argument, `must be 1 to ${MAX_PLATFORM_LENGTH} characters; it has ${length}.`);
  }
}
