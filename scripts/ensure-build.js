import cluster from 'node:cluster';
import { isMainThread } from 'node:worker_threads';
import { ensureBuild } from './build.js';

// Loaded by `node --import` before the program that is built, in the process of the program: that costs little, and
// signals reach the program. Processes and threads that the program starts are given the same options; they take the
// build that the program has.
if (isMainThread && cluster.isPrimary && !['current', 'built'].includes(ensureBuild())) process.exit(1);
