import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '../auth/caller.js';
import { timestampText } from '../database/timestamp.js';
import { limitExceeded, Problems } from '../errors.js';
import { idColumn } from '../paging/columns.js';
import type { Ordering } from '../paging/keyset.js';
import { nodeSelection, pageRequest, pageShape, type Page, type PageArguments } from '../paging/page.js';
import type { Selection } from '../reading/selection.js';
import { objectShape, type Selected, type Shape } from '../reading/shape.js';

/** A user's points in a game or a task. */
export interface LeaderboardRow {
  /** The user's id in the database; not shown. */
  readonly id: string;
  /** Equal points share a rank: 1, 2, 2, 4. */
  readonly rank: number;
  readonly externalUserId: string | null;
  readonly points: number;
  readonly timesAwarded: number;
  readonly lastAwardedAt: string | null;
}

export type SelectedLeaderboardEntry = Selected<LeaderboardRow>;

const COLUMNS: Readonly<Record<keyof LeaderboardRow, Sql>> = {
  id: sql`l."userId"`,
  rank: sql`l.rank`,
  externalUserId: sql`(SELECT u."externalUserId" FROM users u WHERE u.id = l."userId")`,
  points: sql`l.points`,
  timesAwarded: sql`l.times`,
  lastAwardedAt: timestampText(sql`l.last`),
};

/**
 * Most points first, then by the user's id. The points are negated so that both run in one direction: then
 * what comes after a cursor is one condition. Several would each be a look at all users.
 */
const ORDERING: Ordering = [
  {
    expression: sql`l.minus`,
    text: sql`l.minus::text`,
    type: 'bigint',
    nullable: false,
    direction: 'ASC',
  },
  { ...idColumn(sql`l."userId"`), direction: 'ASC' },
];

/** The leaderboard of a game `g`, over all its tasks. */
export function gameLeaderboardShape(
  caller: Caller,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedLeaderboardEntry> | Error> {
  // Not as a join: whose size PostgreSQL guesses at a few rows, and would then sort a million on disk.
  const awards = sql`userpoints up
    WHERE up."taskId" = ANY(ARRAY(SELECT t.id FROM tasks t WHERE t."gameId" = g.id))`;
  return leaderboardShape(caller, 'Game.leaderboard', sql`g.id`, awards, args, connection);
}

/** The leaderboard of a task `t`. */
export function taskLeaderboardShape(
  caller: Caller,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedLeaderboardEntry> | Error> {
  const awards = sql`userpoints up WHERE up."taskId" = t.id`;
  return leaderboardShape(caller, 'Task.leaderboard', sql`t.id`, awards, args, connection);
}

/** Most leaderboards of one object that one operation may ask for. */
const MAX_LEADERBOARDS = 5;

/**
 * Each page of a leaderboard, asked for under an alias with other arguments, adds up all points anew: what that
 * costs cannot be told from the operation, so there may be few.
 *
 * @throws LIMIT_EXCEEDED
 */
export function checkLeaderboards(selection: Selection): void {
  const count = selection.parts('leaderboard').length;
  if (count > MAX_LEADERBOARDS) {
    throw limitExceeded(
      `At most ${MAX_LEADERBOARDS} pages of one leaderboard may be asked for at once; there are ${count}.`,
    );
  }
}

/** NULL points count as 0; awards without a user are left out. */
function leaderboardShape(
  caller: Caller,
  name: string,
  parentId: Sql,
  awards: Sql,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedLeaderboardEntry> | Error> {
  const list = {
    table: sql`l`,
    id: sql`l."userId"`,
    scope: [sql`TRUE`],
    filter: [],
    ordering: ORDERING,
    parentId,
  };
  const request = pageRequest(args, list, [name, caller], new Problems());
  const page = pageShape(list, request, connection, objectShape(COLUMNS, nodeSelection(connection)));
  // The sums are made once, for the rows, the count and the page flags alike.
  return {
    sql: sql`(WITH l AS (
        SELECT up."userId", coalesce(sum(up.points), 0) AS points, -coalesce(sum(up.points), 0) AS minus,
          count(*)::int AS times, max(up.created_at) AS last,
          rank() OVER (ORDER BY -coalesce(sum(up.points), 0))::int AS rank
        FROM ${awards} AND up."userId" IS NOT NULL GROUP BY up."userId")
      SELECT ${page.sql})`,
    read: (json) => page.read(json),
  };
}
