/** Runs a program in several processes that share its port: `node cluster.ts PROGRAM PROCESSES`. */
import cluster from 'node:cluster';
import { once } from 'node:events';

const [program = '', processes = '2'] = process.argv.slice(2);
cluster.setupPrimary({ exec: program, args: [], silent: true });
const workers = Array.from({ length: Number(processes) }, () => cluster.fork());
const printed = await Promise.all(
  workers.map(async (worker) => {
    const stdout = worker.process.stdout;
    if (stdout === null) throw new Error('A process has no output.');
    for (let text = ''; ;) {
      const [chunk] = (await once(stdout, 'data')) as [Buffer];
      text += chunk.toString('utf8');
      if (text.includes('Ready: ')) return text;
    }
  }),
);
for (const { process: child } of workers) child.stdout?.pipe(process.stdout);
process.stdout.write(printed[0] ?? '');
