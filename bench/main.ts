/**
 * How fast the server is, against PostGraphile 5 and against the floor; see CONTRIBUTING.md.
 *
 *   npm run bench -- [growth | processes | profile] [--rounds 5] [--seconds 3] [--only a,b]
 */
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { growth } from './growth.ts';
import { DifferentAnswers } from './measure.ts';
import { processes } from './processes.ts';
import { profile } from './profile.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const options = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  only: values.only?.split(',') ?? null,
};
try {
  const [what = 'compare'] = positionals;
  const run = { compare, growth, processes, profile }[what];
  if (run === undefined) throw new Error(`There is no ${what}: growth, processes, profile, or nothing.`);
  await run(options);
} catch (error) {
  if (!(error instanceof DifferentAnswers)) throw error;
  process.stderr.write(`Nothing to compare: the answers differ.\n${error.message}\n`);
  process.exitCode = 1;
}
