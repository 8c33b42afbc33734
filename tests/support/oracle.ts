import {
  buildSchema,
  execute,
  getOperationAST,
  GraphQLError,
  isNonNullType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type VariableNode,
} from 'graphql';
import { readFileSync } from 'node:fs';
import type { CursorList, Opaque } from './opaque.js';
import {
  BUILT_INS,
  COMMON_REALM,
  type AwardRow,
  type DefinitionRow,
  type GameRow,
  type ParamRow,
  type ReassignmentRow,
  type Rows,
  type TaskRow,
} from './oracle-rows.js';

// What the server must answer, worked out in the simplest way: graphql-js asks resolvers that look at all rows in
// memory. It shares no code with the server, and knows nothing of SQL, plans, caches or the form of a cursor.

/** Who asks. Nobody in particular, when there is no identity. */
export interface Asker {
  readonly name: string;
  readonly apiKey: string | null;
  readonly oauthUserId: string | null;
  readonly isAdmin: boolean;
}

export interface Question {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** An error as it must be told. */
export interface ExpectedError {
  /** Where in the answer; null for an error of the whole operation. */
  readonly path: string | null;
  readonly code: string;
  /** Null where the words are the server's own. */
  readonly message: string | null;
}

export interface Expectation {
  /** With tokens; undefined where the operation is not run. */
  readonly data: unknown;
  readonly errors: readonly ExpectedError[];
  /**
   * Whether some of the errors suffice: a root field that must not be null failed, and with it the whole answer. Which
   * of the others were met before is a matter of time.
   */
  readonly someErrors: boolean;
  /**
   * Whether BAD_USER_INPUT for the whole operation is as good: a variable is null where null is not allowed, which only
   * its default made valid. graphql-js finds that at the fields it comes to; a server may look before it runs anything.
   */
  readonly mayBeRefused: boolean;
}

type Given<T> = T | null | undefined;
type Json = Readonly<Record<string, unknown>>;
type Value = string | number | null;
type Sorting<Row> = readonly (readonly [key: (row: Row) => Value, direction: string])[];

interface PageArgs {
  readonly first?: Given<number>;
  readonly last?: Given<number>;
  readonly after?: Given<string>;
  readonly before?: Given<string>;
  readonly filter?: Given<Json>;
  readonly orderBy?: Given<readonly { readonly field: string; readonly direction: string }[]>;
}
interface List<Row> {
  readonly field: string;
  readonly parentId: string | null;
  /** In their order. */
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  readonly show: (row: Row) => object;
  /** What the cursors belong to beside list, parent and caller. */
  readonly order?: unknown;
}

const refused = (code: string, message: string | null = null): GraphQLError =>
  new GraphQLError(message ?? '', { extensions: { code, known: message !== null } });
const badInput = (): GraphQLError => refused('BAD_USER_INPUT');
const notFound = (what: string): GraphQLError => refused('NOT_FOUND', `${what} not found.`);

/** NULL counts as larger than anything; text goes by code points, as UTF-8 does. */
function compare(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

function sorted<Row>(rows: readonly Row[], sorting: Sorting<Row>): Row[] {
  return [...rows].sort((a, b) => {
    for (const [key, direction] of sorting) {
      const difference = compare(key(a), key(b));
      if (difference !== 0) return direction === 'ASC' ? difference : -difference;
    }
    return 0;
  });
}

const idOf = ({ id }: { readonly id: string }): string => id;
const newestFirst: Sorting<{ readonly createdAt: string | null; readonly id: string }> = [
  [({ createdAt }) => createdAt, 'DESC'],
  [idOf, 'DESC'],
];
const oldestFirst: Sorting<{ readonly createdAt: string | null; readonly id: string }> = [
  [({ createdAt }) => createdAt, 'ASC'],
  [idOf, 'ASC'],
];

/** What an instant is, is looked at where it is used; that it is a text, where it is given. */
function instantText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('A DateTime is a string, for example "2026-02-10T12:15:00.123456Z".');
}

/** Strings that PostgreSQL or UTF-8 cannot carry are refused wherever they stand. */
function checkText(value: unknown): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) throw badInput();
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(checkText);
}
const hasBrokenText = (value: unknown): boolean => {
  try {
    checkText(value);
    return false;
  } catch {
    return true;
  }
};

const isGiven = (value: unknown): boolean => value !== null && value !== undefined;
const GAME_ORDERS: Readonly<Record<string, (game: GameRow) => Value>> = {
  CREATED_AT: ({ createdAt }) => createdAt,
  UPDATED_AT: ({ updatedAt }) => updatedAt,
  EXTERNAL_GAME_ID: ({ externalGameId }) => externalGameId,
  PLATFORM: ({ platform }) => platform,
  STRATEGY_ID: ({ strategyId }) => strategyId,
};
const TASK_ORDERS: Readonly<Record<string, (task: TaskRow) => Value>> = {
  CREATED_AT: ({ createdAt }) => createdAt,
  EXTERNAL_TASK_ID: ({ externalTaskId }) => externalTaskId,
  STATUS: ({ status }) => status,
};

