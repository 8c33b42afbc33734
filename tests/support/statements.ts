import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Api } from './api.js';
import { TEST_APPLICATION } from './database.js';

/** A statement that PostgreSQL executed for the server. */
export interface Statement {
  readonly text: string;
  /** `transaction`: its begin or end. `authentication`: the look-up of an API key, which is remembered a while. */
  readonly kind: 'work' | 'transaction' | 'authentication';
}

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) names things. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  /** Rows that came out of it, and rows that it read and dropped: on average of its loops. */
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

/** A statement and how PostgreSQL executed it. */
export interface ExplainedStatement extends Statement {
  /** Every node of its plan, the root first. */
  readonly nodes: readonly PlanNode[];
}

/** The statements that the server executed while `work` ran, in their order: PostgreSQL's own word. */
export async function recordStatements(api: Api, work: () => Promise<unknown>): Promise<Statement[]> {
  const entries = await record(api, work);
  return entries.flatMap(({ message }) => {
    const text = /^(?:statement|execute [^:]*): (.*)$/s.exec(message)?.[1];
    return text === undefined || UPKEEP.test(text) ? [] : [statement(text)];
  });
}

/** What the server does by itself, at its start and every minute; and PgBouncer, where it gives a connection to another client. */
const UPKEEP = /^DELETE FROM game_graphql_idempotency_keys\b|^SET application_name=/;

/** The errors with which PostgreSQL ended statements of the server while `work` ran. */
export async function recordErrors(api: Api, work: () => Promise<unknown>): Promise<string[]> {
  return (await record(api, work, 'ERROR')).map(({ message }) => message);
}

/** The plans of those statements that have one. The API must have been started with `plans: true`. */
export async function recordPlans(api: Api, work: () => Promise<unknown>): Promise<ExplainedStatement[]> {
  const [row] = await api.database.query('SHOW auto_explain.log_min_duration');
  if (row?.['auto_explain.log_min_duration'] !== '0') throw new Error('Start the API with plans: true.');
  const entries = await record(api, work);
  return entries.flatMap(({ message }) => {
    const json = /^duration: .* plan:\n(.*)$/s.exec(message)?.[1];
    if (json === undefined) return [];
    const { 'Query Text': text, Plan: root } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
    return [{ ...statement(text), nodes: flatten(root) }];
  });
}

/** How many rows of a table a statement has read, whether it used them or not. */
export function rowsRead({ nodes }: ExplainedStatement, table: string): number {
  return nodes
    .filter((node) => node['Relation Name'] === table)
    .map((node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'])
    .reduce((sum, rows) => sum + rows, 0);
}

/** The statements that do the work, without those around it. */
export function workOf<S extends Statement>(statements: readonly S[]): S[] {
  return statements.filter(({ kind }) => kind === 'work');
}

function statement(text: string): Statement {
  if (/^(begin|start transaction|commit|rollback|savepoint|release)\b/i.test(text)) {
    return { text, kind: 'transaction' };
  }
  return { text, kind: /\bFROM apikey WHERE "apiKeyHash"/.test(text) ? 'authentication' : 'work' };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

type Level = 'LOG' | 'ERROR';

interface LogEntry {
  readonly level: Level;
  readonly database: string;
  readonly application: string;
  readonly message: string;
}

/** What PostgreSQL logged of the server's connections to the database of `api`. */
async function record(
  { database }: Api,
  work: () => Promise<unknown>,
  level: Level = 'LOG',
): Promise<LogEntry[]> {
  const file = process.env['TEST_POSTGRES_LOG'];
  if (file === undefined) throw new Error('tests/support/global-setup.js did not start PostgreSQL.');
  const log = openSync(file, 'r');
  try {
    const start = fstatSync(log).size;
    await work();
    // PostgreSQL has written a statement down before it answers it. That this one is there shows that the
    // log can be read, so that "no statements" is a finding.
    await database.query('SELECT 1 AS end_of_recording');
    const bytes = Buffer.alloc(fstatSync(log).size - start);
    readSync(log, bytes, 0, bytes.length, start);
    const entries = parse(bytes.toString('utf8')).filter((entry) => entry.database === database.name);
    if (!entries.some(({ message }) => message.includes('end_of_recording'))) {
      throw new Error(`PostgreSQL's log ${file} does not hold the statements.`);
    }
    return entries.filter((entry) => entry.level === level && entry.application !== TEST_APPLICATION);
  } finally {
    closeSync(log);
  }
}

/** Entries of the log; the prefix is set in `postgres.js`, and continuation lines begin with a tab. */
function parse(text: string): LogEntry[] {
  return text.split(/\n(?!\t)/).flatMap((entry) => {
    const [, database = '', application = '', level, message = ''] =
      /^~(.*?)~(.*?)~(LOG|ERROR): {2}(.*)$/s.exec(entry) ?? [];
    if (level === undefined) return [];
    return [{ database, application, level: level as Level, message: message.replaceAll('\n\t', '\n') }];
  });
}
