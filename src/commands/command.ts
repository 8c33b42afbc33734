import { ConfigError, readConfig, loadEnvFile, type Config } from '../config.js';
import { openDatabase, type Database, type OpenOptions } from '../database/database.js';
import { DirectoryError } from '../database/directory-lock.js';
import { causeOf, problemOf } from '../app/database-check.js';
import { isDatabaseUnavailable, isMissingRight, sqlState } from '../errors.js';
import { HelpRequest, UsageError } from '../options.js';

/** SQLSTATE of a statement on a table that is not there. */
const UNDEFINED_TABLE = '42P01';

/**
 * Runs a command against the configured database and ends the process: with code 0, or with code 1 and one
 * line on standard error that says what is wrong. Statements may take as long as they need.
 */
export async function runCommand(
  run: (database: Database, config: Config) => Promise<void>,
  options: OpenOptions = {},
): Promise<void> {
  try {
    loadEnvFile();
    const config = readConfig(process.env);
    const database = await openDatabase(config.database, { statementTimeoutMs: 0, ...options });
    try {
      await run(database, config);
    } finally {
      await database.close();
    }
  } catch (error) {
    endWith(error);
  }
}

/** Ends a command: with help where it was asked for, else with code 1 and what is wrong on standard error. */
export function endWith(error: unknown): void {
  if (error instanceof HelpRequest) {
    process.stdout.write(`${error.message}\n`);
    return;
  }
  process.stderr.write(`${commandError(error)}\n`);
  process.exitCode = 1;
}

/** Makes sure that the database can be worked with: one of our own is brought up to date. @throws UsageError */
export async function makeReady(database: Database, config: Config): Promise<void> {
  if (config.database.kind === 'embedded') {
    await database.migrate();
    return;
  }
  const problem = await problemOf(database.em);
  if (problem !== null) throw new UsageError(`Not ready: ${problem}.`);
}

/** One line that says what is wrong, for what a user can mend; the whole error for anything else. */
function commandError(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof DirectoryError) {
    return error.message;
  }
  if (sqlState(error) === UNDEFINED_TABLE) {
    return "The database has none of GAME's tables: run npm run migrate first.";
  }
  if (isMissingRight(error)) {
    return `The database role lacks a right: ${reason(error)}. Run the command as the owner of GAME's tables.`;
  }
  if (isDatabaseUnavailable(error)) {
    const cause = causeOf(error, reason(error));
    return `${cause.charAt(0).toUpperCase()}${cause.slice(1)}.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
