import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely';
import { Context, createRepositories } from '../app/context.js';
import { createSchema } from '../app/schema.js';
import type { Caller } from '../auth/caller.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import { Work } from '../database/work.js';
import { Budget } from '../rates/budget.js';
import { gatewaySdl } from '../domain/gateways/gateway-sdl.js';
import { Strategies } from '../domain/strategies/strategies.js';
import { Endpoint } from '../graphql/endpoint.js';
import { createMask } from '../graphql/masking.js';

/** A statement that was sent. */
export interface RecordedStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** How PostgreSQL runs it, a line each; null where that was not asked for. */
  readonly plan: readonly string[] | null;
}

/** What an operation came to. */
export interface RecordedOperation {
  readonly statements: readonly RecordedStatement[];
  /** As an answer tells them. */
  readonly errors: readonly object[];
}

export interface RecorderOptions {
  /** Whether plans are wanted. */
  readonly explain?: boolean;
  /** Is told what the answer hides. */
  readonly log?: (text: string) => void;
}

/** What ends and divides transactions. */
const TRANSACTION = /^(begin|start transaction|commit|rollback|savepoint|release)\b/i;
/** A savepoint before a statement that is explained, which runs it. */
const SAVEPOINT = 'explained';

/** Runs operations as the server does, each in a transaction that is rolled back, and records their statements. */
export class OperationRecorder {
  #statements: RecordedStatement[] = [];
  #isRecording = false;

  constructor(private readonly options: RecorderOptions = {}) {}

  /** For `openDatabase`. */
  readonly onConnection = (connection: DatabaseConnection): void => {
    const execute = connection.executeQuery.bind(connection);
    connection.executeQuery = async <Row>(...args: Parameters<typeof execute>): Promise<QueryResult<Row>> => {
      if (this.#isRecording) await this.#record(args[0], (query) => execute<Record<string, string>>(query));
      return execute<Row>(...args);
    };
  };

  /** @param database opened with `onConnection` */
  async record(
    database: Database,
    config: Config,
    caller: Caller,
    operation: { readonly query: string; readonly variables?: object },
  ): Promise<RecordedOperation> {
    const schema = createSchema();
    const log = (details: object): void => this.options.log?.(hiddenError(details));
    const endpoint = await Endpoint.start(schema, {
      introspection: true,
      mask: createMask({ error: log, warn: log }),
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, search: '' };
    try {
      return await inTransaction(
        database.em,
        async (em) => {
          const repositories = createRepositories(
            em,
            new Strategies(config.strategies),
            config.maxResponseBytes,
          );
          const context = new Context(
            caller,
            repositories,
            {},
            config.maxResponseBytes,
            gatewaySdl(schema),
            new Work(),
            new Budget(null, ''),
          );
          this.#statements = [];
          this.#isRecording = true;
          const { body } = await endpoint.answer({ ...request, body: operation }, () =>
            Promise.resolve(context),
          );
          this.#isRecording = false;
          const { errors = [] } = JSON.parse(body) as { readonly errors?: readonly object[] };
          return { statements: this.#statements, errors };
        },
        { dryRun: true },
      );
    } finally {
      this.#isRecording = false;
    }
  }

  async #record(query: CompiledQuery, execute: Execute): Promise<void> {
    const { sql: text, parameters: values } = query;
    if (TRANSACTION.test(text)) return;
    const plan = this.options.explain ? await planOf(query, execute) : null;
    this.#statements.push({ text, values, plan });
  }
}

type Execute = (query: CompiledQuery) => Promise<QueryResult<Record<string, string>>>;

/** The plan of a statement, which runs for it and is undone. */
async function planOf({ sql, parameters }: CompiledQuery, execute: Execute): Promise<string[]> {
  await execute(CompiledQuery.raw(`SAVEPOINT ${SAVEPOINT}`));
  try {
    const { rows } = await execute(CompiledQuery.raw(`EXPLAIN (ANALYZE, BUFFERS) ${sql}`, [...parameters]));
    return rows.flatMap((row) => Object.values(row));
  } catch (error) {
    return [`No plan: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    await execute(CompiledQuery.raw(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`));
  }
}

function hiddenError(details: object): string {
  const { err, errorId } = details as { readonly err?: unknown; readonly errorId?: string };
  return `${errorId}: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}`;
}
