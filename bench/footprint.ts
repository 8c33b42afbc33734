import { httpRequest, type Contestant } from './contestants.ts';
import type { Data } from './database.ts';
import { CONNECTIONS, Load } from './measure.ts';
import { median, say, short, spread } from './report.ts';

const START_GOAL_MS = 1_500;
const MEMORY_GOAL_MB = 250;
const STARTS = 5;
const OPERATIONS = 10_000;
/** Longest time in which they must have been asked, in ms. */
const TIME_LIMIT_MS = 300_000;

/** How long a start takes, and how much memory operations leave behind that are never asked twice; of each of these. */
export async function measureFootprint(
  { owners }: Data,
  starts: readonly (() => Promise<Contestant>)[],
): Promise<void> {
  const startMs = new Map<string, number[]>();
  for (let round = 0; round < STARTS; round++) {
    for (const start of starts) {
      const server = await start();
      startMs.set(server.name, [...(startMs.get(server.name) ?? []), server.startMs]);
      await server.stop();
    }
  }
  for (const [name, times] of startMs) {
    say(`From node started to ready, on a migrated database, ${name}: ${spread(times)} ms`);
    say(`goal ${START_GOAL_MS} ms ${median(times) <= START_GOAL_MS ? 'met' : 'NOT MET'}\n`);
  }

  const requests = Array.from({ length: OPERATIONS }, (_, index) =>
    owners.slice(index % owners.length, (index % owners.length) + 1).map((owner) =>
      httpRequest({
        query: `query Operation${index} { games(first: 20) { nodes { id field${index}: externalGameId createdAt } } }`,
        variables: {},
        owner,
      }),
    ),
  ).flat();
  for (const start of starts) {
    const load = new Load();
    const server = await start();
    try {
      const before = server.residentMb();
      const { count } = await load.run({
        port: server.port,
        requests,
        connections: CONNECTIONS,
        ms: TIME_LIMIT_MS,
        atMost: OPERATIONS,
      });
      const after = server.residentMb();
      say(
        `Resident memory, ${server.name}: ${short(before)} MB at the start, ${short(after)} MB after ${count} distinct operations`,
      );
      say(`goal ${MEMORY_GOAL_MB} MB ${after <= MEMORY_GOAL_MB ? 'met' : 'NOT MET'}\n`);
    } finally {
      load.stop();
      await server.stop();
    }
  }
}
