/** A point in time in microseconds since 1970: a whole number that JavaScript holds exactly. */
export type Instant = number;

export const SECOND = 1_000_000;
export const DAY = 86_400 * SECOND;

/** Microseconds of an instant as RFC 3339 text in UTC with six fraction digits. */
export function instantText(instant: Instant): string {
  const seconds = Math.floor(instant / SECOND);
  const fraction = String(instant - seconds * SECOND).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** The first instant of the present day, in UTC. */
export function startOfToday(): Instant {
  return Math.floor((Date.now() * 1_000) / DAY) * DAY;
}
