import { ConfigError, readConfig, loadEnvFile } from './config.js';
import { openDatabase } from './database/database.js';
import { DirectoryError } from './database/directory-lock.js';
import { ensureDemoData, welcome, type Demo } from './seed/demo.js';
import { GRAPHQL_PATH } from './http/graphql-route.js';
import { createServer } from './http/server.js';
import { onStopSignal, STOP_TIMEOUT_MS } from './http/shutdown.js';
import { HelpRequest, parseOptions, UsageError } from './options.js';

/** How many connections may wait to be accepted; the system may allow less. */
const BACKLOG = 4_096;

try {
  await main();
} catch (error) {
  if (error instanceof HelpRequest) {
    process.stdout.write(`${error.message}\n`);
  } else {
    process.stderr.write(`${startError(error)}\n`);
    process.exit(1);
  }
}

/** config -> database -> server -> listen -> stop on signals */
async function main(): Promise<void> {
  parseOptions(
    {},
    'Usage: npm start. Starts the server. Settings are environment variables, which docs/operating.md lists.',
  );
  // The server goes on where nobody reads what it prints.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  loadEnvFile();
  const config = readConfig(process.env);
  const database = await openDatabase(config.database);
  let demo: Demo | null = null;
  const server = await createServer(config, database, () => demo?.keys[0]?.secret ?? null);
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    stopping.abort();
    server.log.info('Stopping: requests that have begun are answered.');
    await server.close();
    await database.close();
    server.log.info('Stopped.');
  };
  onStopSignal(stop, () => server.giveUp(), config.shutdownDelayMs + STOP_TIMEOUT_MS);
  if (config.database.kind === 'embedded') {
    await database.migrate();
    demo = await ensureDemoData(database, config.database.directory, config.strategies.realm);
  }
  // A person looks at the start of the embedded database, which is ready as soon as the server listens: one line is enough.
  const { level } = server.log;
  if (demo !== null) server.log.level = 'silent';
  const address = await server.listen({
    host: config.host,
    port: config.port,
    backlog: BACKLOG,
    listenTextResolver: (url) => `Listening at ${url}${GRAPHQL_PATH}`,
  });
  server.log.level = level;
  for (const warning of config.warnings) server.log.warn(warning);
  const ready = `Ready: GraphQL at ${address}${GRAPHQL_PATH}`;
  const announced = server.readiness.announce(ready, stopping.signal);
  if (demo !== null) {
    await announced;
    process.stdout.write(
      `${welcome(`${address}${GRAPHQL_PATH}`, config.graphiql ? `${address}/` : null, demo, config.oauth === null)}\n`,
    );
  }
}

/** One line that says what is wrong, for what a user can mend; the whole error for anything else. */
function startError(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof DirectoryError) {
    return error.message;
  }
  if (
    error instanceof Error &&
    'syscall' in error &&
    /^(listen|bind|getaddrinfo)$/.test(String(error.syscall))
  ) {
    return `Cannot listen: ${error.message}. Set HOST and PORT to an address that is free.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
