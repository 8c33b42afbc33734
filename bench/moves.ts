import type pg from 'pg';
import { ask, startContestant, type Contestant } from './contestants.ts';
import { addTasks, tidyUp, type Data } from './database.ts';
import { median, ratios, say, spread } from './report.ts';

/** Most that a move may cost, in times the bare UPDATEs: with the record of what was moved, and without. */
const GOAL_RECORDED = 1.5;
const GOAL = 1.15;

/** Tasks of each game, in the move with tasks. */
const TASKS_PER_GAME = 2;

const MOVE = `mutation ($from: ID!, $to: ID!, $tasks: Boolean!) {
  bulkUpdateStrategyId(input: { oldStrategyId: $from, newStrategyId: $to, tasks: $tasks }) {
    count taskCount reassignment { id } } }`;
/** What the mutation does to the games, and to the tasks, and nothing else. */
const BARE = `UPDATE games SET "strategyId" = $2, updated_at = clock_timestamp()
  WHERE "apiKey_used" = $3 AND "strategyId" = $1`;
const BARE_TASKS = `UPDATE tasks t SET "strategyId" = $2, updated_at = clock_timestamp() FROM games g
  WHERE g.id = t."gameId" AND g."apiKey_used" = $3 AND t."strategyId" = $1`;

/**
 * Operation (h): games that are all moved to another strategy, against the bare UPDATE of the same rows; then the same
 * with their tasks, against the two bare UPDATEs.
 */
export async function compareMoves(data: Data, rounds: number): Promise<void> {
  const server = await startContestant('ours', data.url);
  try {
    await compareMove(data, server, rounds, false);
    await addTasks(data.db, data.movedOwner, TASKS_PER_GAME);
    await compareMove(data, server, rounds, true);
  } finally {
    await server.stop();
  }
}

async function compareMove(data: Data, server: Contestant, rounds: number, tasks: boolean): Promise<void> {
  const { db, movedOwner: owner } = data;
  const times: Record<'bare' | 'ours', number[]> = { bare: [], ours: [] };
  let [from, to] = ['default', 'socio_bee'];
  let rows = '';
  const move = async (): Promise<string> => {
    const body = await ask(server.port, { query: MOVE, variables: { from, to, tasks }, owner });
    const answer = JSON.parse(body) as {
      data: { bulkUpdateStrategyId: { count: number; taskCount: number } };
    };
    const { count, taskCount } = answer.data.bulkUpdateStrategyId;
    return told(count, tasks ? taskCount : null);
  };
  const update = async (): Promise<string> => {
    const values = [from, to, owner.prefix];
    if (!tasks) return told((await db.query(BARE, values)).rowCount, null);
    await db.query('BEGIN');
    const results: pg.QueryResult[] = [await db.query(BARE, values), await db.query(BARE_TASKS, values)];
    await db.query('COMMIT');
    return told(results[0]?.rowCount, results[1]?.rowCount);
  };
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
      rows ||= moved;
      if (moved !== rows) throw new Error(`${who} moved ${moved}, not ${rows}.`);
      [from, to] = [to, from];
    }
  }
  const ratio = ratios(times.ours, times.bare);
  const met = (goal: number): string => `${goal} ${median(ratio) <= goal ? 'met' : 'NOT MET'}`;
  const bare = tasks ? 'the two bare UPDATEs' : 'the bare UPDATE';
  say(`(h) bulkUpdateStrategyId of ${rows}, recorded, against ${bare}\n`);
  say(`ours ${spread(times.ours)} ms, bare ${spread(times.bare)} ms, ours / bare ${spread(ratio)}`);
  say(`goal with the record ${met(GOAL_RECORDED)}; without it, which cannot be switched off, ${GOAL}\n`);
}

/** What was moved. */
const told = (games: number | null | undefined, tasks: number | null | undefined): string =>
  `${games} games${tasks === null ? '' : ` and ${tasks} tasks`}`;
