import type { RecordedStatement } from './operation-recorder.js';

/** Longest line that is not broken, in characters. */
const WIDTH = 100;
/** Brackets around more than this are opened where their line is too long. */
const LONG = 40;

const TOKEN =
  /'(?:[^']|'')*'|"[^"]*"|\s+|\bDISTINCT\s+FROM\b|\bWITH\s+ORDINALITY\b|\bFOR\s+UPDATE\b|\b(?:CROSS|LEFT)\s+JOIN\b|\w+|\|\||./gis;
/** What begins a line. */
const CLAUSE =
  /^(with|select|from|where|group|order|limit|union|(?:cross|left)\s+join|join|insert|values|update|set|delete|returning|for\s+update)$/i;
/** What begins a line below its clause. */
const CONTINUATION = /^(and|or|\|\|)$/i;

/** A token, or what stands in brackets. */
type Part = string | readonly Part[];

/** A statement as SQL, with its values and its plan as comments. */
export function showStatement({ text, values, plan }: RecordedStatement): string {
  const notes = [
    ...values.map((value, index) => `$${index + 1} = ${JSON.stringify(value)}`),
    ...(plan ?? []).map((step) => `  ${step}`),
  ];
  return [`${formatSql(text)};`, ...notes.map((note) => `-- ${note}`), ''].join('\n');
}

/** Breaks a statement into lines at its clauses, conditions and lists: for reading, and so that a diff shows what changed. */
export function formatSql(text: string): string {
  return layout(parse(text), 0);
}

function parse(text: string): Part[] {
  const top: Part[] = [];
  const open = [top];
  for (const [token] of text.trim().matchAll(TOKEN)) {
    const current = open.at(-1) ?? top;
    if (token === '(') {
      const group: Part[] = [];
      current.push(group);
      open.push(group);
    } else if (token === ')') open.pop();
    else current.push(/^\s/.test(token) ? ' ' : token);
  }
  return top;
}

function layout(parts: readonly Part[], indent: number): string {
  const rows: Part[][] = [[]];
  for (const part of parts) {
    const row = rows.at(-1);
    const begins = is(CLAUSE, part) || is(CONTINUATION, part);
    if (begins && row?.some((other) => other !== ' ')) rows.push([part]);
    else row?.push(part);
    if (part === ',') rows.push([]);
  }
  const hasClauses = parts.some((part) => is(CLAUSE, part));
  return rows
    .map((row) => {
      const isBelow = hasClauses && !is(CLAUSE, row.find((part) => part !== ' ') ?? '');
      return line(row, isBelow ? indent + 2 : indent);
    })
    .join('\n');
}

function line(row: readonly Part[], indent: number): string {
  const margin = ' '.repeat(indent);
  const whole = flat(row).trim();
  if (indent + whole.length <= WIDTH) return margin + whole;
  const texts = row.map((part) => {
    if (typeof part === 'string') return part;
    return flat(part).length <= LONG ? `(${flat(part)})` : `(\n${layout(part, indent + 2)}\n${margin})`;
  });
  return margin + texts.join('').trim();
}

function flat(parts: readonly Part[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : `(${flat(part)})`)).join('');
}

function is(kind: RegExp, part: Part): boolean {
  return typeof part === 'string' && kind.test(part);
}
