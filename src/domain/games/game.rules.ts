import type { Problems } from '../../errors.js';

const MIN_EXTERNAL_GAME_ID_LENGTH = 3;
const MAX_EXTERNAL_GAME_ID_LENGTH = 60;
/** How many characters an external id has, in words. */
export const EXTERNAL_GAME_ID_LENGTH = `${MIN_EXTERNAL_GAME_ID_LENGTH} to ${MAX_EXTERNAL_GAME_ID_LENGTH}`;
/** GAME's rule for an external id, applied where one is set. Rows that break it can still be read. */
const EXTERNAL_GAME_ID = new RegExp(
  `^[A-Za-z0-9_-]{${MIN_EXTERNAL_GAME_ID_LENGTH},${MAX_EXTERNAL_GAME_ID_LENGTH}}$`,
);
const MAX_PLATFORM_LENGTH = 100;
/** How many characters a platform has, in words. */
export const PLATFORM_LENGTH = `1 to ${MAX_PLATFORM_LENGTH}`;

export function checkExternalGameId(value: string, argument: string, problems: Problems): void {
  if (!EXTERNAL_GAME_ID.test(value)) {
    problems.add(
      argument,
      `must be ${EXTERNAL_GAME_ID_LENGTH} characters, each a letter A-Z or a-z, a digit, _ or -.`,
    );
  }
}

export function checkPlatform(value: string, argument: string, problems: Problems): void {
  problems.checkLength(argument, value, MAX_PLATFORM_LENGTH);
}
