import { raw, type SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql from 'sql-template-tag';
import { ApiKey } from '../api-keys/api-key.entity.js';
import { newApiKey } from '../api-keys/key-format.js';
import { query } from '../database/query.js';
import { timestampJson, withTimestamps, TIMESTAMP_MARK } from '../database/timestamp.js';
import { parseOptions, UsageError } from '../options.js';
import { endWith, runCommand } from './command.js';

const USAGE =
  'Usage: npm run api-key -- create --client NAME [--description TEXT] | -- list | -- revoke PREFIX';

type Action = (em: SqlEntityManager) => Promise<void>;

try {
  // Before the database is opened, which takes seconds where it is embedded and new.
  const act = readAction(process.argv.slice(2));
  await runCommand(async (database, config) => {
    if (config.database.kind === 'embedded') await database.migrate();
    await act(database.em.fork());
  });
} catch (error) {
  endWith(error);
}

/** What is to be done. @throws UsageError */
function readAction(args: string[]): Action {
  const { values, positionals } = parseOptions(
    {
      args,
      options: { client: { type: 'string' }, description: { type: 'string' } },
      allowPositionals: true,
    },
    USAGE,
  );
  const { client, description } = values;
  const [action, prefix, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(USAGE);
  if (action === 'create' && client && prefix === undefined) {
    return (em) => create(em, client, description ?? null);
  }
  if (action === 'list' && prefix === undefined) return list;
  if (action === 'revoke' && prefix !== undefined) return (em) => revoke(em, prefix);
  throw new UsageError(USAGE);
}

async function create(em: SqlEntityManager, client: string, description: string | null): Promise<void> {
  const { secret, prefix, hash } = newApiKey();
  await em.insert(ApiKey, {
    id: randomUUID(),
    prefix,
    hash,
    client,
    description,
    active: true,
    createdBy: 'npm run api-key',
    createdAt: raw('clock_timestamp()'),
    updatedAt: raw('clock_timestamp()'),
  });
  process.stdout.write(
    `${secret}\nThis is the only time that the key is shown. Send it in the X-API-Key header.\n`,
  );
}

async function list(em: SqlEntityManager): Promise<void> {
  const keys = await query<{
    prefix: string | null;
    client: string | null;
    active: boolean | null;
    createdAt: string;
  }>(
    em,
    sql`SELECT "apiKey" AS prefix, client, active,
          ${timestampJson(sql`created_at`)} AS "createdAt"
        FROM apikey ORDER BY created_at, id`,
  );
  if (keys.length === 0) process.stdout.write('There are no API keys.\n');
  for (const { prefix, client, active, createdAt } of keys) {
    // NULL: it does not work, but nobody has revoked it.
    const state = active === null ? 'inactive' : active ? 'active' : 'revoked';
    const created = JSON.parse(withTimestamps(TIMESTAMP_MARK + createdAt)) as string | null;
    process.stdout.write(`${prefix ?? '-'}\t${state}\t${created ?? '-'}\t${client ?? '-'}\n`);
  }
}

async function revoke(em: SqlEntityManager, prefix: string): Promise<void> {
  const revoked = await em.nativeUpdate(
    ApiKey,
    { prefix, active: true },
    { active: false, updatedAt: raw('clock_timestamp()') },
  );
  if (revoked === 0)
    throw new UsageError(`There is no active API key ${prefix}. See npm run api-key -- list.`);
  process.stdout.write(`Revoked ${prefix}. It stops working within 5 seconds.\n`);
}
