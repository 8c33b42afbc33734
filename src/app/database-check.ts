import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import { mixesUpPreparedStatements } from '../database/pooler.js';
import { connectionsOf, queryReserved, renewConnections } from '../database/query.js';
import { sqlState } from '../errors.js';
import { migrations } from '../migrations/index.js';

/** The oldest PostgreSQL that is supported, as `server_version_num` has it. */
const MIN_VERSION = 150_000;

/** The rights that the server's role needs: docs/operating.md grants them. */
const RIGHTS = {
  apikey: ['SELECT'],
  games: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  gamesparams: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  tasks: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  tasksparams: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  userpoints: ['SELECT', 'DELETE'],
  usergameconfig: ['SELECT', 'DELETE'],
  users: ['SELECT'],
  strategydefinition: ['SELECT', 'UPDATE'],
  oauthusers: ['SELECT', 'INSERT'],
  // Of one column.
  logs: ['SELECT', 'INSERT'],
  game_graphql_reassignments: ['SELECT', 'INSERT', 'UPDATE'],
  game_graphql_reassigned_games: ['SELECT', 'INSERT', 'UPDATE'],
  game_graphql_reassigned_tasks: ['SELECT', 'INSERT'],
  game_graphql_idempotency_keys: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
};

/** What a database says of itself. */
interface Facts {
  readonly version: number;
  readonly versionName: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly hasTables: boolean;
  readonly canRead: boolean;
  readonly closedSchema: string | null;
}

async function factsOf(em: SqlEntityManager): Promise<Facts> {
  const [facts] = await queryReserved<Facts>(
    em,
    sql`SELECT current_setting('server_version_num')::int AS version,
          current_setting('server_version') AS "versionName",
          getdatabaseencoding() AS encoding,
          pg_is_in_recovery() AS "isStandby",
          current_setting('transaction_read_only')::bool AS "isReadOnly",
          to_regclass('games') IS NOT NULL AS "hasTables",
          coalesce(has_table_privilege(to_regclass('games')::oid, 'SELECT'), false) AS "canRead",
          (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE relname = 'games' AND NOT has_schema_privilege(relnamespace, 'USAGE') LIMIT 1) AS "closedSchema"`,
  );
  if (facts === undefined) throw new Error('PostgreSQL returned no row.');
  return facts;
}

/**
 * Why the server cannot serve from a database, and what to do; null: it can. One statement, on a connection that
 * requests cannot take.
 *
 * A database that can only be read is such a reason: writes fail, and a balancer that is told so sends them to where a
 * primary may be. The connections are renewed before, because new ones may lead to the primary.
 *
 * @throws the driver's error when the database does not answer
 */
export async function problemOf(em: SqlEntityManager): Promise<string | null> {
  if (await mixesUpPreparedStatements(em)) {
    return 'a pooler before the database mixes up prepared statements: set DATABASE_PREPARED_STATEMENTS=off, or let the pooler translate them';
  }
  let row = await factsOf(em);
  const connections = connectionsOf(em);
  if (row.isReadOnly && connections !== undefined) {
    await renewConnections(connections);
    row = await factsOf(em);
  }
  if (row.version < MIN_VERSION) {
    return `PostgreSQL ${row.versionName} is too old: use PostgreSQL ${MIN_VERSION / 10_000} or newer`;
  }
  if (row.encoding !== 'UTF8') {
    return `the database's encoding is ${row.encoding}, which cannot hold every text: restore a dump of it into a database that is made with ENCODING 'UTF8' TEMPLATE template0`;
  }
  if (!row.hasTables && row.closedSchema !== null) {
    return `the database role may not use the schema ${row.closedSchema}: grant it USAGE ON SCHEMA ${row.closedSchema}`;
  }
  if (!row.hasTables) return "the database does not hold GAME's tables: run npm run migrate";
  if (!row.canRead) {
    return 'the database role may not read the table games: grant it the rights that docs/operating.md lists';
  }
  if (row.isStandby)
    return 'the database is a standby, which can only be read: DATABASE_URL must lead to the primary';
  if (row.isReadOnly) return 'the database can only be read: its default_transaction_read_only is on';
  return null;
}

