import sql from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { Problems } from '../../errors.js';
import { identityJson, relatedGamesJson } from '../games/game.json.js';
import { idColumn, timestampColumn } from '../../lists/orders.js';
import { or, type Ordering } from '../../lists/keyset.js';
import { checkPage, type CheckedPage } from '../../lists/page.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import { relatedTasksJson } from '../tasks/task.json.js';
import { reassignmentsVisibleTo } from './reassignment.visibility.js';
import type { DomainContext } from '../domain-context.js';
import type { Selection } from '../../sql-json/selection.js';
import {
  number,
  objectJson,
  optionalJson,
  text,
  timestamp,
  token,
  toSql,
  type JsonSql,
} from '../../sql-json/json-sql.js';

export type ReassignmentKind = 'BULK' | 'ROLLBACK' | 'UNDO';

const COLUMNS = {
  id: token(sql`r.id`),
  kind: token(sql`r.kind`),
  oldStrategyId: text(sql`r.old_strategy_id`),
  newStrategyId: text(sql`r.new_strategy_id`),
  /** Games moved. */
  count: number(sql`r.games`),
  /** Tasks moved. */
  taskCount: number(sql`r.tasks`),
  createdAt: timestamp(sql`r.created_at`),
  undoneAt: timestamp(sql`r.undone_at`),
};

const NEWEST_FIRST: Ordering = [
  { ...timestampColumn(sql`r.created_at`), nullable: false, direction: 'DESC' },
  { ...idColumn(sql`r.id`), direction: 'DESC' },
];

/** A reassignment `r`, with what belongs to it. */
export function reassignmentJson(context: DomainContext, selection: Selection): JsonSql {
  return objectJson(context, selection, {
    ...COLUMNS,
    madeBy: (_args, maker) => identityJson(context, sql`r.api_key`, sql`r.oauth_user_id`, maker),
    games: (args: PageArguments, games) =>
      relatedGamesJson(
        context,
        {
          name: 'StrategyReassignment.games',
          parentId: sql`r.id`,
          condition: sql`EXISTS (SELECT FROM game_graphql_reassigned_games m
            WHERE m.reassignment_id = r.id AND m.game_id = g.id)`,
        },
        args,
        games,
      ),
    tasks: (args: PageArguments, tasks) =>
      relatedTasksJson(
        context,
        {
          name: 'StrategyReassignment.tasks',
          parentId: sql`r.id`,
          condition: sql`EXISTS (SELECT FROM game_graphql_reassigned_tasks m
            WHERE m.reassignment_id = r.id AND m.task_id = t.id)`,
        },
        args,
        tasks,
      ),
    undoes: (_args, undone) => undoneJson(context, undone),
  });
}

/** The reassignment that a reassignment `r` undid, or null. */
function undoneJson(context: DomainContext, selection: Selection): JsonSql {
  const undone = toSql(reassignmentJson(context, selection));
  // Within the brackets `r` is still the one that undid.
  return optionalJson(
    sql`SELECT ${undone} FROM (SELECT x.* FROM game_graphql_reassignments x WHERE x.id = r.undoes) r
        WHERE ${or(reassignmentsVisibleTo(context.caller))}`,
  );
}

/**
 * A page of the reassignments that the caller may see, newest first.
 *
 * @throws BAD_USER_INPUT, LIMIT_EXCEEDED for bad page arguments
 */
export function checkReassignmentPage(caller: Caller, args: PageArguments): CheckedPage<DomainContext> {
  const list = {
    cacheKey: '',
    ordering: NEWEST_FIRST,
    fingerprintParts: ['strategyReassignments'],
    rows: (context: DomainContext) => ({
      table: sql`game_graphql_reassignments r`,
      id: sql`r.id`,
      visibility: reassignmentsVisibleTo(context.caller),
      filter: [],
    }),
    row: reassignmentJson,
  };
  return checkPage(args, list, caller, new Problems());
}
