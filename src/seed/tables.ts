import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { join, raw } from 'sql-template-tag';
import { query } from '../database/query.js';

type ColumnType = 'uuid' | 'timestamptz' | 'varchar' | 'integer' | 'boolean' | 'json' | 'jsonb';

const ID_AND_TIMES = { id: 'uuid', created_at: 'timestamptz', updated_at: 'timestamptz' } as const;
const OWNED = { ...ID_AND_TIMES, apiKey_used: 'varchar', oauth_user_id: 'varchar' } as const;

/** The columns that are filled, by table, in an order in which each table finds what it refers to. */
const COLUMNS = {
  oauthusers: { ...ID_AND_TIMES, provider: 'varchar', provider_user_id: 'varchar', status: 'varchar' },
  apikey: {
    ...ID_AND_TIMES,
    apiKey: 'varchar',
    apiKeyHash: 'varchar',
    client: 'varchar',
    description: 'varchar',
    active: 'boolean',
    createdBy: 'varchar',
  },
  strategydefinition: {
    ...OWNED,
    realmId: 'varchar',
    name: 'varchar',
    description: 'varchar',
    type: 'varchar',
    astJson: 'jsonb',
    version: 'integer',
    status: 'varchar',
    createdBy: 'varchar',
    publishedAt: 'timestamptz',
  },
  users: { ...OWNED, externalUserId: 'varchar' },
  games: { ...OWNED, externalGameId: 'varchar', strategyId: 'varchar', platform: 'varchar' },
  gamesparams: { ...OWNED, gameId: 'uuid', key: 'varchar', value: 'varchar' },
  tasks: {
    ...OWNED,
    gameId: 'uuid',
    externalTaskId: 'varchar',
    strategyId: 'varchar',
    status: 'varchar',
  },
  tasksparams: { ...OWNED, taskId: 'uuid', key: 'varchar', value: 'varchar' },
  userpoints: {
    ...OWNED,
    points: 'integer',
    data: 'jsonb',
    description: 'varchar',
    userId: 'uuid',
    taskId: 'uuid',
    caseName: 'varchar',
    idempotencyKey: 'varchar',
  },
  usergameconfig: {
    ...OWNED,
    userId: 'uuid',
    gameId: 'uuid',
    experimentGroup: 'varchar',
    configData: 'json',
  },
} as const satisfies Record<string, Record<string, ColumnType>>;

export type Table = keyof typeof COLUMNS;

/** The tables that are filled, each after those that it refers to. */
export const TABLES = Object.keys(COLUMNS) as readonly Table[];

/** A row to be inserted. Timestamps are RFC 3339 text, JSON is text. */
export type Row<Name extends Table> = {
  readonly [Column in keyof (typeof COLUMNS)[Name]]: string | number | boolean | null;
};

/** Rows that are inserted together. Rows refer to rows of the same batch or of earlier ones. */
export type Batch = { readonly [Name in Table]: Row<Name>[] };

export function emptyBatch(): Batch {
  // What `fromEntries` returns does not tell which keys it has.
  return Object.fromEntries(TABLES.map((table) => [table, []])) as unknown as Batch;
}

/** Inserts the rows of a batch with one statement a table; to be called inside a transaction. */
export async function insertBatch(em: SqlEntityManager, batch: Batch): Promise<void> {
  for (const table of TABLES) {
    if (batch[table].length > 0) await insertRows(em, table, batch[table]);
  }
}

async function insertRows(
  em: SqlEntityManager,
  table: Table,
  rows: readonly Readonly<Record<string, string | number | boolean | null>>[],
): Promise<void> {
  const columns = Object.entries(COLUMNS[table]);
  const names = raw(columns.map(([name]) => `"${name}"`).join(', '));
  const casts = raw(columns.map(([name, type]) => `"${name}"::${type}`).join(', '));
  // One array a column keeps the number of parameters, and so the statement's text, the same for any
  // number of rows. All travel as text, the one type of array that both drivers write alike.
  const arrays = columns.map(([name]) => {
    const values = rows.map((row) => {
      const value = row[name] ?? null;
      return value === null ? null : String(value);
    });
    return sql`${values}::text[]`;
  });
  await query(
    em,
    sql`INSERT INTO ${raw(table)} (${names})
        SELECT ${casts} FROM unnest(${join(arrays)}) AS input (${names})`,
  );
}
