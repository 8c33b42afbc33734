/** Numbers of several rounds. */
export type Rounds = readonly number[];

export const median = (values: Rounds): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
};

/** Median, least and most. */
export const spread = (values: Rounds, format: (value: number) => string = short): string =>
  `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`;

/** Three digits or so. */
export const short = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);

/** Round by round, because what slowed one down slowed its neighbour in the round too. */
export const ratios = (of: Rounds, to: Rounds): number[] =>
  of.map((value, round) => value / (to[round] ?? 0));

/** A Markdown table whose columns are wide enough to be read as text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
