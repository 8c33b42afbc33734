import { Migration } from '@mikro-orm/migrations';
import { addIndexes } from './indexes.js';

/** Columns that nearly every table of GAME has. */
const ID_AND_TIMES = `id uuid PRIMARY KEY, created_at timestamptz NULL, updated_at timestamptz NULL`;
const OWNER = `"apiKey_used" varchar NULL, oauth_user_id varchar NULL`;
const KEY_EXISTS = `FOREIGN KEY ("apiKey_used") REFERENCES apikey ("apiKey")`;
const SUBJECT_EXISTS = `FOREIGN KEY (oauth_user_id) REFERENCES oauthusers (provider_user_id)`;

/** GAME's tables as GAME's own migrations make them, in an order in which each finds what it refers to. */
const TABLES: readonly (readonly [name: string, definition: string])[] = [
  [
    'apikey',
    `${ID_AND_TIMES}, oauth_user_id varchar NULL, "apiKey" varchar NULL UNIQUE, "apiKeyHash" varchar NOT NULL UNIQUE,
     client varchar NULL, description varchar NULL, active boolean NULL, "createdBy" varchar NULL`,
  ],
  [
    'oauthusers',
    `${ID_AND_TIMES}, "apiKey_used" varchar NULL, provider varchar NULL, provider_user_id varchar NULL UNIQUE,
     status varchar NULL, ${KEY_EXISTS}`,
  ],
  [
    'games',
    `${ID_AND_TIMES}, ${OWNER}, "externalGameId" varchar NULL, "strategyId" varchar NULL, platform varchar NULL,
     CONSTRAINT "games_externalGameId_key" UNIQUE ("externalGameId"), ${KEY_EXISTS}`,
  ],
  [
    'gamesparams',
    `${ID_AND_TIMES}, ${OWNER}, key varchar NULL, value varchar NULL, "gameId" uuid NULL REFERENCES games (id),
     ${KEY_EXISTS}`,
  ],
  [
    'tasks',
    `${ID_AND_TIMES}, ${OWNER}, "externalTaskId" varchar NOT NULL, "gameId" uuid NULL REFERENCES games (id),
     "strategyId" varchar NOT NULL, status varchar NOT NULL, ${KEY_EXISTS}`,
  ],
  [
    'tasksparams',
    `${ID_AND_TIMES}, ${OWNER}, key varchar NULL, value varchar NULL, "taskId" uuid NULL REFERENCES tasks (id),
     ${KEY_EXISTS}`,
  ],
  ['users', `${ID_AND_TIMES}, ${OWNER}, "externalUserId" varchar NULL UNIQUE, ${KEY_EXISTS}`],
  [
    'userpoints',
    `${ID_AND_TIMES}, ${OWNER}, points integer NULL, data jsonb NULL, description varchar NULL,
     "userId" uuid NULL REFERENCES users (id), "taskId" uuid NULL REFERENCES tasks (id), "caseName" varchar NULL,
     "idempotencyKey" varchar NULL, UNIQUE ("userId", "taskId", "idempotencyKey"), ${KEY_EXISTS}`,
  ],
  [
    'usergameconfig',
    `${ID_AND_TIMES}, ${OWNER}, "userId" uuid NULL REFERENCES users (id), "gameId" uuid NULL REFERENCES games (id),
     "experimentGroup" varchar NULL, "configData" json NULL`,
  ],
  [
    'strategydefinition',
    `${ID_AND_TIMES}, ${OWNER}, "realmId" varchar NULL, name varchar NOT NULL, description text NULL,
     type varchar NOT NULL DEFAULT 'DSL_FULL', "parentStrategyId" varchar NULL, "astJson" jsonb NULL,
     "blocklyXml" text NULL, version integer NOT NULL DEFAULT 1, status varchar NOT NULL DEFAULT 'DRAFT',
     "createdBy" varchar NULL, "publishedAt" timestamptz NULL, "experimentTag" varchar NULL,
     UNIQUE ("realmId", name, version), ${KEY_EXISTS}, ${SUBJECT_EXISTS}`,
  ],
  [
    'logs',
    `${ID_AND_TIMES}, ${OWNER}, log_level varchar NULL, message varchar NULL, module varchar NULL, details json NULL,
     ${KEY_EXISTS}, ${SUBJECT_EXISTS}`,
  ],
];

/**
 * Indexes of the lists that the API serves and of the foreign keys that it follows; of them GAME has only that
 * of the external ids of tasks.
 * A list is ordered by a column and then by id, within one owner (a key or a subject) or over all games.
 */
const INDEXES: Readonly<Record<string, string>> = {
  games_key_created: `games ("apiKey_used", created_at, id)`,
  games_subject_created: `games (oauth_user_id, created_at, id)`,
  games_created: `games (created_at, id)`,
  games_key_updated: `games ("apiKey_used", updated_at, id)`,
  games_subject_updated: `games (oauth_user_id, updated_at, id)`,
  games_updated: `games (updated_at, id)`,
  games_key_external: `games ("apiKey_used", "externalGameId" COLLATE "C", id)`,
  games_subject_external: `games (oauth_user_id, "externalGameId" COLLATE "C", id)`,
  games_external: `games ("externalGameId" COLLATE "C", id)`,
  games_strategy: `games ("strategyId", created_at, id)`,
  gamesparams_game: `gamesparams ("gameId", created_at, id)`,
  tasks_game_created: `tasks ("gameId", created_at, id)`,
  tasks_game_external: `tasks ("gameId", "externalTaskId")`,
  tasks_strategy: `tasks ("strategyId", created_at, id)`,
  tasksparams_task: `tasksparams ("taskId", created_at, id)`,
  userpoints_task_user: `userpoints ("taskId", "userId")`,
  usergameconfig_game: `usergameconfig ("gameId")`,
  strategydefinition_family: `strategydefinition ("realmId", name, version)`,
};

/**
 * Makes GAME's tables in an empty database, or adopts those that are there: then only indexes are added,
 * without keeping GAME from writing, and nothing of GAME's is changed. It can be run any number of times,
 * also after it was cut off.
 */
export class M0001AdoptGame extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override async up(): Promise<void> {
    const isNew = !(await this.#exists('apikey'));
    const tables = TABLES.map(([name, definition]) => `CREATE TABLE IF NOT EXISTS ${name} (${definition})`);
    // apikey and oauthusers refer to each other, so one of the references is added afterwards; never to a
    // table that GAME made.
    if (isNew) tables.push(`ALTER TABLE apikey ADD ${SUBJECT_EXISTS}`);
    // One statement: a run that is cut off leaves all of the tables or none.
    this.addSql(`DO $$ BEGIN ${tables.join(';\n')}; END $$`);

    await addIndexes(this, INDEXES);
  }

  async #exists(table: string): Promise<boolean> {
    const [row] = await this.execute(`SELECT to_regclass(?) IS NOT NULL AS found`, [table]);
    return (row as { found?: unknown } | undefined)?.found === true;
  }
}
