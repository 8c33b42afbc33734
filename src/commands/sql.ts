import { ANONYMOUS, type Caller } from '../auth/caller.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { parseOptions, UsageError } from '../options.js';
import { endWith, makeReady, runCommand } from './command.js';
import { showStatement } from './format-sql.js';
import { OperationRecorder } from './operation-recorder.js';

const USAGE =
  "Usage: npm run sql -- 'OPERATION' ['VARIABLES AS JSON'] [--explain] [--as admin|nobody|key:PREFIX|subject:NAME]...";
const HELP = `${USAGE}

Prints the SQL statements that a GraphQL operation sends to the database in use, with their values. The operation runs
as it would on the server, in a transaction that is rolled back: also a mutation leaves nothing.

  --explain   also prints PostgreSQL's plan of each statement: EXPLAIN (ANALYZE, BUFFERS)
  --as        who asks: an admin unless given; give key: and subject: for a caller with both`;

interface Arguments {
  readonly query: string;
  readonly variables: object;
  readonly caller: Caller;
  readonly explain: boolean;
}

try {
  const args = readArguments(process.argv.slice(2));
  const recorder = new OperationRecorder({
    explain: args.explain,
    log: (text) => void process.stderr.write(`${text}\n`),
  });
  await runCommand((database, config) => show(recorder, database, config, args), recorder);
} catch (error) {
  endWith(error);
}

async function show(
  recorder: OperationRecorder,
  database: Database,
  config: Config,
  { caller, query, variables }: Arguments,
): Promise<void> {
  await makeReady(database, config);
  const { statements, errors } = await recorder.record(database, config, caller, { query, variables });
  process.stdout.write(statements.map(showStatement).join('\n'));
  if (errors.length > 0) {
    process.stderr.write(`${JSON.stringify({ errors }, null, 2)}\n`);
    process.exitCode = 1;
  } else if (statements.length === 0) process.stdout.write('-- No statement is sent.\n');
}

/** @throws UsageError */
function readArguments(args: string[]): Arguments {
  const { values, positionals } = parseOptions(
    {
      args,
      options: {
        explain: { type: 'boolean', default: false },
        as: { type: 'string', multiple: true },
      },
      allowPositionals: true,
    },
    USAGE,
    HELP,
  );
  const [query, variables = '{}', ...others] = positionals;
  if (query === undefined || others.length > 0) throw new UsageError(USAGE);
  return {
    query,
    variables: objectOf(variables),
    caller: callerOf(values.as ?? ['admin']),
    explain: values.explain,
  };
}

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new UsageError(`The variables must be one JSON object. ${USAGE}`);
}

function callerOf(parts: readonly string[]): Caller {
  const [part = ''] = parts;
  if (parts.length === 1 && part === 'nobody') return ANONYMOUS;
  if (parts.length === 1 && part === 'admin')
    return { kind: 'admin', apiKey: null, oauthUserId: 'npm run sql' };
  const names = new Map<string, string>();
  for (const text of parts) {
    const [, kind = '', name = ''] = /^(key|subject):(.+)$/.exec(text) ?? [];
    if (kind === '' || names.has(kind)) throw new UsageError(USAGE);
    names.set(kind, name);
  }
  const [apiKey, oauthUserId] = [names.get('key'), names.get('subject')];
  if (apiKey !== undefined && oauthUserId !== undefined)
    return { kind: 'apiKeyAndOAuth', apiKey, oauthUserId };
  if (apiKey !== undefined) return { kind: 'apiKey', apiKey };
  if (oauthUserId !== undefined) return { kind: 'oauth', oauthUserId };
  throw new UsageError(USAGE);
}
