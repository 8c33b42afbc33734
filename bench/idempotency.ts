/**
 * What an Idempotency-Key costs a mutation: patchGame with a key of its own each time, and without.
 *
 *   npm run build && node bench/idempotency.ts
 */
import { randomUUID } from 'node:crypto';
import { httpRequest, startContestant } from './contestants.ts';
import { makeData, startDatabaseServer } from './database.ts';
import { CONNECTIONS, Load } from './measure.ts';
import { makeOperations, questionOf } from './operations.ts';
import { median, ratios, say, spread } from './report.ts';

const SIZES = { games: 20_000, points: 1_000, moved: 10 };
const WARM_UP = 10;
const ROUNDS = 20;
const ROUND_MS = 500;
/** More than are sent in a round: a key that is sent again would be answered from what was kept. */
const REQUESTS = 10_000;

const postgres = await startDatabaseServer();
const load = new Load();
try {
  const data = await makeData(postgres, 'idempotency', SIZES);
  const server = await startContestant('ours', data.url);
  const operation = (await makeOperations(data, [server])).find(({ name }) => name === 'g');
  if (operation === undefined) throw new Error('There is no operation g.');
  let turn = 0;
  const requests = (isKeyed: boolean): string[] => {
    const made: string[] = [];
    while (made.length < REQUESTS) {
      for (const subject of operation.subjects(turn++)) {
        const request = httpRequest(questionOf(operation, 'ours', subject));
        const key = isKeyed ? `\r\nidempotency-key: ${randomUUID()}` : '';
        made.push(request.replace('\r\n', `${key}\r\n`));
      }
    }
    return made;
  };
  const perSecond = { plain: [] as number[], keyed: [] as number[] };
  const cpuMs = { plain: [] as number[], keyed: [] as number[] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? (['plain', 'keyed'] as const) : (['keyed', 'plain'] as const)) {
      const before = server.cpuMs();
      const job = {
        port: server.port,
        requests: requests(kind === 'keyed'),
        connections: CONNECTIONS,
        ms: ROUND_MS,
      };
      const { count, ms } = await load.run(job);
      if (round < WARM_UP) continue;
      perSecond[kind].push((count * 1_000) / ms);
      cpuMs[kind].push((server.cpuMs() - before) / count);
    }
  }
  const { rows } = await data.db.query<{ kept: number }>(
    'SELECT count(*)::int AS kept FROM game_graphql_idempotency_keys',
  );
  say(
    `patchGame/s without a key ${spread(perSecond.plain)}, with one ${spread(perSecond.keyed)}; ${rows[0]?.kept} keys are kept`,
  );
  say(
    `rate with / without ${median(ratios(perSecond.keyed, perSecond.plain)).toFixed(2)}, CPU ${median(ratios(cpuMs.keyed, cpuMs.plain)).toFixed(2)}`,
  );
  await server.stop();
  await data.db.end();
} finally {
  load.stop();
  await postgres.stop();
}
