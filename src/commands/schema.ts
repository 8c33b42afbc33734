import { buildSchema, findBreakingChanges, lexicographicSortSchema, printSchema } from 'graphql';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createSchema } from '../app/schema.js';

const FILE = 'schema.graphql';
/** The schema of the last release. */
const RELEASED = 'schema.released.graphql';
/** The breaking changes since then that are meant, a line each. */
const DECLARED = 'schema.breaking.txt';

/**
 * Writes the schema file. With `--check` it writes nothing, and fails when the file is not up to date, or when the
 * schema breaks clients of the released one in a way that is not declared. `--release` makes it the released one.
 */
const { values } = parseArgs({ options: { check: { type: 'boolean' }, release: { type: 'boolean' } } });
// Sorted: what moves in the code does not move in the file.
const schema = lexicographicSortSchema(createSchema());
const text = `${printSchema(schema)}\n`;
if (values.check) {
  for (const problem of await problems()) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
} else {
  await writeFile(FILE, text);
  if (values.release) {
    await writeFile(RELEASED, text);
    await writeFile(DECLARED, '');
  }
}

async function problems(): Promise<string[]> {
  const stale =
    (await contentOf(FILE)) === text
      ? []
      : [`${FILE} is not what the code says. Run npm run schema, and commit the file.`];
  const breaking = findBreakingChanges(buildSchema(await contentOf(RELEASED)), schema).map(
    ({ description }) => description,
  );
  const declared = (await contentOf(DECLARED)).split('\n').filter((line) => line !== '');
  return [
    ...stale,
    ...breaking
      .filter((change) => !declared.includes(change))
      .map(
        (change) =>
          `Breaks clients of the released schema: ${change} If that is meant, add this sentence to ${DECLARED}.`,
      ),
    ...declared
      .filter((line) => !breaking.includes(line))
      .map((line) => `${DECLARED} declares what is no breaking change of the schema: ${line}`),
  ];
}

async function contentOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
