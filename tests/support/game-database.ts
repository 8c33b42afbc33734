import { createHash, randomUUID } from 'node:crypto';
import { rowsOf, type Game, type Owner } from './builders.js';
import { createEmptyDatabase, type TestDatabase } from './database.js';

/**
 * The tables of a running GAME, as its own migrations make them: what they have, and what they lack. Written
 * by hand from what such a database holds, not from our migrations, which are measured against it.
 */
const TABLES = `
CREATE TABLE apikey (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "apiKey" varchar, client varchar, description varchar, active boolean, "createdBy" varchar,
  oauth_user_id varchar, "apiKeyHash" varchar NOT NULL,
  PRIMARY KEY (id), UNIQUE ("apiKey"), UNIQUE ("apiKeyHash"));
CREATE TABLE oauthusers (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  provider varchar, provider_user_id varchar, status varchar, "apiKey_used" varchar,
  PRIMARY KEY (id), UNIQUE (provider_user_id),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
ALTER TABLE apikey ADD FOREIGN KEY (oauth_user_id) REFERENCES oauthusers (provider_user_id);
CREATE TABLE games (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "externalGameId" varchar, "strategyId" varchar, platform varchar, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), CONSTRAINT "games_externalGameId_key" UNIQUE ("externalGameId"),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE TABLE gamesparams (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  key varchar, value varchar, "gameId" uuid, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), FOREIGN KEY ("gameId") REFERENCES games (id),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE TABLE tasks (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "externalTaskId" varchar NOT NULL, "gameId" uuid, "strategyId" varchar NOT NULL, status varchar NOT NULL,
  "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), FOREIGN KEY ("gameId") REFERENCES games (id),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE INDEX "idx_gameId_externalTaskId" ON tasks ("gameId", "externalTaskId");
CREATE TABLE tasksparams (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  key varchar, value varchar, "taskId" uuid, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), FOREIGN KEY ("taskId") REFERENCES tasks (id),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE TABLE users (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "externalUserId" varchar, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), UNIQUE ("externalUserId"),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE TABLE userpoints (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  points integer, data jsonb, description varchar, "userId" uuid, "taskId" uuid, "caseName" varchar,
  "idempotencyKey" varchar, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), UNIQUE ("userId", "taskId", "idempotencyKey"),
  FOREIGN KEY ("userId") REFERENCES users (id), FOREIGN KEY ("taskId") REFERENCES tasks (id),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"));
CREATE TABLE usergameconfig (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "userId" uuid, "gameId" uuid, "experimentGroup" varchar, "configData" json,
  "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), FOREIGN KEY ("userId") REFERENCES users (id), FOREIGN KEY ("gameId") REFERENCES games (id));
CREATE TABLE strategydefinition (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  "realmId" varchar, name varchar NOT NULL, description text, type varchar DEFAULT 'DSL_FULL' NOT NULL,
  "parentStrategyId" varchar, "astJson" jsonb, "blocklyXml" text, version integer DEFAULT 1 NOT NULL,
  status varchar DEFAULT 'DRAFT' NOT NULL, "createdBy" varchar, "publishedAt" timestamptz,
  "experimentTag" varchar, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), UNIQUE ("realmId", name, version),
  FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"),
  FOREIGN KEY (oauth_user_id) REFERENCES oauthusers (provider_user_id));
CREATE TABLE logs (
  id uuid NOT NULL, created_at timestamptz, updated_at timestamptz,
  log_level varchar, message varchar, module varchar, details json, "apiKey_used" varchar, oauth_user_id varchar,
  PRIMARY KEY (id), FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey"),
  FOREIGN KEY (oauth_user_id) REFERENCES oauthusers (provider_user_id));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('f3a91c0de2b4');
`;

/** The tables of GAME that the API works with. */
export const GAME_TABLES: readonly string[] = [...TABLES.matchAll(/CREATE TABLE (\w+)/g)]
  .map(([, name = '']) => name)
  .filter((name) => name !== 'alembic_version');

/** The database of a GAME that nothing of ours has touched yet, without rows. */
export async function createGameDatabase(encoding?: string): Promise<TestDatabase> {
  const database = await createEmptyDatabase(encoding);
  await database.query(TABLES);
  return database;
}

/** What GAME, over the years, has left in its tables. */
export interface UntidyRows {
  readonly owner: Owner;
  /** Whose key is older than GAME's form of keys: without a dot. */
  readonly legacy: { readonly key: string; readonly prefix: string };
  /** Subject of bearer tokens. */
  readonly subject: string;
  readonly games: Readonly<Record<UntidyGame, Game>>;
  /** How many games the owner has. */
  readonly owned: number;
}

type UntidyGame =
  | 'undated'
  | 'microseconds'
  | 'noName'
  | 'emptyName'
  | 'spacedName'
  | 'accentedName'
  | 'removedStrategy'
  | 'removedCustomStrategy'
  | 'bare'
  | 'doubles'
  | 'ofSubject'
  | 'ofBoth'
  | 'ofNobody'
  | 'ofLegacy';

