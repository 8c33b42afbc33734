import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import { query } from '../database/query.js';
import { withTimestamps } from '../database/timestamp.js';
import { answerTooLong, isTooLong, limitExceeded } from '../errors.js';
import { bind, type CompiledStatement } from './bind.js';
import type { CompileContext } from './compile-context.js';
import { areLongerThan, EncodedJson, errorOf } from './encoded-json.js';
import { toSql, type JsonSql } from './json-sql.js';
import type { Selection } from './selection.js';

/** Maximum number of statements that are kept of one selection. Each page size, for instance, has its own. */
const MAX_KEPT = 10;
/** Maximum length, in characters, of a statement that is kept. */
const MAX_KEPT_LENGTH = 50_000;
/** Maximum number of values of a statement: PostgreSQL counts them in 16 bits. */
const MAX_VALUES = 65_535;
/** Maximum length, in characters, of a statement. To plan it takes PostgreSQL some hundred times as many bytes. */
const MAX_LENGTH = 500_000;

/** A query of objects by their ids: their JSON, and where they are, after FROM; `id` is the column of their ids. */
export interface ByIdQuery {
  readonly id: Sql;
  readonly json: JsonSql;
  readonly from: Sql;
}

/** What every statement is bound to: who asks. Statements are kept for each kind of caller. */
export interface CallerBindings<Caller> {
  readonly caller: Caller;
}

/**
 * Compiles a selection into one statement, binds it, runs it, and returns the JSON that PostgreSQL wrote.
 *
 * Compiling takes longer than running. So a statement is kept with its selection, and that with its document, as
 * long as nothing of one request alone is in it: what differs from request to request is a `Placeholder`.
 */
export class StatementRunner<Caller extends { readonly kind: string }, Context extends CompileContext> {
  constructor(
    private readonly contextFor: (caller: Caller) => Context,
    private readonly maxBytes: number,
  ) {}

  /**
   * Reads one thing: in one statement, or in none where its JSON is constant.
   *
   * @param cacheKey names all that `compile` depends on beside the selection and the kind of the caller; null: do not
   *   cache
   * @throws the error that stands for all of it: see `CompileContext.refuse`
   */
  async runOne(
    em: SqlEntityManager,
    selection: Selection,
    bindings: CallerBindings<Caller>,
    cacheKey: string | null,
    compile: (context: Context) => JsonSql,
  ): Promise<EncodedJson> {
    const statement = this.#statementFor(selection, bindings.caller, cacheKey, (context) => {
      const json = compile(context);
      const { errors } = context;
      return json.every((piece) => typeof piece === 'string')
        ? { text: '', values: [], constant: json.join(''), errors }
        : statementOf(sql`SELECT ${toSql(json)} AS json`, errors);
    });
    const { constant, errors } = statement;
    if (constant !== undefined) return new EncodedJson(constant, selection, errors);
    const [row] = await this.#run<{ json: string }>(em, statement, bindings);
    const json = row?.json ?? 'null';
    const refused = errorOf(json, errors);
    if (refused) throw refused;
    return new EncodedJson(withTimestamps(json), selection, errors);
  }

  /** Reads objects in one statement; returns them by their ids, in the order they came. Otherwise as `runOne`. */
  async runById(
    em: SqlEntityManager,
    selection: Selection,
    bindings: CallerBindings<Caller> & { readonly lookupValue: unknown },
    cacheKey: string,
    compile: (context: Context) => ByIdQuery,
  ): Promise<Map<string, EncodedJson>> {
    const statement = this.#statementFor(selection, bindings.caller, cacheKey, (context) => {
      const { id, json, from } = compile(context);
      return statementOf(sql`SELECT ${id} AS id, ${toSql(json)} AS json FROM ${from}`, context.errors);
    });
    const rows = await this.#run<{ id: string; json: string }>(em, statement, bindings);
    return new Map(
      rows.map(({ id, json }) => [id, new EncodedJson(withTimestamps(json), selection, statement.errors)]),
    );
  }

  #statementFor(
    { statements }: Selection,
    caller: Caller,
    cacheKey: string | null,
    compile: (context: Context) => CompiledStatement,
  ): CompiledStatement {
    const fullKey = `${caller.kind} ${cacheKey}`;
    const kept = cacheKey === null ? undefined : statements?.get(fullKey);
    if (kept !== undefined) return kept;
    const context = this.contextFor(caller);
    const statement = compile(context);
    const isReusable = context.isReusable && statement.text.length <= MAX_KEPT_LENGTH;
    if (cacheKey !== null && isReusable && statements !== null && statements.size < MAX_KEPT) {
      statements.set(fullKey, statement);
    }
    return statement;
  }

  /** @throws LIMIT_EXCEEDED when the JSON is longer than an answer may be */
  async #run<Row extends { readonly json: string }>(
    em: SqlEntityManager,
    statement: CompiledStatement,
    bindings: object,
  ): Promise<Row[]> {
    try {
      const rows = await query<Row>(em, { text: statement.text, values: bind(statement, bindings) });
      const texts = rows.map(({ json }) => json);
      if (areLongerThan(texts, this.maxBytes)) throw answerTooLong(this.maxBytes);
      return rows;
    } catch (error) {
      throw isTooLong(error) ? answerTooLong(this.maxBytes) : error;
    }
  }
}

/** @throws LIMIT_EXCEEDED */
function statementOf({ text, values }: Sql, errors: readonly Error[]): CompiledStatement {
  if (values.length > MAX_VALUES) {
    throw limitExceeded(
      `The filters of an operation may hold ${MAX_VALUES} values at most, repeated ones included.`,
    );
  }
  if (text.length > MAX_LENGTH) {
    throw limitExceeded(
      `A field at the top of an operation may become at most ${MAX_LENGTH} characters of SQL; this one becomes ${text.length}. Ask for fewer fields and filters below it.`,
    );
  }
  return { text, values, errors };
}