/** The built-ins as rows like those of custom strategies. */
interface StrategyRow extends Omit<DefinitionRow, 'version'> {
  readonly kind: string;
  readonly version: string;
  readonly number: number;
}

export class Oracle {
  /** For the operations' own checks. */
  readonly schema: GraphQLSchema;
  /** As the schema, but no field of a query takes the others with it when it fails. */
  readonly #lenient: GraphQLSchema;
  readonly #documents = new Map<string, DocumentNode | string>();
  readonly #strategies: readonly StrategyRow[];

  /** @param instants what the texts of instants mean that clients may send, in UTC; any other is none */
  constructor(
    private readonly rows: Rows,
    private readonly opaque: Opaque,
    private readonly instants: ReadonlyMap<string, string>,
  ) {
    const text = readFileSync('schema.graphql', 'utf8');
    this.schema = buildSchema(text);
    this.#lenient = buildSchema(text);
    for (const field of Object.values(this.#lenient.getQueryType()?.getFields() ?? {})) {
      if (isNonNullType(field.type)) field.type = field.type.ofType;
    }
    for (const schema of [this.schema, this.#lenient]) {
      Object.assign(schema.getType('DateTime') ?? {}, { parseValue: instantText });
    }
    const builtIns = Object.entries(BUILT_INS).map(([id, version]) => ({
      ...{ id, version, kind: 'BUILT_IN', name: id, status: 'PUBLISHED', number: 0 },
      ...{ description: null, realm: null, publishedAt: null },
    }));
    const custom = rows.definitions.map((definition) => ({
      ...definition,
      ...{ id: `custom:${definition.id}`, kind: 'CUSTOM' },
      ...{ version: String(definition.version), number: definition.version },
      status: ['DRAFT', 'PUBLISHED'].includes(definition.status) ? definition.status : 'ARCHIVED',
    }));
    this.#strategies = sorted<StrategyRow>(
      [...builtIns, ...custom],
      [
        [({ kind }) => kind, 'ASC'],
        [({ name }) => name, 'ASC'],
        [({ number }) => number, 'DESC'],
        [({ id }) => id, 'ASC'],
      ],
    );
  }

  /** Whether this is a document of the schema, which can be run. */
  isDocument(text: string): boolean {
    return typeof this.#document(text) !== 'string';
  }

  answer(question: Question, asker: Asker): Expectation {
    const { document: text, operationName, variables } = question;
    const whole = (code: string): Expectation => ({
      data: undefined,
      errors: [{ path: null, code, message: null }],
      ...{ someErrors: false, mayBeRefused: false },
    });
    const document = this.#document(text);
    if (typeof document === 'string') return whole(document);
    if (!getOperationAST(document, operationName)) return whole('OPERATION_RESOLUTION_FAILURE');
    const ask = (schema: GraphQLSchema): ExecutionResult =>
      execute({
        ...{ schema, document, operationName, variableValues: variables },
        rootValue: new Answers(this.rows, this.opaque, this.instants, this.#strategies, asker).root(),
      }) as ExecutionResult;
    const { data, errors = [] } = ask(this.schema);
    const someErrors = data === null && errors.some(({ path }) => path !== undefined);
    const all = someErrors ? (ask(this.#lenient).errors ?? []) : errors;
    const mayBeRefused = hasForbiddenNull(this.schema, document, variables);
    return { data, errors: all.map(expected), someErrors, mayBeRefused };
  }

  #document(text: string): DocumentNode | string {
    const known = this.#documents.get(text) ?? checked(this.schema, text);
    this.#documents.set(text, known);
    return known;
  }
}

/** A document; the code of the error where it is none. */
function checked(schema: GraphQLSchema, text: string): DocumentNode | string {
  try {
    const document = parse(text);
    return validate(schema, document).length === 0 ? document : 'GRAPHQL_VALIDATION_FAILED';
  } catch {
    return 'GRAPHQL_PARSE_FAILED';
  }
}

function hasForbiddenNull(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Question['variables'],
): boolean {
  const types = new TypeInfo(schema);
  let has = false;
  const look = ({ name }: VariableNode): void => {
    has ||= variables[name.value] === null && isNonNullType(types.getInputType());
  };
  visit(document, visitWithTypeInfo(types, { VariableDefinition: () => false, Variable: look }));
  return has;
}

function expected({ path, message, extensions }: GraphQLError): ExpectedError {
  const place = path === undefined ? null : JSON.stringify(path);
  const { code, known } = extensions;
  if (typeof code === 'string') return { path: place, code, message: known === true ? message : null };
  // What graphql-js itself says of arguments and variables.
  if (/^(Argument|Variable) "/.test(message)) return { path: place, code: 'BAD_USER_INPUT', message };
  throw new Error(`The oracle is wrong: ${message} at ${place}`);
}

/** The answers to one caller. */
class Answers {
  constructor(
    private readonly rows: Rows,
    private readonly opaque: Opaque,
    private readonly instants: ReadonlyMap<string, string>,
    private readonly strategies: readonly StrategyRow[],
    private readonly asker: Asker,
  ) {}

  root(): object {
    const { apiKey, oauthUserId, isAdmin } = this.asker;
    const nobody = apiKey === null && oauthUserId === null;
    const known =
      (resolve: (args: never) => unknown, isQuery = true) =>
      (args: Json): unknown => {
        if (isQuery) checkText(args);
        if (nobody) throw refused('UNAUTHENTICATED');
        return resolve(args as never);
      };
    const mutation = (resolve: (input: never) => unknown): unknown =>
      known(({ input }: { input: never }) => resolve(input), false);
    return {
      viewer: { apiKey, oauthUserId, isAdmin },
      games: known((args: PageArgs) => this.#gamesPage(args)),
      game: known(({ id }: { id: string }) => {
        const game = this.#game(id);
        if (game === null) throw notFound('Game');
        return game;
      }),
      gameByExternalId: known(({ externalGameId }: { externalGameId: string }) => {
        const game = this.#visibleGames().find((row) => row.externalGameId === externalGameId);
        if (game === undefined) throw notFound('Game');
        return this.#showGame(game);
      }),
      gamesByIds: known(({ ids }: { ids: string[] }) => ids.map((id) => this.#game(id))),
      externalGameIds: known(({ ids }: { ids: string[] }) =>
        [...new Set(ids)].flatMap((id) =>
          this.#visibleGames()
            .filter((game) => game.id === id)
            .map(({ externalGameId }) => ({ gameId: id, externalGameId })),
        ),
      ),
      strategies: known((args: PageArgs) => this.#strategiesPage(args)),
      strategy: known(({ id }: { id: string }) => {
        const strategy = this.#strategy(id);
        if (strategy === null) throw notFound('Strategy');
        return strategy;
      }),
      strategyReassignments: known((args: PageArgs) =>
        this.#page<ReassignmentRow>(
          {
            ...{ field: 'Query.strategyReassignments', parentId: null, idOf },
            rows: sorted(this.#visibleReassignments(), newestFirst),
            show: (row) => this.#showReassignment(row),
          },
          args,
        ),
      ),
      node: known(({ id }: { id: string }) => this.#node(id)),
      nodes: known(({ ids }: { ids: string[] }) => ids.map((id) => this.#node(id))),
      _entities: known(({ representations }: { representations: unknown[] }) => {
        const keys = representations.map((key) => Object(key) as { __typename: unknown; id: unknown });
        const read: Readonly<Record<string, (id: string) => object | null>> = {
          Game: (id) => this.#game(id),
          Task: (id) => this.#task(id),
          Strategy: (id) => this.#strategy(id),
        };
        return keys
          .map(({ __typename: type, id }) => {
            if (typeof id !== 'string' || typeof type !== 'string' || !Object.hasOwn(read, type))
              throw badInput();
            return () => read[type]?.(id) ?? null;
          })
          .map((answer) => answer());
      }),
      _service: {},
      createGame: mutation((input: CreateInput) => this.#create(input)),
      patchGame: mutation((input: PatchInput) => this.#patch(input)),
      deleteGame: mutation((input: DeleteInput) => this.#delete(input)),
      duplicateGame: mutation((input: CopyInput) => this.#duplicate(input)),
      createTask: mutation((input: CreateTaskInput) => this.#createTask(input)),
      patchTask: mutation((input: PatchTaskInput) => this.#patchTask(input)),
      deleteTask: mutation((input: DeleteInput) => this.#deleteTask(input)),
      duplicateTask: mutation((input: CopyTaskInput) => this.#duplicateTask(input)),
      bulkUpdateStrategyId: mutation((input: BulkInput) => this.#bulkUpdate(input)),
    };
  }

  // ---- Who may see what.

  #owns(row: { readonly apiKey: string | null; readonly oauthUserId: string | null }): boolean {
    const { apiKey, oauthUserId, isAdmin } = this.asker;
    if (isAdmin) return true;
    return (
      (apiKey !== null && row.apiKey === apiKey) || (oauthUserId !== null && row.oauthUserId === oauthUserId)
    );
  }

  #visibleGames(): GameRow[] {
    return this.rows.games.filter((game) => this.#owns(game));
  }

  #visibleTasks(): TaskRow[] {
    const games = new Set<string | null>(this.#visibleGames().map(({ id }) => id));
    return this.rows.tasks.filter(({ gameId }) => games.has(gameId));
  }

  #visibleReassignments(): ReassignmentRow[] {
    return this.rows.reassignments.filter((made) => this.#owns(made));
  }

  #visibleStrategies(): StrategyRow[] {
    const { isAdmin } = this.asker;
    return this.strategies.filter(
      ({ kind, realm }) => kind === 'BUILT_IN' || isAdmin || realm === this.#realm(),
    );
  }

  #realm(): string {
    return this.asker.apiKey ?? COMMON_REALM;
  }

  // ---- Single objects.

  #game(id: string): object | null {
    const game = this.#visibleGames().find((row) => row.id === id);
    return game === undefined ? null : this.#showGame(game);
  }

  #task(id: string): object | null {
    const task = this.rows.tasks.find((row) => row.id === id);
    const isVisible = task && this.#visibleGames().some((game) => game.id === task.gameId);
    return task && isVisible ? this.#showTask(task) : null;
  }

  #strategy(id: string | null): object | null {
    const strategy = this.#visibleStrategies().find((row) => row.id === id);
    return strategy === undefined ? null : this.#showStrategy(strategy);
  }

  #reassignment(id: string | null): object | null {
    const made = this.#visibleReassignments().find((row) => row.id === id);
    return made === undefined ? null : this.#showReassignment(made);
  }

  #node(id: string): object | null {
    return this.#game(id) ?? this.#task(id) ?? this.#strategy(id) ?? this.#reassignment(id);
  }

  // ---- What objects show.

  #showGame(game: GameRow): object {
    const { id, strategyId, apiKey, oauthUserId } = game;
    const tasks = this.rows.tasks.filter(({ gameId }) => gameId === id);
    return {
      ...game,
      __typename: 'Game',
      owner: { apiKey, oauthUserId },
      version: this.opaque.version(id),
      params: () => params(this.rows.gameParams, id),
      strategy: () => this.#strategy(strategyId),
      tasks: (args: PageArgs) => this.#gameTasksPage(id, tasks, args),
      task: (args: { externalTaskId: string }) => {
        checkText(args);
        const found = tasks.filter(({ externalTaskId }) => externalTaskId === args.externalTaskId);
        const [oldest] = sorted(found, oldestFirst);
        return oldest === undefined ? null : this.#showTask(oldest);
      },
      leaderboard: (args: PageArgs) => this.#leaderboard('Game.leaderboard', id, tasks, args),
    };
  }

  #showTask(task: TaskRow): object {
    return {
      ...task,
      __typename: 'Task',
      version: this.opaque.version(task.id),
      game: () => this.#game(task.gameId ?? ''),
      params: () => params(this.rows.taskParams, task.id),
      strategy: () => this.#strategy(task.strategyId),
      leaderboard: (args: PageArgs) => this.#leaderboard('Task.leaderboard', task.id, [task], args),
    };
  }

  #showStrategy(strategy: StrategyRow): object {
    const { id, kind, name, realm } = strategy;
    return {
      ...strategy,
      __typename: 'Strategy',
      versions: () =>
        sorted(
          this.#visibleStrategies().filter((other) =>
            kind === 'BUILT_IN'
              ? other.id === id
              : other.kind === kind && other.name === name && other.realm === realm,
          ),
          [
            [({ number }) => number, 'DESC'],
            [(other) => other.id, 'ASC'],
          ],
        ).map((other) => this.#showStrategy(other)),
      games: (args: PageArgs) =>
        this.#relatedGames('Strategy.games', id, (game) => game.strategyId === id, args),
      tasks: (args: PageArgs) => {
        const games = new Set<string | null>(this.#visibleGames().map((game) => game.id));
        const tasks = this.rows.tasks.filter(
          ({ strategyId, gameId }) => strategyId === id && games.has(gameId),
        );
        return this.#page<TaskRow>(
          {
            ...{ field: 'Strategy.tasks', parentId: id, idOf },
            ...{ rows: sorted(tasks, newestFirst), show: (task) => this.#showTask(task) },
          },
          args,
        );
      },
    };
  }

  #showReassignment(made: ReassignmentRow): object {
    const { id, apiKey, oauthUserId } = made;
    const moved = new Set(
      this.rows.reassignedGames.filter((row) => row.reassignmentId === id).map(({ gameId }) => gameId),
    );
    const movedTasks = new Set(
      this.rows.reassignedTasks.filter((row) => row.reassignmentId === id).map(({ taskId }) => taskId),
    );
    return {
      ...made,
      __typename: 'StrategyReassignment',
      madeBy: { apiKey, oauthUserId },
      undoes: () => this.#reassignment(made.undoes),
      games: (args: PageArgs) =>
        this.#relatedGames('StrategyReassignment.games', id, (game) => moved.has(game.id), args),
      tasks: (args: PageArgs) =>
        this.#relatedTasks('StrategyReassignment.tasks', id, (task) => movedTasks.has(task.id), args),
    };
  }

  // ---- Lists.

  #page<Row>(list: List<Row>, args: PageArgs): object {
    checkText(args);
    const { rows, show } = list;
    const { filter, orderBy } = args;
    const first = args.first ?? null;
    const last = args.last ?? null;
    const belongsTo: Omit<CursorList, 'key'> = {
      ...{ caller: this.asker.name, field: list.field, parentId: list.parentId },
      args: { filter, orderBy },
    };
    // Equal filters have equal cursors, and so have equal orders, however they came about.
    const key = JSON.stringify(
      [this.asker.name, list.field, list.parentId, list.order ?? null, filter ?? {}],
      (_key, value: unknown) => (value === null ? undefined : value),
    );
    const cursorList = { ...belongsTo, key };
    const position = (cursor: Given<string>): number | null => {
      if (cursor === null || cursor === undefined) return null;
      const rowId = this.opaque.rowOf(cursorList, cursor);
      if (rowId === undefined) throw badInput();
      return rows.findIndex((row) => list.idOf(row) === rowId);
    };
    const after = position(args.after);
    const before = position(args.before);
    if ((first !== null && last !== null) || (first ?? 1) < 1 || (last ?? 1) < 1) throw badInput();
    if ((first ?? 0) > 100 || (last ?? 0) > 100) throw refused('LIMIT_EXCEEDED');

    const between = rows.slice(after === null ? 0 : after + 1, before ?? rows.length);
    const shown = last === null ? between.slice(0, first ?? 20) : between.slice(-last);
    const isCut = shown.length < between.length;
    const cursor = (row: Row | undefined): string | null =>
      row === undefined ? null : this.opaque.cursor(cursorList, list.idOf(row));
    return {
      nodes: () => shown.map(show),
      edges: () => shown.map((row) => ({ cursor: cursor(row), node: () => show(row) })),
      pageInfo: {
        // The row of a cursor lies outside of the page itself.
        hasNextPage: before !== null || (last === null && isCut),
        hasPreviousPage: after !== null || (last !== null && isCut),
        startCursor: cursor(shown[0]),
        endCursor: cursor(shown.at(-1)),
      },
      totalCount: rows.length,
    };
  }

  #gamesPage(args: PageArgs): object {
    checkText(args);
    this.#checkInstants(args.filter);
    const rows = this.#visibleGames().filter((game) =>
      this.#matches(args.filter, {
        ...{ ...game, ownerApiKey: game.apiKey, ownerOauthUserId: game.oauthUserId },
      }),
    );
    const { sorting, order } = ordering(args.orderBy, GAME_ORDERS);
    return this.#page<GameRow>(
      {
        ...{ field: 'Query.games', parentId: null, order, idOf },
        ...{ rows: sorted(rows, sorting), show: (game) => this.#showGame(game) },
      },
      args,
    );
  }

  #relatedGames(
    field: string,
    parentId: string,
    isRelated: (game: GameRow) => boolean,
    args: PageArgs,
  ): object {
    const rows = sorted(this.#visibleGames().filter(isRelated), newestFirst);
    return this.#page<GameRow>({ field, parentId, rows, idOf, show: (game) => this.#showGame(game) }, args);
  }

  #relatedTasks(
    field: string,
    parentId: string,
    isRelated: (task: TaskRow) => boolean,
    args: PageArgs,
  ): object {
    const rows = sorted(this.#visibleTasks().filter(isRelated), newestFirst);
    return this.#page<TaskRow>({ field, parentId, rows, idOf, show: (task) => this.#showTask(task) }, args);
  }

  #gameTasksPage(gameId: string, tasks: readonly TaskRow[], args: PageArgs): object {
    checkText(args);
    this.#checkInstants(args.filter);
    const rows = tasks.filter((task) => this.#matches(args.filter, { ...task }));
    const { sorting, order } = ordering(args.orderBy, TASK_ORDERS);
    return this.#page<TaskRow>(
      {
        ...{ field: 'Game.tasks', parentId: gameId, order, idOf },
        ...{ rows: sorted(rows, sorting), show: (task) => this.#showTask(task) },
      },
      args,
    );
  }

  #strategiesPage(args: PageArgs): object {
    checkText(args);
    const { kind, ...others } = args.filter ?? {};
    const filter = { ...others, kind: isGiven(kind) ? { eq: kind } : null };
    return this.#page<StrategyRow>(
      {
        ...{ field: 'Query.strategies', parentId: null, idOf },
        rows: this.#visibleStrategies().filter((strategy) => this.#matches(filter, { ...strategy })),
        show: (strategy) => this.#showStrategy(strategy),
      },
      args,
    );
  }

  /** Most points first, then by user; equal points share a place. */
  #leaderboard(field: string, parentId: string, tasks: readonly TaskRow[], args: PageArgs): object {
    const ids = new Set<string | null>(tasks.map(({ id }) => id));
    const awards = this.rows.awards.filter(({ taskId, userId }) => ids.has(taskId) && userId !== null);
    const entries = [...Map.groupBy(awards, ({ userId }) => userId ?? '')].map(([userId, own]) => ({
      userId,
      points: own.reduce((sum, { points }) => sum + (points ?? 0), 0),
      timesAwarded: own.length,
      lastAwardedAt: latest(own),
      externalUserId: this.rows.users.find(({ id }) => id === userId)?.externalUserId ?? null,
    }));
    const rows = sorted<(typeof entries)[number]>(entries, [
      [({ points }) => points, 'DESC'],
      [({ userId }) => userId, 'ASC'],
    ]);
    return this.#page<(typeof entries)[number]>(
      {
        ...{ field, parentId, rows, idOf: ({ userId }) => userId },
        show: (entry) => ({
          ...entry,
          rank: 1 + rows.filter(({ points }) => points > entry.points).length,
        }),
      },
      args,
    );
  }