/** Why the database cannot be asked, by SQLSTATE. */
const CAUSES: ReadonlyMap<string | undefined, string> = new Map([
  ['28P01', 'the database refuses the user or the password of DATABASE_URL'],
  ['28000', 'the database lets nobody in as the user of DATABASE_URL from here: see its pg_hba.conf'],
  ['3D000', 'there is no database with the name in DATABASE_URL'],
  ['42501', 'the database role lacks rights: grant it the rights that docs/operating.md lists'],
  ['53300', 'the database has no connection left: see its max_connections'],
  ['57P03', 'the database is starting or stopping'],
]);

/**
 * Why the database cannot be asked. Nothing of it is secret, and nothing tells addresses or certificates, unless the
 * detail does.
 *
 * @param detail what is told where nothing better is known
 */
export function causeOf(error: unknown, detail = 'the log says why'): string {
  const cause = CAUSES.get(sqlState(error));
  if (cause !== undefined) return cause;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : '';
  if (code === 'ECONNREFUSED')
    return 'the database does not answer: nobody listens at the address in DATABASE_URL';
  if (code === 'ENOTFOUND') return 'the database does not answer: the host in DATABASE_URL is unknown';
  if (/SSL|TLS|certificate/i.test(`${code} ${message}`))
    return `no TLS connection to the database: ${detail}`;
  return `the database does not answer: ${detail}`;
}

/** What does not work on a database that the server can serve from, and what to do. */
export async function warningsOf(em: SqlEntityManager): Promise<string[]> {
  const pairs = Object.entries(RIGHTS).flatMap(([table, names]) => names.map((name) => ({ table, name })));
  const [row] = await queryReserved<{
    denied: string[];
    hasOwnTables: boolean;
    canReadMigrations: boolean;
    noticesGoneClients: boolean;
  }>(
    em,
    sql`SELECT ARRAY(
            SELECT "right".name || ' on ' || "right"."table"
            FROM unnest(${pairs.map(({ table }) => table)}::text[], ${pairs.map(({ name }) => name)}::text[])
              "right" ("table", name)
            WHERE NOT coalesce(has_table_privilege(to_regclass("right"."table")::oid, "right".name), true)
              AND NOT coalesce("right"."table" = 'logs' AND "right".name = 'SELECT'
                AND has_column_privilege(to_regclass('logs')::oid, 'id', 'SELECT'), false)) AS denied,
          to_regclass('game_graphql_reassignments') IS NOT NULL AS "hasOwnTables",
          coalesce(has_table_privilege(to_regclass('game_graphql_migrations')::oid, 'SELECT'), false)
            AS "canReadMigrations",
          current_setting('client_connection_check_interval') <> '0' AS "noticesGoneClients"`,
  );
  if (row === undefined) throw new Error('PostgreSQL returned no row.');
  const { denied, hasOwnTables, canReadMigrations, noticesGoneClients } = row;
  const warnings: string[] = [];
  if (denied.length > 0) {
    warnings.push(`The database role lacks rights, so some operations fail: grant it ${denied.join(', ')}.`);
  }
  // PGlite runs within this process.
  if (!noticesGoneClients && connectionsOf(em) !== undefined) {
    warnings.push(
      'A statement goes on in the database when this process is killed: set client_connection_check_interval for the role, as docs/operating.md shows.',
    );
  }
  const pending = canReadMigrations ? await pendingMigrations(em) : [];
  if (!hasOwnTables) {
    warnings.push('Games cannot be moved between strategies, and lists are slower: run npm run migrate.');
  } else if (pending.length > 0) {
    warnings.push(`Migrations are pending (${pending.join(', ')}): run npm run migrate.`);
  }
  return warnings;
}

async function pendingMigrations(em: SqlEntityManager): Promise<string[]> {
  const rows = await queryReserved<{ name: string }>(em, sql`SELECT name FROM game_graphql_migrations`);
  const done = new Set(rows.map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !done.has(name));
}
