import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Moved into place after all the rest of a build; its time is that of the newest source that the build is made from. */
const MAIN = join('src', 'main.js');
const BUILD = 'dist';
/** What decides about a build beside `src`. */
const OTHER_SOURCES = /^(mikro-orm\.config\.ts|tsconfig.*\.json|package-lock\.json)$/;
const COMPILER = join('node_modules', 'typescript', 'bin', 'tsc');
/** Beginning of the names of directories that builds are made in, within `dist`; and when one is left over, in ms. */
const DRAFT = 'draft-';
const DRAFT_MAX_AGE_MS = 10 * 60_000;

/**
 * Makes the build in the current directory unless it is up to date: not older than the newest of its sources. Where
 * the sources or the compiler are missing, the build that is there is taken as it is.
 *
 * @returns {'current' | 'built' | 'failed' | 'missing'} `failed`: the sources do not compile; `missing`: there is no
 *   build, and nothing to make one with. Either has been said on standard error
 */
export function ensureBuild() {
  if (!existsSync('node_modules')) {
    say('The dependencies are not installed: run npm ci first.');
    return 'missing';
  }
  const built = modified(join(BUILD, MAIN));
  if (!existsSync('src') || !existsSync(COMPILER)) {
    if (built > 0) return 'current';
    say('There is no build of the server, and nothing to make one with: run npm ci first.');
    return 'missing';
  }
  const newest = newestSource();
  if (newest <= built) return 'current';
  say(built > 0 ? 'Building the server: its sources have changed.' : 'Building the server.');
  return build(newest) ? 'built' : 'failed';
}

/** When any source was last changed, in whole ms. A file that is removed changes its directory. */
export function newestSource() {
  try {
    const files = [
      'src',
      ...readdirSync('src', { recursive: true }).map((file) => join('src', file)),
      ...readdirSync('.').filter((file) => OTHER_SOURCES.test(file)),
    ];
    return Math.ceil(Math.max(...files.map(modified)));
  } catch (error) {
    // A directory was removed between two looks.
    if (error.code === 'ENOENT') return Date.now();
    throw error;
  }
}

/** In ms; 0 where there is no such file. */
function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Compiles into a directory of its own and moves the files over one by one, so that a process that starts meanwhile
 * finds each of them whole. Several builds at once make the same files.
 */
function build(newest) {
  mkdirSync(BUILD, { recursive: true });
  removeLeftDrafts();
  const draft = mkdtempSync(join(BUILD, DRAFT));
  try {
    const args = [COMPILER, '-p', 'tsconfig.build.json', '--outDir', draft];
    // Standard output belongs to the program that is about to run.
    const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
    if (status !== 0) return false;
    utimesSync(join(draft, MAIN), newest / 1_000, newest / 1_000);
    const files = filesIn(draft);
    for (const file of [...files.filter((name) => name !== MAIN), MAIN]) {
      mkdirSync(dirname(join(BUILD, file)), { recursive: true });
      renameSync(join(draft, file), join(BUILD, file));
    }
    for (const file of filesIn(join(BUILD, 'src'))) {
      if (!files.includes(join('src', file))) rmSync(join(BUILD, 'src', file), { force: true });
    }
    return true;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function filesIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

/** Of builds that were cut off. */
function removeLeftDrafts() {
  for (const name of readdirSync(BUILD)) {
    const directory = join(BUILD, name);
    if (name.startsWith(DRAFT) && Date.now() - modified(directory) > DRAFT_MAX_AGE_MS) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
