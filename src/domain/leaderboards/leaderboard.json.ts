import sql, { type Sql } from 'sql-template-tag';
import { limitExceeded } from '../../errors.js';
import { idColumn } from '../../lists/orders.js';
import type { Ordering } from '../../lists/keyset.js';
import { nestedPageJson } from '../../lists/page.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import type { DomainContext } from '../domain-context.js';
import type { Selection } from '../../sql-json/selection.js';
import { number, objectJson, quoted, text, timestamp, toSql, type JsonSql } from '../../sql-json/json-sql.js';

const COLUMNS = {
  /** Equal points share a rank: 1, 2, 2, 4. */
  rank: number(sql`l.rank`),
  externalUserId: () => text(sql`(SELECT u."externalUserId" FROM users u WHERE u.id = l."userId")`),
  points: number(sql`l.points`),
  timesAwarded: number(sql`l.times`),
  lastAwardedAt: timestamp(sql`l.last`),
};

/**
 * Most points first, then by the user's id. The points are negated so that both run in one direction: then
 * what comes after a cursor is one condition. Several would each be a look at all users.
 */
const ORDERING: Ordering = [
  {
    expression: sql`l.minus`,
    json: quoted(sql`l.minus`),
    type: 'bigint',
    nullable: false,
    direction: 'ASC',
  },
  { ...idColumn(sql`l."userId"`), direction: 'ASC' },
];

/** The leaderboard of a game `g`, over all its tasks. */
export function gameLeaderboardJson(
  context: DomainContext,
  args: PageArguments,
  connection: Selection,
): JsonSql {
  // Not as a join: whose size PostgreSQL guesses at a few rows, and would then sort a million on disk.
  const awards = sql`userpoints up
    WHERE up."taskId" = ANY(ARRAY(SELECT t.id FROM tasks t WHERE t."gameId" = g.id))`;
  return leaderboardJson(context, 'Game.leaderboard', sql`g.id`, awards, args, connection);
}

/** The leaderboard of a task `t`. */
export function taskLeaderboardJson(
  context: DomainContext,
  args: PageArguments,
  connection: Selection,
): JsonSql {
  const awards = sql`userpoints up WHERE up."taskId" = t.id`;
  return leaderboardJson(context, 'Task.leaderboard', sql`t.id`, awards, args, connection);
}

/** Maximum number of leaderboards of one object that one operation may ask for. */
const MAX_LEADERBOARDS = 5;

/**
 * Each page of a leaderboard adds up all points anew: what that costs cannot be told from the operation, so there
 * may be few of one object.
 *
 * @param selections all that is asked for of the object
 * @throws LIMIT_EXCEEDED
 */
export function checkLeaderboards(...selections: readonly Selection[]): void {
  const count = selections.flatMap((selection) => selection.all('leaderboard')).length;
  if (count > MAX_LEADERBOARDS) {
    throw limitExceeded(
      `At most ${MAX_LEADERBOARDS} pages of one leaderboard may be asked for at once; there are ${count}.`,
    );
  }
}

/** NULL points count as 0; awards without a user are left out. */
function leaderboardJson(
  context: DomainContext,
  name: string,
  parentId: Sql,
  awards: Sql,
  args: PageArguments,
  connection: Selection,
): JsonSql {
  const list = {
    table: sql`l`,
    id: sql`l."userId"`,
    visibility: [sql`TRUE`],
    filter: [],
    ordering: ORDERING,
    parentId,
    fingerprintParts: [name],
  };
  const page = toSql(
    nestedPageJson(context, args, list, connection, (entry) => objectJson(context, entry, COLUMNS)),
  );
  // The sums are made once, for the rows, the count and the page flags alike.
  return [
    sql`(WITH l AS (
        SELECT up."userId", coalesce(sum(up.points), 0) AS points, -coalesce(sum(up.points), 0) AS minus,
          count(*)::int AS times, max(up.created_at) AS last,
          rank() OVER (ORDER BY -coalesce(sum(up.points), 0))::int AS rank
        FROM ${awards} AND up."userId" IS NOT NULL GROUP BY up."userId")
      SELECT ${page})`,
  ];
}
