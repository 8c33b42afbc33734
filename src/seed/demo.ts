import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sql from 'sql-template-tag';
import { hashApiKey, newApiKey } from '../api-keys/key-format.js';
import type { Database } from '../database/database.js';
import { query } from '../database/query.js';
import { inTransaction } from '../database/transaction.js';
import { generate } from './generator.js';
import { startOfToday } from './instant.js';
import type { KeyOwner, OAuthOwner } from './plan.js';
import { insertBatch, type Batch } from './tables.js';
import { CLIENTS, OAUTH_DOMAINS } from './vocabulary.js';

/**
 * Every demo has the same rows, but for the keys and the day on which it ends. With this seed the newest
 * games of the first key have points, and its list does not begin with a game that has no date.
 */
const SEED = 14;
/** Games by API key, and by the one OAuth owner: each has a second page. */
const KEY_OWNER_GAMES = [29, 23] as const;
const OAUTH_OWNER_GAMES = 23;

/** The subject that `npm run token` gives its tokens, so that they show these games. */
const OAUTH_SUBJECT = 'demo-user';

/** External id of the newest game of the first key that has params, and points in its tasks: README.md reads it. */
const SHOWN_GAME = 'demo-challenge';

/** Where the secrets of the demo's keys are, in the directory of the embedded database. */
const KEY_FILE = 'demo.json';

/** A key that works, to be shown to whoever starts the server. */
export interface DemoKey {
  readonly client: string;
  readonly secret: string;
}

/** What of the demo can be offered: no keys in a database that was filled in another way. */
export interface Demo {
  readonly keys: readonly DemoKey[];
}

/**
 * Fills an embedded database that nobody has used yet with two API-key owners, an OAuth owner and some
 * seventy games. Keys are made anew for every database and kept in its directory, readable by the user
 * alone, so that every start can show them.
 *
 * @param realm realm of the custom strategies of the OAuth owner
 * @returns the demo's keys that still work
 */
export async function ensureDemoData(database: Database, directory: string, realm: string): Promise<Demo> {
  const file = join(directory, KEY_FILE);
  if (await isUnused(database)) await createDemo(database, file, realm);
  return { keys: await workingKeys(database, await readKeys(file)) };
}

/** Users outlive their games: someone who deleted every game does not want them back. */
async function isUnused(database: Database): Promise<boolean> {
  const [row] = await query<{ used: boolean }>(
    database.em.fork(),
    sql`SELECT EXISTS (SELECT FROM games) OR EXISTS (SELECT FROM users) AS used`,
  );
  return row?.used === false;
}

async function createDemo(database: Database, file: string, realm: string): Promise<void> {
  const keyOwners = KEY_OWNER_GAMES.map((games, index): KeyOwner => {
    const [client, domain] = CLIENTS[index] as (typeof CLIENTS)[number];
    return { client, domain, games, key: newApiKey() };
  });
  const oauthOwners = OAUTH_DOMAINS.slice(0, 1).map((domain): OAuthOwner => {
    return { subject: OAUTH_SUBJECT, domain, games: OAUTH_OWNER_GAMES };
  });
  // First the keys, then all the rows at once: a start that is cut off in between leaves a database that
  // is still unused, and keys that the next start replaces.
  await writeKeys(
    file,
    keyOwners.map(({ client, key }) => ({ client, secret: key.secret })),
  );
  await inTransaction(database.em.fork(), async (em) => {
    const plan = {
      seed: SEED,
      tag: '',
      realm,
      until: startOfToday(),
      keyOwners,
      oauthOwners,
      areKeysActive: true,
    };
    const { groundwork, games } = generate(plan);
    for (const batch of [...groundwork, ...games]) {
      nameShownGame(batch, keyOwners[0]?.key.prefix);
      await insertBatch(em, batch);
    }
  });
}

function nameShownGame({ games, gamesparams, tasks, userpoints }: Batch, apiKey: string | undefined): void {
  const withParams = new Set(gamesparams.map(({ gameId }) => gameId));
  const wonTasks = new Set(userpoints.map(({ taskId }) => taskId));
  const won = new Set(tasks.filter(({ id }) => wonTasks.has(id)).map(({ gameId }) => gameId));
  const index = games.findLastIndex(
    ({ id, apiKey_used }) => apiKey_used === apiKey && withParams.has(id) && won.has(id),
  );
  const game = games[index];
  if (game !== undefined) games[index] = { ...game, externalGameId: SHOWN_GAME };
}

async function writeKeys(file: string, keys: readonly DemoKey[]): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
}

/** The keys of the file; none when it is gone or was changed beyond recognition. */
async function readKeys(file: string): Promise<DemoKey[]> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { keys } = Object(content) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys.filter(isDemoKey) : [];
  } catch {
    return [];
  }
}

function isDemoKey(value: unknown): value is DemoKey {
  const { client, secret } = Object(value) as Partial<Record<keyof DemoKey, unknown>>;
  return typeof client === 'string' && typeof secret === 'string';
}

async function workingKeys(database: Database, keys: readonly DemoKey[]): Promise<DemoKey[]> {
  if (keys.length === 0) return [];
  const hashes = keys.map(({ secret }) => hashApiKey(secret));
  const rows = await query<{ hash: string }>(
    database.em.fork(),
    sql`SELECT "apiKeyHash" AS hash FROM apikey WHERE active AND "apiKeyHash" = ANY(${hashes}::text[])`,
  );
  const active = new Set(rows.map(({ hash }) => hash));
  return keys.filter((_, index) => active.has(hashes[index] ?? ''));
}

/**
 * What is printed after a start with the embedded database.
 *
 * @param endpoint URL of the API
 * @param graphiql URL of GraphiQL, where it is served
 * @param issuesTokens whether `npm run token` makes tokens that are accepted
 */
export function welcome(
  endpoint: string,
  graphiql: string | null,
  { keys }: Demo,
  issuesTokens: boolean,
): string {
  const [first] = keys;
  const lines = [
    '',
    ...(graphiql === null ? [] : [`  GraphiQL  ${graphiql}`]),
    `  Database  embedded, in .data/ (delete it to start afresh)`,
  ];
  if (first === undefined) {
    lines.push('  API keys  make one: npm run api-key -- create --client NAME');
  } else {
    const width = Math.max(...keys.map(({ client }) => client.length));
    for (const [index, { client, secret }] of keys.entries()) {
      lines.push(`  ${index === 0 ? 'API keys' : '        '}  ${client.padEnd(width)}  ${secret}`);
    }
  }
  if (issuesTokens) {
    lines.push(
      `  Tokens    npm run --silent token                  as ${OAUTH_SUBJECT}, who owns games too`,
      '            npm run --silent token -- --admin       as an admin, who sees all games',
      '            (send them as Authorization: Bearer …)',
    );
  }
  if (first !== undefined) lines.push('', 'Five games:', '', curl(endpoint, first.secret));
  return `${lines.join('\n')}\n`;
}

function curl(endpoint: string, secret: string): string {
  const body = JSON.stringify({
    query: '{ games(first: 5) { nodes { externalGameId platform createdAt } } }',
  });
  return [
    `curl '${endpoint}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -H 'X-API-Key: ${secret}' \\`,
    `  -d '${body}'`,
  ].join('\n');
}
