/**
 * A position in the write-ahead log (WAL) of a PostgreSQL cluster. What was written up to there is visible to whoever has
 * replayed so far.
 */
export interface WalPosition {
  /** Counts the promotions of standbys: after each, the log goes on from where the new primary was. */
  readonly timeline: number;
  /** In bytes from the beginning of the log. */
  readonly lsn: bigint;
}

const MAX_TIMELINE = 0xff_ff_ff_ff;

/** Before everything. */
export const WAL_START: WalPosition = { timeline: 0, lsn: 0n };
/** Behind everything: no replica ever comes so far. */
export const WAL_END: WalPosition = { timeline: MAX_TIMELINE, lsn: 0xff_ff_ff_ff_ff_ff_ff_ffn };

/** How a position is written: `1:16/B374D848`, the timeline and the LSN as PostgreSQL writes it. */
export function formatWalPosition({ timeline, lsn }: WalPosition): string {
  return `${timeline}:${hex(lsn >> 32n)}/${hex(lsn & 0xff_ff_ff_ffn)}`;
}

/** The position that a text says; null where it says none. */
export function parseWalPosition(text: string): WalPosition | null {
  const [, timeline = '', lsn = ''] = /^(\d{1,10}):([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
  if (lsn === '' || Number(timeline) > MAX_TIMELINE) return null;
  return { timeline: Number(timeline), lsn: parseLsn(lsn) };
}

/** The number of an LSN of PostgreSQL, such as `16/B374D848`. */
export function parseLsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/**
 * Whether whoever has come to `position` has come to `required`.
 *
 * Both parts count: an LSN says nothing of another timeline that branched off before it.
 */
export function covers(position: WalPosition, required: WalPosition): boolean {
  return position.timeline >= required.timeline && position.lsn >= required.lsn;
}

/** The first position that covers both. */
export function latest(one: WalPosition, other: WalPosition): WalPosition {
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  return {
    timeline: Math.max(one.timeline, other.timeline),
    lsn: one.lsn > other.lsn ? one.lsn : other.lsn,
  };
}

const hex = (value: bigint): string => value.toString(16).toUpperCase();
