/** Runs a program in several processes that share its port: `node cluster.ts PROGRAM PROCESSES`. */
import cluster from 'node:cluster';

const [program = '', processes = '2'] = process.argv.slice(2);
cluster.setupPrimary({ exec: program, args: [] });
for (let forked = 0; forked < Number(processes); forked++) cluster.fork();
