import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** What only tests need. */
export const PACKAGES = join(REPOSITORY, 'tests', 'node_modules');
/** Longest time that a tool may take, in ms. */
const TOOL_MS = 120_000;

/** Makes a directory of a frontend that has this repository's tools and schema; its parent is to be removed. */
export async function makeFrontend(files: Readonly<Record<string, string>>): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'game-graphql-frontend-'));
  const directory = join(parent, 'frontend');
  await mkdir(directory);
  // What is not in the one is looked for in the other.
  await symlink(PACKAGES, join(directory, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules'), join(parent, 'node_modules'));
  await copyFile(join(REPOSITORY, 'schema.graphql'), join(directory, 'schema.graphql'));
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** Runs a tool in a frontend. @throws with what it printed when it fails */
export async function runTool(directory: string, tool: string, ...args: string[]): Promise<void> {
  const packages = tool === 'tsc' ? join(REPOSITORY, 'node_modules') : PACKAGES;
  const program = join(packages, '.bin', tool);
  await promisify(execFile)(program, args, {
    cwd: directory,
    timeout: TOOL_MS,
    // Nothing of jest's own.
    env: { PATH: process.env['PATH'] },
  }).catch((error: unknown) => {
    const { stdout, stderr } = Object(error) as { stdout?: string; stderr?: string };
    throw new Error(`${tool} failed:\n${stdout}\n${stderr}`);
  });
}
