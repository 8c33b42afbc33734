/**
 * Lets faults and load beyond capacity happen to the server as it runs in production, and tells what came of it; see
 * CONTRIBUTING.md.
 *
 *   npm run test:faults -- [--list] [--only name,name] [--minutes 150]
 *
 * Everything happens on this machine: the servers and PostgreSQL are started for the run and ended with it.
 */
import { parseArgs } from 'node:util';
import { commits } from './commits.ts';
import { failover } from './failover.ts';
import { overload } from './overload.ts';
import { pgbouncer } from './pgbouncer.ts';
import { rates } from './rates.ts';
import { replicas } from './replicas.ts';
import { restarts } from './restarts.ts';
import { rolling } from './rolling.ts';
import type { Figure, Scenario } from './scenario.ts';
import { soak } from './soak.ts';
import { stop } from './stop.ts';

const SCENARIOS: readonly Scenario[] = [
  commits,
  restarts,
  overload,
  rates,
  replicas,
  stop,
  soak,
  rolling,
  pgbouncer,
  failover,
  soak,
];

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    minutes: { type: 'string', default: '150' },
  },
});
const wanted = values.only?.split(',') ?? SCENARIOS.map(({ name }) => name);
const unknown = wanted.filter((wantedName) => !SCENARIOS.some(({ name }) => name === wantedName));

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (unknown.length > 0) {
  say(`There is no ${unknown.join(', no ')}. There are: ${SCENARIOS.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 1;
} else if (values.list) {
  for (const { name, title } of SCENARIOS) say(`${name.padEnd(14)} ${title}`);
} else {
  setTimeout(
    () => {
      say(`The run took longer than ${values.minutes} minutes.`);
      process.exit(1);
    },
    Number(values.minutes) * 60_000,
  ).unref();
  await run();
}

async function run(): Promise<void> {
  let passed = 0;
  let failed = 0;
  for (const { name, title, run: runScenario } of SCENARIOS) {
    if (!wanted.includes(name)) continue;
    say(`\n${name}: ${title}`);
    try {
      const figures = await runScenario((text) => say(`  ${text}`));
      for (const figure of figures) say(lineOf(figure));
      passed += figures.filter(({ isOk }) => isOk).length;
      failed += figures.filter(({ isOk }) => !isOk).length;
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      failed++;
    }
  }
  say(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function lineOf({ what, value, limit, isOk }: Figure): string {
  const shown = Number.isInteger(value) ? String(value) : value.toPrecision(3);
  return `  ${what.padEnd(72)} ${shown.padStart(10)} ${limit.padStart(10)}  ${isOk ? 'ok' : 'FAILED'}`;
}
