import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

// What only tests need is installed when they are first run, and again when it has changed: it is most of what npm would
// download for somebody who only wants to start the server.
const modified = (file) => statSync(join('tests', file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (modified(join('node_modules', '.package-lock.json')) < modified('package-lock.json')) {
  process.stderr.write('Installing what the tests need.\n');
  const { status } = spawnSync('npm', ['ci', '--silent', '--prefix', 'tests'], { stdio: ['ignore', 2, 2] });
  process.exitCode = status ?? 1;
}
