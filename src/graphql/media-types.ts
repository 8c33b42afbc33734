/** Content types of answers; the first is for clients that do not mind. */
export const MEDIA_TYPES = [
  'application/json; charset=utf-8',
  'application/graphql-response+json; charset=utf-8',
] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** A part of an Accept header: `application/*;q=0.5`. */
interface Range {
  readonly name: string;
  readonly quality: number;
}

/** The content type that an Accept header prefers (RFC 9110, 12.5.1); null where it takes none of them. */
export function preferredMediaType(accept: string): MediaType | null {
  if (accept.trim() === '') return MEDIA_TYPES[0];
  const ranges = accept.split(',').flatMap((part) => parseRange(part) ?? []);
  let best: MediaType | null = null;
  let bestRange: Range = { name: '', quality: 0 };
  for (const type of MEDIA_TYPES) {
    const range = rangeFor(type, ranges);
    if (range === undefined || range.quality === 0) continue;
    const isBetter =
      range.quality > bestRange.quality ||
      // Of equals, the one that the header names first.
      (range.quality === bestRange.quality && rank(range, ranges) < rank(bestRange, ranges));
    if (!isBetter) continue;
    best = type;
    bestRange = range;
  }
  return best;
}

/** The most specific range that a type is in: it decides over the others. */
function rangeFor(type: MediaType, ranges: readonly Range[]): Range | undefined {
  const [name = ''] = type.split(';');
  for (const wanted of [name, 'application/*', '*/*']) {
    const range = ranges.find((candidate) => candidate.name === wanted);
    if (range !== undefined) return range;
  }
  return undefined;
}

/** Where a range stands in the header; one that names no type comes after all that do. */
function rank(range: Range, ranges: readonly Range[]): number {
  return ranges.indexOf(range) + (range.name.endsWith('*') ? ranges.length : 0);
}

/** Null for a range that is of a parameter that no answer has. */
function parseRange(part: string): Range | null {
  const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
  let quality = 1;
  for (const parameter of parameters) {
    const [key = '', value = ''] = parameter.split('=').map((text) => text.trim());
    if (key === 'q') quality = Number(value);
    else if (key !== 'charset' || value.replaceAll('"', '') !== 'utf-8') return null;
  }
  return { name, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}