  // ---- Filters: two-valued, a comparison with what is not there is false.

  #matches(filter: Given<Json>, row: Readonly<Record<string, unknown>>): boolean {
    return Object.entries(filter ?? {}).every(([name, given]) => {
      if (!isGiven(given)) return true;
      if (name === 'and') return (given as Json[]).every((part) => this.#matches(part, row));
      if (name === 'or') return (given as Json[]).some((part) => this.#matches(part, row));
      if (name === 'not') return !this.#matches(given as Json, row);
      const value = row[name] as string | null;
      return Object.entries(given as Json).every(
        ([operator, operand]) => !isGiven(operand) || this.#holds(operator, value, operand, name),
      );
    });
  }

  #holds(operator: string, value: string | null, operand: unknown, field: string): boolean {
    if (operator === 'isNull') return (value === null) === operand;
    if (operator === 'ne') return value !== operand;
    if (operator === 'notIn') return value === null || !(operand as string[]).includes(value);
    if (value === null) return false;
    if (operator === 'in') return (operand as string[]).includes(value);
    const text = isInstant(field) ? (this.instants.get(operand as string) ?? '') : (operand as string);
    switch (operator) {
      case 'eq':
        return value === text;
      case 'gt':
        return value > text;
      case 'gte':
        return value >= text;
      case 'lt':
        return value < text;
      case 'lte':
        return value <= text;
      case 'startsWith':
        return value.startsWith(text);
      case 'contains':
        return value.includes(text);
      case 'containsInsensitive':
        return value.toLowerCase().toUpperCase().includes(text.toLowerCase().toUpperCase());
      default:
        throw new RangeError(`The oracle does not know the operator ${operator}.`);
    }
  }

