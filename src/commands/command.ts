import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError, readConfig, loadEnvFile, type Config } from '../config.js';
import { openDatabase, type Database, type OpenOptions } from '../database/database.js';
import { DirectoryError } from '../database/directory-lock.js';
import { problemOf } from '../app/database-check.js';
import { isDatabaseUnavailable, sqlState } from '../errors.js';

/** SQLSTATE of a statement on a table that is not there. */
const UNDEFINED_TABLE = '42P01';

/** SQLSTATE of a statement that the role may not run. */
const INSUFFICIENT_PRIVILEGE = '42501';

/** A mistake of the user of a command: shown as one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user asked for help, which is the message. */
class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

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

/**
 * Reads the options of a command; `--help`, which every command has, ends it.
 *
 * @param help what `--help` shows; the usage where there is no more to say
 * @throws UsageError in one line, where Node's own would have several
 */
export function parseOptions<Options extends ParseArgsConfig>(
  options: Options,
  usage: string,
  help = usage,
): ReturnType<typeof parseArgs<Options>> {
  const { args = process.argv.slice(2) } = options;
  if (args.includes('--help')) throw new HelpRequest(help);
  try {
    return parseArgs(options);
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UsageError(`${line.replace(/\.$/, '')}. ${usage}`);
  }
}

/** One line that says what is wrong, for what a user can mend; the whole error for anything else. */
function commandError(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof DirectoryError) {
    return error.message;
  }
  if (sqlState(error) === UNDEFINED_TABLE) {
    return "The database has none of GAME's tables: run npm run migrate first.";
  }
  if (sqlState(error) === INSUFFICIENT_PRIVILEGE) {
    return `The database role lacks a right that docs/operating.md lists: ${reason(error)}`;
  }
  if (isDatabaseUnavailable(error)) return `The database does not answer: ${reason(error)}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
