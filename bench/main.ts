/**
 * How fast the server is, against PostGraphile 5 and against the baseline; see CONTRIBUTING.md.
 *
 *   npm run bench -- [growth | profile] [--rounds 5] [--seconds 3] [--only a,b] [--against DIR]
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { growth } from './growth.ts';
import { DifferentAnswers } from './measure.ts';
import { profile } from './profile.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    against: { type: 'string' },
  },
});
const against = values.against === undefined ? null : resolve(values.against, 'dist/src/main.js');
if (against !== null && !existsSync(against)) throw new Error(`There is no ${against}: build it first.`);
// Builds differ little. Short rounds show it best: what disturbs one disturbs its neighbour, and not the median.
const [rounds, seconds] = against === null ? [5, 3] : [12, 0.3];
const options = {
  rounds: Number(values.rounds ?? rounds),
  seconds: Number(values.seconds ?? seconds),
  only: values.only?.split(',') ?? null,
  against,
};
try {
  const [what = 'compare'] = positionals;
  const run = { compare, growth, profile }[what];
  if (run === undefined) throw new Error(`There is no ${what}: growth, profile, or nothing.`);
  if (against !== null && run !== compare) throw new Error(`${what} compares with no other build.`);
  await run(options);
} catch (error) {
  if (!(error instanceof DifferentAnswers)) throw error;
  process.stderr.write(`Nothing to compare: the answers differ.\n${error.message}\n`);
  process.exitCode = 1;
}