  /** All of a filter is checked, also where what stands beside decides. */
  #checkInstants(filter: Given<Json>): void {
    for (const [name, given] of Object.entries(filter ?? {})) {
      if (name === 'and' || name === 'or')
        (given as Given<Json[]>)?.forEach((part) => this.#checkInstants(part));
      else if (name === 'not') this.#checkInstants(given as Given<Json>);
      else if (isInstant(name)) {
        for (const text of Object.values(Object(given) as Json)) {
          if (typeof text === 'string' && !this.instants.has(text)) throw badInput();
        }
      }
    }
  }

  // ---- Mutations. All are dry runs: the rows stay as they are.

  #create({ externalGameId, platform, strategyId, params: given, tasks }: CreateInput): object {
    const { apiKey } = this.asker;
    const names = (tasks ?? []).map((task) => task.externalTaskId);
    const isGood =
      isGoodName(externalGameId) &&
      isGoodPlatform(platform) &&
      this.#isAssignable(strategyId ?? 'default', apiKey) &&
      !hasBrokenText([given, tasks]) &&
      new Set(names).size === names.length &&
      (tasks ?? []).every((task) => this.#isGoodTask(task, apiKey));
    if (!isGood) throw badInput();
    this.#checkFree(externalGameId);
    return { game: null };
  }

