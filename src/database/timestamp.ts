import sql, { type Sql } from 'sql-template-tag';

/** JavaScript rolls 30 February over into March; a round trip shows it. It also knows no second 60. */
function doesExist(seconds: string, time: Date): boolean {
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(seconds);
}

/**
 * A nullable `timestamptz` as PostgreSQL's own JSON has it, in UTC: without zeros at the end of its fraction, and
 * without an offset. Nothing is lost: `infinity`, `-infinity`, years beyond 9999 and before Christ are told apart.
 *
 * JavaScript's Date has milliseconds only, so a timestamp never becomes one: it travels as text.
 */
export function timestampJson(column: Sql): Sql {
  return sql`coalesce(to_json(${column} AT TIME ZONE INTERVAL '0')::text, 'null')`;
}

/** The `timestamptz` of a text that `timestampJson` wrote. */
export function timestampOf(text: Sql): Sql {
  return sql`(${text}::timestamp AT TIME ZONE INTERVAL '0')`;
}

const POSTGRES_TIMESTAMP =
  /^(?<year>\d{4,6})(?<rest>-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,6})?(?<beforeChrist> BC)?$/;
/** The last year that PostgreSQL can store, and the first day. */
const LAST_YEAR = 294_276;
const [FIRST_YEAR_BC, FIRST_DAY] = [4_714, '-11-24'];

/** Whether a text is what `timestampJson` writes, of a date and time that exists. */
export function isTimestampText(text: string): boolean {
  if (text === 'infinity' || text === '-infinity') return true;
  const groups = POSTGRES_TIMESTAMP.exec(text)?.groups;
  if (groups === undefined) return false;
  const { year = '', rest = '', beforeChrist } = groups;
  const number = Number(year);
  if (number < 1 || number > (beforeChrist ? FIRST_YEAR_BC : LAST_YEAR)) return false;
  if (beforeChrist && number === FIRST_YEAR_BC && rest < FIRST_DAY) return false;
  // The year 1 BC is the year 0. Every 400 years the calendar is the same, and Date knows the years from 400 on.
  const same = 800 + ((beforeChrist ? 1 - number : number) % 400);
  const seconds = `${String(same).padStart(4, '0')}${rest}`;
  return doesExist(seconds, new Date(`${seconds}Z`));
}

/**
 * What stands before a timestamp in a text that PostgreSQL writes: see `withTimestamps`. JSON text has no control
 * characters but those that stand as escapes in its strings.
 */
export const TIMESTAMP_MARK = '\u0001';

/** What is missing to six fraction digits and an offset, by the length of a timestamp without its quotes. */
const MISSING = new Map([
  [19, '.000000Z'],
  ...[1, 2, 3, 4, 5, 6].map((digits) => [20 + digits, `${'0'.repeat(6 - digits)}Z`] as const),
]);

/**
 * A text that PostgreSQL wrote with marked timestamps, with these as clients are shown them: RFC 3339 text in UTC with
 * six fraction digits. To let PostgreSQL write that, by `to_char`, takes it twice as long.
 *
 * RFC 3339 has the years up to 9999 only, and no infinity: what it cannot say is null, as any text for it would be
 * another time for whoever reads it by that standard.
 */
export function withTimestamps(text: string): string {
  let mark = text.indexOf(TIMESTAMP_MARK);
  if (mark === -1) return text;
  let done = '';
  let from = 0;
  for (; mark !== -1; mark = text.indexOf(TIMESTAMP_MARK, from)) {
    const at = mark + 1;
    done += text.slice(from, mark);
    from = at;
    if (text[at] !== '"') continue;
    const end = text.indexOf('"', at + 1);
    // Years have four digits here or more; what is before Christ ends with ` BC`.
    const missing = text[at + 5] === '-' && text[end - 1] !== 'C' ? MISSING.get(end - at - 1) : undefined;
    done += missing === undefined ? 'null' : `${text.slice(at, end)}${missing}"`;
    from = end + 1;
  }
  return done + text.slice(from);
}

const RFC_3339 =
  /^(?<date>\d{4}-\d{2}-\d{2})[Tt](?<time>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d+))?(?<offset>[Zz]|[+-]\d{2}:\d{2})$/;

/** What is wrong with a timestamp that a client sent, or the same instant in UTC with six fraction digits. */
export type ParsedTimestamp = { readonly utc: string } | { readonly problem: string };

/**
 * Parses an RFC 3339 timestamp with any offset and up to six fraction digits, PostgreSQL's precision; more
 * digits would be lost silently and are refused. Years are 0001 to 9999 (in UTC).
 */
export function parseTimestamp(text: string): ParsedTimestamp {
  const groups = RFC_3339.exec(text)?.groups;
  const example = 'for example 2026-02-10T12:15:00.123456Z';
  if (groups === undefined)
    return { problem: `must be an RFC 3339 date and time with an offset, ${example}.` };
  const { date = '', time = '', fraction = '', offset = '' } = groups;
  if (fraction.length > 6) return { problem: `must have at most six fraction digits, ${example}.` };
  const local = new Date(`${date}T${time}Z`);
  if (!doesExist(`${date}T${time}`, local)) {
    return { problem: `is not a date and time that exists; write it ${example}.` };
  }
  const minutes = offsetMinutes(offset);
  if (minutes === null) return { problem: 'must have an offset between -23:59 and +23:59.' };
  const utc = new Date(local.getTime() - minutes * 60_000);
  const year = utc.getUTCFullYear();
  if (year < 1 || year > 9999) return { problem: 'must be in the years 0001 to 9999, in UTC.' };
  return { utc: `${utc.toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z` };
}

function offsetMinutes(offset: string): number | null {
  if (offset.toUpperCase() === 'Z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(4, 6))];
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