/** Rows as they are found in the databases of real GAMEs. */
export async function addUntidyRows(database: TestDatabase): Promise<UntidyRows> {
  const rows = rowsOf(database);
  const owner = await rows.owner();
  const key = `legacy-${randomUUID()}`;
  const apiKeyHash = createHash('sha256').update(key).digest('hex');
  const legacy = { key, prefix: `gme_legacy_${apiKeyHash.slice(0, 12)}` };
  await rows.insert('apikey', { apiKey: legacy.prefix, apiKeyHash, active: true, created_at: null });
  const subject = `subject-${randomUUID()}`;
  await rows.insert('oauthusers', { provider: 'keycloak', provider_user_id: subject, status: 'active' });

  const undated = { created_at: null, updated_at: null };
  const games: Record<UntidyGame, Game> = {
    undated: await owner.game(undated),
    microseconds: await owner.game({
      created_at: '2026-03-01T08:00:00.123456Z',
      updated_at: '2026-03-01T08:00:00.123457Z',
    }),
    noName: await owner.game({ externalGameId: null, ...undated }),
    emptyName: await owner.game({ externalGameId: '', created_at: '2026-03-01T08:00:00.123455Z' }),
    spacedName: await owner.game({ externalGameId: ' Summer of 2019 ', ...undated }),
    accentedName: await owner.game({ externalGameId: 'Año Nuevo/Bilbao ☀' }),
    removedStrategy: await owner.game({ strategyId: 'strategyOf2019' }),
    removedCustomStrategy: await owner.game({ strategyId: `custom:${randomUUID()}` }),
    bare: await owner.game({ strategyId: null, platform: null }),
    doubles: await owner.game({ externalGameId: 'doubles' }),
    ofSubject: await rows.game({ oauth_user_id: subject }),
    ofBoth: await owner.game({ oauth_user_id: subject }),
    ofNobody: await rows.game({ externalGameId: 'of nobody' }),
    ofLegacy: await rows.game({ apiKey_used: legacy.prefix }),
  };
  const { doubles } = games;
  await doubles.param({ key: 'variable_basic_points', value: '5', created_at: '2026-01-01T00:00:00Z' });
  await doubles.param({ key: 'variable_basic_points', value: 'True', created_at: '2026-01-01T00:00:00Z' });
  await doubles.param({ key: 'weights', value: "{'a': 1}", created_at: null });
  await doubles.param({ key: null, value: null, apiKey_used: null });
  const user = await rows.user(undated);
  for (const status of ['pending', 'open', 'closed']) {
    const task = await doubles.task({ externalTaskId: 'twice', status, strategyId: 'strategyOf2019' });
    await task.param({ key: 'k', value: 'True' });
    await task.points(user, { idempotencyKey: null });
  }
  await doubles.task({ externalTaskId: '', ...undated });
  await doubles.userConfig(user, { configData: null });
  await rows.insert('logs', { log_level: 'INFO', message: 'Game listed', module: 'game', details: {} });
  const owned = Object.entries(games).filter(([name]) => !/^of(Subject|Nobody|Legacy)$/.test(name)).length;
  return { owner, legacy, subject, games, owned };
}

/** What a database is made of: a line for each part of each table of its schema. */
export interface Catalog {
  readonly tables: readonly string[];
  /** `games."apiKey_used" character varying null` and, unless `withDefaults` is false, its default. */
  readonly columns: readonly string[];
  /** Each with its definition. */
  readonly constraints: readonly string[];
  /** `table name definition`, without those that stand for a constraint. */
  readonly indexes: readonly string[];
  readonly triggers: readonly string[];
}

/** What `database` is made of; in `tables` alone where they are given. */
export async function catalogOf(database: TestDatabase, tables: readonly string[] = []): Promise<Catalog> {
  const scope = `n.nspname = 'public' AND (cardinality($1::text[]) = 0 OR t.relname = ANY($1))`;
  const list = async (text: string): Promise<string[]> =>
    (await database.query<{ line: string }>(`${text} ORDER BY 1`, [tables])).map(({ line }) => line);
  const from = 'pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace';
  return {
    tables: await list(`SELECT t.relname AS line FROM ${from} WHERE t.relkind = 'r' AND ${scope}`),
    columns: await list(
      `SELECT concat_ws(' ', t.relname || '.' || quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, 'default ' || pg_get_expr(d.adbin, d.adrelid)) AS line
       FROM ${from} JOIN pg_attribute a ON a.attrelid = t.oid
         LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
       WHERE t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND ${scope}`,
    ),
    constraints: await list(
      `SELECT concat_ws(' ', t.relname, c.conname, pg_get_constraintdef(c.oid), c.convalidated) AS line
       FROM ${from} JOIN pg_constraint c ON c.conrelid = t.oid WHERE ${scope}`,
    ),
    indexes: await list(
      `SELECT concat_ws(' ', t.relname, pg_get_indexdef(i.indexrelid), i.indisvalid) AS line
       FROM ${from} JOIN pg_index i ON i.indrelid = t.oid
       WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = t.oid) AND ${scope}`,
    ),
    triggers: await list(
      `SELECT concat_ws(' ', t.relname, g.tgname) AS line
       FROM ${from} JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal AND ${scope}`,
    ),
  };
}