  #patch(input: PatchInput): object {
    const game = this.#toWrite(input.id, input.expectedVersion);
    const changes = this.#changes(game, input, this.rows.gameParams, {
      externalGameId: isGoodName,
      platform: isGoodPlatform,
      strategyId: (id: string) => this.#isAssignable(id, game.apiKey),
    });
    const named = changes.find(({ field }) => field === 'externalGameId');
    if (named) this.#checkFree(named.after ?? '');
    return { game: null, changes };
  }

  /** What a patch changes. @param isGood what the new value of a column must be */
  #changes<Field extends string>(
    stored: { readonly id: string } & Readonly<Record<NoInfer<Field>, string | null>>,
    input: { readonly params?: PatchInput['params'] } & { readonly [Name in NoInfer<Field>]?: Given<string> },
    paramRows: readonly ParamRow[],
    isGood: Readonly<Record<Field, (after: string) => boolean>>,
  ): Change[] {
    const columns = (Object.keys(isGood) as Field[]).flatMap((field) => {
      const after = input[field] ?? null;
      return after === null || after === stored[field] ? [] : [{ field, before: stored[field], after }];
    });
    const { add, update, remove } = input.params ?? {};
    const updates = update ?? [];
    const removals = [...new Set(remove ?? [])];
    const isAllGood =
      columns.every(({ field, after }) => isGood[field](after)) &&
      !hasBrokenText(input.params) &&
      new Set(updates.map(({ id }) => id)).size === updates.length &&
      !updates.some(({ id }) => removals.includes(id));
    if (!isAllGood) throw badInput();
    const own = new Map(params(paramRows, stored.id).map((param) => [param.id, param]));
    if ([...updates.map(({ id }) => id), ...removals].some((id) => !own.has(id))) throw notFound('Param');
    const change = (key: string | null, before: string | null, after: string | null): Change => ({
      ...{ field: `params.${key ?? ''}`, before, after },
    });
    return [
      ...columns,
      ...updates.flatMap(({ id, key, value }) => {
        const before = own.get(id) as ParamRow;
        const after = { key: key ?? before.key, value: value ?? before.value };
        if (after.key !== before.key)
          return [change(before.key, before.value, null), change(after.key, null, after.value)];
        return after.value === before.value ? [] : [change(after.key, before.value, after.value)];
      }),
      ...removals.map((id) => change(own.get(id)?.key ?? null, own.get(id)?.value ?? null, null)),
      ...(add ?? []).map(({ key, value }) => change(key, null, value)),
    ];
  }

  #delete({ id, expectedVersion }: DeleteInput): object {
    const { externalGameId } = this.#toWrite(id, expectedVersion);
    const tasks = new Set<string | null>(
      this.rows.tasks.filter(({ gameId }) => gameId === id).map((task) => task.id),
    );
    const deleted = {
      params: this.rows.gameParams.filter(({ parentId }) => parentId === id).length,
      tasks: tasks.size,
      taskParams: this.rows.taskParams.filter(({ parentId }) => tasks.has(parentId)).length,
      userPoints: this.rows.awards.filter(({ taskId }) => tasks.has(taskId)).length,
      userGameConfigs: this.rows.userConfigs.filter(({ gameId }) => gameId === id).length,
    };
    return { deletedGameId: null, externalGameId, deleted };
  }

  #duplicate({ id, externalGameId }: CopyInput): object {
    const game = this.#toWrite(id);
    const used = [game, ...this.rows.tasks.filter(({ gameId }) => gameId === id)];
    const realm = this.#realm();
    const isGood =
      isGoodName(externalGameId) &&
      ((game.apiKey ?? 'GameRealm') === realm ||
        used.every(
          ({ strategyId }) =>
            !strategyId?.startsWith('custom:') ||
            this.strategies.some((row) => row.id === strategyId && row.realm === realm),
        ));
    if (!isGood) throw badInput();
    this.#checkFree(externalGameId);
    return { game: null };
  }

  #createTask(input: CreateTaskInput): object {
    const game = this.#toWrite(input.gameId);
    if (!this.#isGoodTask(input, game.apiKey) || hasBrokenText(input.params)) throw badInput();
    this.#checkTaskFree(game.id, input.externalTaskId);
    return { task: null };
  }

  #patchTask(input: PatchTaskInput): object {
    const [task, game] = this.#taskToWrite(input.id, input.expectedVersion);
    const changes = this.#changes(task, input, this.rows.taskParams, {
      externalTaskId: isGoodTaskName,
      strategyId: (id: string) => this.#isAssignable(id, game.apiKey),
      status: isGoodStatus,
    });
    const named = changes.find(({ field }) => field === 'externalTaskId');
    if (named) this.#checkTaskFree(game.id, named.after ?? '');
    return { task: null, changes };
  }

  #deleteTask({ id, expectedVersion }: DeleteInput): object {
    const [{ externalTaskId }] = this.#taskToWrite(id, expectedVersion);
    const deleted = {
      params: params(this.rows.taskParams, id).length,
      userPoints: this.rows.awards.filter(({ taskId }) => taskId === id).length,
    };
    return { deletedTaskId: null, externalTaskId, deleted };
  }

  #duplicateTask({ id, externalTaskId, gameId }: CopyTaskInput): object {
    checkText([id, gameId]);
    const [{ strategyId }, game] = this.#taskToWrite(id);
    const target = isGiven(gameId) ? this.#toWrite(gameId ?? '') : game;
    const realm = target.apiKey ?? COMMON_REALM;
    const isGood =
      isGoodTaskName(externalTaskId) &&
      ((game.apiKey ?? COMMON_REALM) === realm ||
        !strategyId.startsWith('custom:') ||
        this.strategies.some((row) => row.id === strategyId && row.realm === realm));
    if (!isGood) throw badInput();
    this.#checkTaskFree(target.id, externalTaskId);
    return { task: null };
  }

  #taskToWrite(id: string, expectedVersion?: Given<string>): [TaskRow, GameRow] {
    checkText(id);
    const task = this.rows.tasks.find((row) => row.id === id);
    const game = this.#visibleGames().find((row) => row.id === task?.gameId);
    if (task === undefined || game === undefined) throw notFound('Task');
    const isExpected =
      !isGiven(expectedVersion) || this.opaque.textOf(this.opaque.version(id)) === expectedVersion;
    if (!isExpected) throw refused('CONFLICT');
    return [task, game];
  }

  #isGoodTask({ externalTaskId, status, strategyId }: NewTask, ownerApiKey: string | null): boolean {
    return (
      isGoodTaskName(externalTaskId) &&
      isGoodStatus(status ?? 'open') &&
      this.#isAssignable(strategyId ?? 'default', ownerApiKey)
    );
  }

  #checkTaskFree(id: string, name: string): void {
    const isTaken = this.rows.tasks.some((task) => task.gameId === id && task.externalTaskId === name);
    if (isTaken) throw refused('CONFLICT');
  }

  #bulkUpdate({ oldStrategyId, newStrategyId, ids, tasks, atMost }: BulkInput): object {
    const isGood =
      !hasBrokenText([oldStrategyId, ids]) &&
      oldStrategyId !== newStrategyId &&
      (atMost ?? 0) >= 0 &&
      this.#isAssignable(newStrategyId, null, true);
    if (!isGood) throw badInput();
    const games = this.#visibleGames().filter(
      ({ id, strategyId }) => strategyId === oldStrategyId && (ids?.includes(id) ?? true),
    );
    const moved = this.#visibleTasks().filter(
      ({ gameId, strategyId }) =>
        tasks && strategyId === oldStrategyId && gameId !== null && (ids?.includes(gameId) ?? true),
    );
    const ofTasks = new Set<string | null>(moved.map(({ gameId }) => gameId));
    const suits = ({ apiKey }: GameRow): boolean => this.#isAssignable(newStrategyId, apiKey);
    if (![...games, ...this.rows.games.filter(({ id }) => ofTasks.has(id))].every(suits)) throw badInput();
    if (games.length > (atMost ?? Infinity)) throw refused('LIMIT_EXCEEDED');
    return { count: games.length, taskCount: moved.length, reassignment: null };
  }

  #toWrite(id: string, expectedVersion?: Given<string>): GameRow {
    checkText(id);
    const game = this.#visibleGames().find((row) => row.id === id);
    if (game === undefined) throw notFound('Game');
    const isExpected =
      !isGiven(expectedVersion) || this.opaque.textOf(this.opaque.version(id)) === expectedVersion;
    if (!isExpected) throw refused('CONFLICT');
    return game;
  }

  #checkFree(externalGameId: string): void {
    if (this.rows.games.some((game) => game.externalGameId === externalGameId)) throw refused('CONFLICT');
  }

  /** @param ofAnyOwner whether it is asked before it is known whose games it is about */
  #isAssignable(id: string, ownerApiKey: string | null, ofAnyOwner = false): boolean {
    const strategy = this.#visibleStrategies().find((row) => row.id === id);
    if (strategy?.status !== 'PUBLISHED') return false;
    if (strategy.kind === 'BUILT_IN' || ofAnyOwner) return true;
    return strategy.realm === (ownerApiKey ?? COMMON_REALM);
  }
}

