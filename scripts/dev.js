import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureBuild, newestSource } from './build.js';

// Runs the server, and starts it anew after each change to its sources that compiles.

/** Time between two looks at the sources, in ms. Looking works on every file system, waiting for events does not. */
const LOOK_MS = 300;

/** The server that was started last, with its end. */
let server = null;
const stopping = new AbortController();
const goesOn = () => !stopping.signal.aborted;

function stop() {
  stopping.abort();
  server?.process.kill();
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
// Also where this process ends by an error: no server is left behind.
process.on('exit', stop);

while (goesOn()) {
  const seen = newestSource();
  const result = ensureBuild();
  if (result === 'missing') process.exit(1);
  if (result === 'built' || (result === 'current' && server === null)) {
    // The next one needs its port, and the lock of the embedded database.
    server?.process.kill();
    await server?.ended;
    if (goesOn()) server = start();
  }
  while (goesOn() && newestSource() === seen) await delay(LOOK_MS);
}
await server?.ended;

function start() {
  const child = spawn(process.execPath, ['--enable-source-maps', 'dist/src/main.js'], { stdio: 'inherit' });
  return { process: child, ended: endOf(child) };
}

async function endOf(child) {
  const [code, signal] = await once(child, 'exit');
  if (child.killed || !goesOn()) return;
  process.stderr.write(`The server ended (${signal ?? code}). It is started again after the next change.\n`);
}
