import sql, { type Sql } from 'sql-template-tag';
import { Problems } from '../../errors.js';
import {
  canonicalFilter,
  filterCondition,
  type FilterColumn,
  type StringFilter,
} from '../../lists/filter.js';
import { relatedGamesJson } from '../games/game.json.js';
import { textColumn } from '../../lists/orders.js';
import type { Ordering } from '../../lists/keyset.js';
import { checkPage, type CheckedPage } from '../../lists/page.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import type { DomainContext } from '../domain-context.js';
import type { Selection } from '../../sql-json/selection.js';
import {
  listJson,
  objectJson,
  optionalJson,
  quoted,
  text,
  timestamp,
  token,
  toSql,
  type JsonSql,
} from '../../sql-json/json-sql.js';
import { customStrategiesVisibleTo } from './strategy.visibility.js';
import type { Caller } from '../../auth/caller.js';
import type { Placeholder } from '../../sql-json/bind.js';
import { relatedTasksJson } from '../tasks/task.json.js';
import { CUSTOM_PREFIX, type Strategies } from './strategies.js';

/** What a strategy is made of: code of GAME, or rules that were put together in GAME's editor. */
export type StrategyKind = 'BUILT_IN' | 'CUSTOM';
export type StrategyStatus = 'DRAFT' | 'PUBLISHED' | 'ARCHIVED';

export interface StrategyFilter {
  readonly kind?: StrategyKind | null | undefined;
  readonly status?:
    | {
        readonly eq?: StrategyStatus | null | undefined;
        readonly in?: readonly StrategyStatus[] | null | undefined;
      }
    | null
    | undefined;
  readonly name?: StringFilter | null | undefined;
}

/** Which strategies are asked for, and which page of them. */
export interface StrategyQuery extends PageArguments {
  readonly filter?: StrategyFilter | null | undefined;
}

const COLUMNS = {
  id: text(sql`s.id`),
  kind: token(sql`s.kind`),
  name: text(sql`s.name`),
  version: text(sql`s.version`),
  status: token(sql`s.status`),
  description: text(sql`s.description`),
  realm: text(sql`s.realm`),
  publishedAt: timestamp(sql`s.published_at`),
};

const FILTER_COLUMNS: Readonly<Record<'kind' | 'status' | 'name', FilterColumn>> = {
  kind: { column: sql`s.kind`, type: 'text' },
  status: { column: sql`s.status`, type: 'text' },
  name: { column: sql`s.name`, type: 'text' },
};

/** Built-ins by id, then custom ones by name, the newest version first. */
const ORDERING: Ordering = [
  { ...textColumn(sql`s.kind`), nullable: false, direction: 'ASC' },
  { ...textColumn(sql`s.name`), nullable: false, direction: 'ASC' },
  {
    expression: sql`s.number`,
    json: quoted(sql`s.number`),
    type: 'bigint',
    nullable: false,
    direction: 'DESC',
  },
  { ...textColumn(sql`s.id`), json: text(sql`s.id`), nullable: false, direction: 'ASC' },
];

/** The visible strategy with the id that this expression yields, or null. */
export function strategyJson(context: DomainContext, id: Sql, selection: Selection): JsonSql {
  const strategy = toSql(strategyObjectJson(context, selection));
  return optionalJson(sql`SELECT ${strategy} FROM (${strategyWithId(context, id)}) s`);
}

/** The visible strategies with these ids, as `s`. */
export function strategiesWithIds(context: DomainContext, ids: Placeholder<object>): Sql {
  return sql`unnest(${ids}::text[]) wanted (id)
    CROSS JOIN LATERAL (${strategyWithId(context, sql`wanted.id`)}) s`;
}

/**
 * A page of the strategies that the caller may see.
 *
 * @throws BAD_USER_INPUT for bad page arguments or filters; LIMIT_EXCEEDED for too much
 */