interface CreateInput {
  readonly externalGameId: string;
  readonly platform: string;
  readonly strategyId?: Given<string>;
  readonly params?: Given<readonly { readonly key: string; readonly value: string }[]>;
  readonly tasks?: Given<readonly NewTask[]>;
}
interface NewTask {
  readonly externalTaskId: string;
  readonly strategyId?: Given<string>;
  readonly status?: Given<string>;
  readonly params?: CreateInput['params'];
}
interface CreateTaskInput extends NewTask {
  readonly gameId: string;
}
interface PatchTaskInput extends Pick<PatchInput, 'id' | 'strategyId' | 'expectedVersion' | 'params'> {
  readonly externalTaskId?: Given<string>;
  readonly status?: Given<string>;
}
interface CopyTaskInput {
  readonly id: string;
  readonly externalTaskId: string;
  readonly gameId?: Given<string>;
}
interface Change {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}
interface PatchInput {
  readonly id: string;
  readonly externalGameId?: Given<string>;
  readonly platform?: Given<string>;
  readonly strategyId?: Given<string>;
  readonly expectedVersion?: Given<string>;
  readonly params?: Given<{
    readonly add?: CreateInput['params'];
    readonly update?: Given<readonly { id: string; key?: Given<string>; value?: Given<string> }[]>;
    readonly remove?: Given<readonly string[]>;
  }>;
}
interface DeleteInput {
  readonly id: string;
  readonly expectedVersion?: Given<string>;
}
interface CopyInput {
  readonly id: string;
  readonly externalGameId: string;
}
interface BulkInput {
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly ids?: Given<readonly string[]>;
  readonly tasks: boolean;
  readonly atMost?: Given<number>;
}

