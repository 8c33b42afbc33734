import { ask, startContestant } from './contestants.ts';
import { tidyUp, type Data } from './database.ts';
import { median, ratios, say, spread } from './report.ts';

/** Most that a move may cost, in times the bare UPDATE: with the record of what was moved, and without. */
const GOAL_RECORDED = 1.5;
const GOAL = 1.15;

const MOVE = `mutation ($from: ID!, $to: ID!) {
  bulkUpdateStrategyId(input: { oldStrategyId: $from, newStrategyId: $to }) { count reassignment { id } } }`;
/** What the mutation does to the games, and nothing else. */
const BARE = `UPDATE games SET "strategyId" = $2, updated_at = clock_timestamp()
  WHERE "apiKey_used" = $3 AND "strategyId" = $1`;

/** Operation (h): games that are all moved to another strategy, against the bare UPDATE of the same rows. */
export async function compareMoves(data: Data, rounds: number): Promise<void> {
  const { db, movedOwner: owner } = data;
  const server = await startContestant('ours', data.url);
  const times: Record<'bare' | 'ours', number[]> = { bare: [], ours: [] };
  let [from, to] = ['default', 'socio_bee'];
  let games = 0;
  const move = async (): Promise<number> => {
    const body = await ask(server.port, { query: MOVE, variables: { from, to }, owner });
    return (JSON.parse(body) as { data: { bulkUpdateStrategyId: { count: number } } }).data
      .bulkUpdateStrategyId.count;
  };
  const update = async (): Promise<number> => (await db.query(BARE, [from, to, owner.prefix])).rowCount ?? 0;
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const [who, run] of [
        ['bare', update],
        ['ours', move],
      ] as const) {
        await tidyUp(db);
        const startedAt = performance.now();
        const moved = await run();
        // The first round warms up.
        if (round > 0) times[who].push(performance.now() - startedAt);
        games ||= moved;
        if (moved !== games) throw new Error(`${who} moved ${moved} games, not ${games}.`);
        [from, to] = [to, from];
      }
    }
  } finally {
    await server.stop();
  }
  const ratio = ratios(times.ours, times.bare);
  const met = (goal: number): string => `${goal} ${median(ratio) <= goal ? 'met' : 'NOT MET'}`;
  say(`(h) bulkUpdateStrategyId of ${games} games, recorded, against the bare UPDATE\n`);
  say(`ours ${spread(times.ours)} ms, bare UPDATE ${spread(times.bare)} ms, ours / bare ${spread(ratio)}`);
  say(`goal with the record ${met(GOAL_RECORDED)}; without it, which cannot be switched off, ${GOAL}\n`);
}