export function checkStrategyPage(caller: Caller, strategies: StrategyQuery): CheckedPage<DomainContext> {
  const problems = new Problems();
  const { kind, status, name } = strategies.filter ?? {};
  const filter = filterCondition<'kind' | 'status' | 'name'>(
    { kind: kind ? { eq: kind } : null, status, name },
    FILTER_COLUMNS,
    'filter',
    problems,
  );
  const list = {
    cacheKey: strategies.filter ? null : '',
    ordering: ORDERING,
    fingerprintParts: ['strategies', canonicalFilter(strategies.filter)],
    rows: (context: DomainContext) => {
      const visible = customStrategiesVisibleTo(context.caller, context.strategies);
      const all = sql`${builtIns(context.strategies)} UNION ALL ${customColumns()} WHERE ${visible}`;
      return { table: sql`(${all}) s`, id: sql`s.id`, visibility: [sql`TRUE`], filter: [filter] };
    },
    row: strategyObjectJson,
  };
  return checkPage(strategies, list, caller, problems);
}

/** A strategy `s`, with what belongs to it. */
export function strategyObjectJson(context: DomainContext, selection: Selection): JsonSql {
  return objectJson(context, selection, {
    ...COLUMNS,
    versions: (_args, version) => versionsJson(context, version),
    games: (args: PageArguments, games) =>
      relatedGamesJson(
        context,
        { name: 'Strategy.games', parentId: sql`s.id`, condition: sql`g."strategyId" = s.id` },
        args,
        games,
      ),
    tasks: (args: PageArguments, tasks) =>
      relatedTasksJson(
        context,
        { name: 'Strategy.tasks', parentId: sql`s.id`, condition: sql`t."strategyId" = s.id` },
        args,
        tasks,
      ),
  });
}

/** The family of a strategy `s`, newest version first; a built-in is its own family. */
function versionsJson(context: DomainContext, selection: Selection): JsonSql {
  const version = toSql(strategyObjectJson(context, selection));
  // Within the brackets `s` is still the strategy whose family this is.
  return listJson(
    context,
    selection,
    sql`SELECT ${version} AS item FROM (
          SELECT s.* WHERE s.kind = 'BUILT_IN'
          UNION ALL
          ${customColumns()} WHERE s.kind = 'CUSTOM' AND d.name = s.name AND d."realmId" IS NOT DISTINCT FROM s.realm
            AND ${customStrategiesVisibleTo(context.caller, context.strategies)}
        ) s ORDER BY s.number DESC, s.id`,
  );
}

function strategyWithId(context: DomainContext, id: Sql): Sql {
  const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
  return sql`SELECT * FROM (${builtIns(context.strategies)}) b WHERE b.id = ${id}
    UNION ALL
    ${customColumns()} WHERE ${customStrategiesVisibleTo(context.caller, context.strategies)}
      AND d.id = CASE WHEN ${id} ~ ${`^${CUSTOM_PREFIX}${uuid}$`} THEN right(${id}, 36)::uuid END`;
}

/** The built-in strategies as rows. */
function builtIns(strategies: Strategies): Sql {
  const ids = [...strategies.builtIns.keys()];
  const versions = [...strategies.builtIns.values()];
  return sql`SELECT u.id, 'BUILT_IN' AS kind, u.id AS name, u.version, 'PUBLISHED' AS status, NULL::text AS description,
      NULL::text AS realm, NULL::timestamptz AS published_at, 0::bigint AS number
    FROM unnest(${ids}::text[], ${versions}::text[]) u (id, version)`;
}

/** Custom strategies `d` as rows of the same columns. A status that GAME does not know counts as archived. */
function customColumns(): Sql {
  return sql`SELECT ${CUSTOM_PREFIX}::text || d.id, 'CUSTOM', d.name::text, d.version::text,
      CASE WHEN d.status IN ('DRAFT', 'PUBLISHED') THEN d.status ELSE 'ARCHIVED' END::text, d.description,
      d."realmId"::text, d."publishedAt", d.version::bigint
    FROM strategydefinition d`;
}
