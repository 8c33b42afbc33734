/** A curve: a value for each place on the axis. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
}

const WIDTH = 460;
const HEIGHT = 300;
const MARGIN = { left: 60, right: 20, top: 40, bottom: 90 };
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd'];

/** Panels side by side, both axes logarithmic: a straight line that rises by one decade for one is in proportion. */
export function plot(panels: readonly Panel[]): string {
  const width = panels.length * WIDTH;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${panels.map((panel, index) => `<g transform="translate(${index * WIDTH} 0)">\n${panelSvg(panel)}\n</g>`).join('\n')}
</svg>
`;
}

function panelSvg({ title, x, series }: Panel): string {
  const values = series.flatMap((one) => one.values);
  const [least, most] = [
    Math.floor(Math.log10(Math.min(...values))),
    Math.ceil(Math.log10(Math.max(...values))),
  ];
  const [bottom, right] = [HEIGHT - MARGIN.bottom, WIDTH - MARGIN.right];
  const across = scale(Math.min(...x), Math.max(...x), MARGIN.left, right);
  const up = scale(10 ** least, 10 ** most, bottom, MARGIN.top);
  const decades = Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));
  return [
    `<text x="${MARGIN.left}" y="20" font-weight="bold">${title}: ms a request</text>`,
    ...decades.map(
      (value) =>
        `<path d="M${MARGIN.left} ${up(value)}H${right}" stroke="#ddd"/><text x="${MARGIN.left - 8}" y="${up(value) + 4}" text-anchor="end">${Number(value.toPrecision(1))}</text>`,
    ),
    ...x.map(
      (value) =>
        `<text x="${across(value)}" y="${bottom + 18}" text-anchor="middle">${value.toLocaleString('en')}</text>`,
    ),
    ...series.map((one, index) => {
      const colour = COLOURS[index % COLOURS.length];
      const points = one.values.map((value, at) => `${across(x[at] ?? 1)},${up(value)}`);
      const [column, row] = [index % 2, Math.floor(index / 2)];
      return [
        `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map((point) => {
          const [cx, cy] = point.split(',');
          return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`;
        }),
        `<text x="${MARGIN.left - 40 + column * 210}" y="${bottom + 45 + row * 20}" fill="${colour}">${one.name}</text>`,
      ].join('\n');
    }),
  ].join('\n');
}

/** From a logarithmic range to one of pixels. */
function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const [low, high] = [Math.log10(from), Math.log10(to)];
  return (value) => Math.round(start + ((Math.log10(value) - low) / (high - low)) * (end - start));
}
