/**
 * Sends hostile requests to the server as it runs in production, and tells which of them it stands; see
 * CONTRIBUTING.md.
 *
 *   npm run test:attacks -- [--list] [--only id,kind] [--operation id] [--minutes 60]
 *
 * Everything happens on this machine: the server and PostgreSQL are started for the run and ended with it.
 */
import { parseArgs } from 'node:util';
import { KINDS } from './attack.ts';
import { carryOut, type Result } from './carry-out.ts';
import { CORPUS } from './corpus.ts';
import { TIDY } from './limits.ts';
import { counted, neighbours } from './neighbours.ts';
import { Stage } from './stage.ts';

/** What `--only` calls the part about one caller beside another. */
const NEIGHBOURS = 'neighbours';

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    operation: { type: 'string' },
    minutes: { type: 'string', default: '60' },
  },
});
const wanted = values.only?.split(',') ?? null;
const attacks = CORPUS.filter(
  ({ id, kind }) => wanted === null || wanted.includes(id) || wanted.includes(kind),
);
const withNeighbours = wanted === null || wanted.includes(NEIGHBOURS);
const unknown = (wanted ?? []).filter(
  (name) => name !== NEIGHBOURS && !CORPUS.some(({ id, kind }) => name === id || name === kind),
);

/** Of the columns of the table. */
const WIDTHS = [13, 30, 34, 11, 7, 8, 8, 10, 12, 6];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (unknown.length > 0) {
  say(
    `There is no ${unknown.join(', no ')}. Kinds: ${[...KINDS, NEIGHBOURS].join(', ')}; --list names all attacks.`,
  );
  process.exitCode = 1;
} else if (values.list) {
  for (const { id, kind, as, title } of attacks)
    say(`${kind.padEnd(13)} ${id.padEnd(30)} ${as.padEnd(10)} ${title}`);
  say(`${attacks.length} attacks`);
} else {
  await run();
}

async function run(): Promise<void> {
  const deadline = performance.now() + Number(values.minutes) * 60_000;
  say('starting PostgreSQL, filling it and starting the server');
  const stage = await Stage.set();
  let passed = 0;
  const failed: string[] = [];
  try {
    say(
      line([
        'kind',
        'id',
        'answers',
        'bytes',
        'ms',
        'live ms',
        'bare ms',
        'server MB',
        'backends MB',
        'CPU s',
        '',
      ]),
    );
    for (const attack of attacks) {
      if (performance.now() > deadline) {
        failed.push(`${attack.id}: not sent, the time of the run is over`);
        continue;
      }
      const result = await carryOut(stage, attack);
      say(lineOf(result));
      for (const complaint of result.complaints.slice(0, 3)) say(`    the server said: ${complaint}`);
      if (result.failures.length === 0) passed++;
      else failed.push(`${attack.id}: ${result.failures.join('; ')}`);
      if (await mustRestart(stage, result)) await stage.restart();
    }
    if (withNeighbours) {
      const { report, failures } = await neighbours(stage, values.operation ?? null);
      say('\nneighbours');
      for (const text of report) say(`  ${text}`);
      if (failures.length === 0) passed++;
      else failed.push(`${NEIGHBOURS}: ${failures.join('; ')}`);
    }
  } finally {
    await stage.close();
  }
  if (failed.length > 0) say(`\nfailed\n${failed.map((text) => `  ${text}`).join('\n')}`);
  say(`\n${passed} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

/** The next attack finds a server that is neither busy nor swollen. */
async function mustRestart(stage: Stage, { failures, sight }: Result): Promise<boolean> {
  const { server } = stage;
  if (!server.isAlive) {
    say('    the server has ended; it is started again');
    return true;
  }
  return (
    failures.length > 0 ||
    server.residentMb > TIDY.serverMb ||
    sight.backendsMb > TIDY.backendsMb ||
    (await stage.running()) > 0
  );
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, column) =>
      column > 2 && column < WIDTHS.length
        ? cell.padStart(WIDTHS[column] ?? 0)
        : cell.padEnd(WIDTHS[column] ?? 0),
    )
    .join(' ')
    .trimEnd();
}

function lineOf({ attack, answers, bytes, ms, sight, cpuS, failures }: Result): string {
  return line([
    attack.kind,
    attack.id,
    counted(answers),
    bytes.toLocaleString('en'),
    ms.toFixed(0),
    Math.max(sight.liveMs, sight.newLiveMs).toFixed(0),
    sight.bareMs.toFixed(0),
    sight.serverMb.toFixed(0),
    sight.backendsMb.toFixed(0),
    cpuS.toFixed(1),
    failures.length === 0 ? 'ok' : `FAILED: ${failures.join('; ')}`,
  ]);
}
