import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '../auth/caller.js';
import { timestampText } from '../database/timestamp.js';
import { Problems } from '../errors.js';
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

/** Most points first, then by the user's id. */
const ORDERING: Ordering = [
  {
    expression: sql`l.points`,
    text: sql`l.points::text`,
    type: 'bigint',
    nullable: false,
    direction: 'DESC',
  },
  { ...idColumn(sql`l."userId"`), direction: 'ASC' },
];

/** The leaderboard of a game `g`, over all its tasks. */
export function gameLeaderboardShape(
  caller: Caller,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedLeaderboardEntry> | Error> {
  const awards = sql`userpoints up JOIN tasks t ON t.id = up."taskId" WHERE t."gameId" = g.id`;
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
    table: sql`(SELECT up."userId", coalesce(sum(up.points), 0)::bigint AS points, count(*)::int AS times,
        max(up.created_at) AS last, rank() OVER (ORDER BY coalesce(sum(up.points), 0) DESC)::int AS rank
      FROM ${awards} AND up."userId" IS NOT NULL GROUP BY up."userId") l`,
    id: sql`l."userId"`,
    scope: [sql`TRUE`],
    filter: [],
    ordering: ORDERING,
    parentId,
  };
  const request = pageRequest(args, list, [name, caller], new Problems());
  return pageShape(list, request, connection, objectShape(COLUMNS, nodeSelection(connection)));
}