const isInstant = (field: string): boolean => field === 'createdAt' || field === 'updatedAt';
const isGoodName = (name: string): boolean => /^[A-Za-z0-9_-]{3,60}$/.test(name);
const isGoodTaskName = (name: string): boolean =>
  !hasBrokenText(name) && name !== '' && [...name].length <= 200;
const isGoodStatus = (status: string): boolean => status === 'open' || status === 'closed';
const isGoodPlatform = (platform: string): boolean =>
  !hasBrokenText(platform) && platform !== '' && [...platform].length <= 100;

function params(rows: readonly ParamRow[], parentId: string): ParamRow[] {
  return sorted(
    rows.filter((param) => param.parentId === parentId),
    oldestFirst,
  );
}

function latest(awards: readonly AwardRow[]): string | null {
  return awards.reduce<string | null>(
    (last, { createdAt }) => (createdAt !== null && createdAt > (last ?? '') ? createdAt : last),
    null,
  );
}

/** @throws BAD_USER_INPUT for a field that is given twice */
function ordering<Row extends { readonly id: string }>(
  orderBy: PageArgs['orderBy'],
  columns: Readonly<Record<string, (row: Row) => Value>>,
): { sorting: Sorting<Row>; order: unknown } {
  const order = orderBy?.length ? orderBy : [{ field: 'CREATED_AT', direction: 'DESC' }];
  if (new Set(order.map(({ field }) => field)).size < order.length) throw badInput();
  const sorting: Sorting<Row> = [
    ...order.map(({ field, direction }) => [columns[field] as (row: Row) => Value, direction] as const),
    [({ id }) => id, order.at(-1)?.direction ?? 'ASC'],
  ];
  return { sorting, order: order.map(({ field, direction }) => [field, direction]) };
}
