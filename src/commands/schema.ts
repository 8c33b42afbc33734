import { lexicographicSortSchema, printSchema } from 'graphql';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createSchema } from '../schema.js';

const FILE = 'schema.graphql';

/** Writes the schema file. With `--check` it writes nothing, and fails when the file is not up to date. */
const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
// Sorted: what moves in the code does not move in the file.
const schema = `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
if (!values.check) {
  await writeFile(FILE, schema);
} else if ((await readFile(FILE, 'utf8').catch(() => null)) !== schema) {
  process.stderr.write(`${FILE} is not what the code says. Run npm run schema, and commit the file.\n`);
  process.exitCode = 1;
}
