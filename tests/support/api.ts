import { expect } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { symbols } from 'pino';
import { readConfig } from '../../src/config.js';
import { openDatabase } from '../../src/database/database.js';
import { GRAPHQL_PATH } from '../../src/http/graphql-route.js';
import { createServer } from '../../src/http/server.js';
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.js';

/** Who asks: an owner of `builders.ts`, or any credentials. Nothing: nobody in particular. */
export interface Credentials {
  /** Sent as `X-API-Key`. */
  readonly key?: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
}

/** What no error may tell of: the server's code, its database and their errors. */
const INTERNALS = /\bat .*\.[jt]s:|node_modules|\bECONN|postgres:\/\/|\bSELECT \b|\brelation "/;

export type Variables = Readonly<Record<string, unknown>>;

/** An error of an answer. */
export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: {
    readonly code: string;
    readonly problems?: readonly { readonly argument: string; readonly message: string }[];
    readonly errorId?: string;
  };
}

/** The answer to an operation. */
export interface Answer<Data = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  /** The body byte for byte, for answers that must not differ. */
  readonly text: string;
  readonly body: { readonly data?: Data | null; readonly errors?: readonly AnswerError[] };
}

/** An answer that has errors. */
export interface Refusal extends Answer {
  readonly errors: readonly AnswerError[];
  /** The codes of the errors. */
  readonly codes: readonly string[];
}

/** A line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The API, as a client sees it. */
export interface Api {
  /** Address of the server, without a path. */
  readonly origin: string;
  /** Address of the GraphQL endpoint. */
  readonly url: string;
  readonly database: TestDatabase;
  /** What the server has logged. */
  readonly log: readonly LogLine[];
  /** Sends an operation, whatever comes of it. */
  query(document: string, variables?: Variables, as?: Credentials): Promise<Answer>;
  /** Sends an operation that must succeed; answers its data. */
  data<Data = Record<string, unknown>>(
    document: string,
    variables?: Variables,
    as?: Credentials,
  ): Promise<Data>;
  /** Sends an operation that must fail. */
  errors(document: string, variables?: Variables, as?: Credentials): Promise<Refusal>;
  /** Stops the server, and drops the database unless it was given. */
  close(): Promise<void>;
}

export interface ApiOptions extends TestDatabaseOptions {
  /** A database that outlives the server; unless given, the server has one of its own. */
  readonly database?: TestDatabase;
  /** Settings beyond `DATABASE_URL`, which they may replace. Unless they say otherwise, there are no limits of rates. */
  readonly env?: NodeJS.ProcessEnv;
  /** In which time a rate is counted, in seconds. */
  readonly rateWindowS?: number;
  /** Longest wait of the server for one statement, in ms. */
  readonly statementTimeoutMs?: number;
  /** Longest wait of the server for a turn on its connections, in ms; long, because a test's machine may be slow. */
  readonly maxWaitMs?: number;
}

/** Starts the whole server in this process, on a port of its own. */
export async function startApi({
  database: given,
  env,
  plans,
  rateWindowS,
  ...options
}: ApiOptions = {}): Promise<Api> {
  const testDatabase = given ?? (await createTestDatabase({ plans: plans ?? false }));
  const unlimited = { RATE_LIMIT: 'off', RATE_LIMIT_ADDRESS: 'off' };
  const config = readConfig({ ...addressOf(testDatabase), PORT: '0', ...unlimited, ...env });
  const rates = { ...config.rates, windowS: rateWindowS ?? config.rates.windowS };
  const database = await openDatabase(config.database, { maxWaitMs: 60_000, ...options });
  const server = await createServer({ ...config, rates }, database);
  const log = keepLog(server);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return new RunningApi(origin, testDatabase, log, async () => {
    await server.close();
    await database.close();
    if (given === undefined) await testDatabase.drop();
  });
}

/** How the server reaches its database: through a pooler, where the run of the tests has one. */
function addressOf({ url }: TestDatabase): NodeJS.ProcessEnv {
  const pooler = process.env['TEST_POOLER_URL'];
  if (pooler === undefined) return { DATABASE_URL: url };
  const { host } = new URL(pooler);
  return { DATABASE_URL: Object.assign(new URL(url), { host }).href, DATABASE_PREPARED_STATEMENTS: 'off' };
}

/** Keeps the log in memory instead of printing it. */
function keepLog(server: FastifyInstance): LogLine[] {
  const lines: LogLine[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as LogLine);
  Object.assign(server.log, { [symbols.streamSym]: { write } });
  return lines;
}

class RunningApi implements Api {
  readonly url: string;

  constructor(
    readonly origin: string,
    readonly database: TestDatabase,
    readonly log: readonly LogLine[],
    readonly close: () => Promise<void>,
  ) {
    this.url = origin + GRAPHQL_PATH;
  }

  async query(document: string, variables: Variables = {}, as: Credentials = {}): Promise<Answer> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(as.key === undefined ? {} : { 'x-api-key': as.key }),
        ...(as.token === undefined ? {} : { authorization: `Bearer ${as.token}` }),
      },
      body: JSON.stringify({ query: document, variables }),
    });
    const text = await response.text();
    const body = JSON.parse(text) as Answer['body'];
    expect(JSON.stringify(body.errors ?? [])).not.toMatch(INTERNALS);
    return { status: response.status, headers: response.headers, text, body };
  }

  async data<Data>(document: string, variables?: Variables, as?: Credentials): Promise<Data> {
    const { status, body } = await this.query(document, variables, as);
    expect({ status, errors: body.errors }).toEqual({ status: 200, errors: undefined });
    return body.data as Data;
  }

  async errors(document: string, variables?: Variables, as?: Credentials): Promise<Refusal> {
    const answer = await this.query(document, variables, as);
    const { errors = [] } = answer.body;
    expect(errors).not.toEqual([]);
    return { ...answer, errors, codes: errors.map(({ extensions }) => extensions.code) };
  }
}
