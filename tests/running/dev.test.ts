import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { closeWorkplaces, until, Workplace, type Child } from '../support/process.js';

/** In place of the server: takes a lock when it starts, and gives it back some time after it was told to stop. */
const server = (name: string): string => `import { mkdirSync, rmdirSync } from 'node:fs';
  mkdirSync('lock');
  const timer = setInterval(() => {}, 1_000);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    clearInterval(timer);
    setTimeout(() => rmdirSync('lock'), 300);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.write(\`${name} \${process.pid}\\n\`);\n`;

let workplace: Workplace;
let dev: Child;

beforeEach(async () => {
  workplace = await Workplace.withSources({
    'mikro-orm.config.ts': 'export const config = 1;\n',
    'src/main.ts': server('first'),
  });
  dev = workplace.spawn('npm', ['run', '--silent', 'dev'], { HOME: workplace.directory }, true);
});
afterEach(() => dev.kill());
afterAll(closeWorkplaces);

/** Waits until this server runs; answers its process. */
function running(name: string): Promise<number> {
  const started = new RegExp(`^${name} (\\d+)$`, 'm');
  return until(
    () => Number(started.exec(dev.stdout)?.[1] ?? 0) || null,
    () => `${name} did not start. ${dev.printed()}`,
  );
}

/** Whether a process runs, or any process of a group, which is given as a negative number. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Sends a signal to a process or a group, and expects that all of it ends in order. */
async function expectEnd(signal: NodeJS.Signals, pid = dev.pid): Promise<void> {
  process.kill(pid, signal);
  const { code } = await dev.ended();
  expect({ code, isAlive: isAlive(-dev.pid) }).toEqual({ code: 0, isAlive: false });
  expect(await readdir(workplace.directory)).not.toContain('lock');
}

test('npm run dev starts the server anew after a change, when the one before has ended', async () => {
  const first = await running('first');
  await workplace.write('src/main.ts', server('second'));
  await running('second');
  expect(isAlive(first)).toBe(false);
  await expectEnd('SIGTERM');
  expect(dev.stderr).toBe('Building the server.\nBuilding the server: its sources have changed.\n');
});

test('a change that does not compile leaves the server as it is', async () => {
  const first = await running('first');
  await workplace.write('src/part.ts', 'export const part: number = "text";\n');
  await until(() => dev.stderr.includes('TS2322'));
  await workplace.write('src/part.ts', 'export const part: number = "text"; // still\n');
  await until(() => dev.stderr.split('TS2322').length === 3);
  expect(isAlive(first)).toBe(true);
  await expectEnd('SIGTERM');
});

test('a server that ends by itself is started again after the next change', async () => {
  await running('first');
  await workplace.write('src/main.ts', `throw new Error('planted');\n`);
  await until(() =>
    dev.stderr.includes('The server ended (1). It is started again after the next change.\n'),
  );
  await workplace.write('src/main.ts', server('third'));
  await running('third');
  await expectEnd('SIGTERM');
});

test.each<[name: string, signal: NodeJS.Signals, pid: () => number]>([
  ['Ctrl+C in its terminal', 'SIGINT', () => -dev.pid],
  ['an interrupt', 'SIGINT', () => dev.pid],
  ['SIGTERM', 'SIGTERM', () => dev.pid],
])('%s ends all of it', async (_name, signal, pid) => {
  await running('first');
  await expectEnd(signal, pid());
});
