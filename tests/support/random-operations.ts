import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { KnownCursor, Opaque } from './opaque.js';
import { BUILT_INS, STATUSES, TEXTS, TIMES, type Rows } from './oracle-rows.js';
import type { Question } from './oracle.js';
import type { Random } from './random.js';

// Operations drawn at random from the schema: mostly such as a client would send, some that must be refused.

/** A document whose variables are drawn anew each time. */
export interface RandomDocument {
  /** Name of the caller whose cursors stand in it, if there are any. */
  readonly caller: string | null;
  /** One more way to ask it. */
  ask(): Question;
}

type Field = GraphQLField<unknown, unknown>;
/** Draws a value; undefined is not given. */
type Draw = () => unknown;

/** A named fragment that may be used again. */
interface Fragment {
  readonly name: string;
  readonly type: string;
}

/** Where a selection stands. */
interface Place {
  readonly depth: number;
  /** How many objects there may be of what is selected. */
  readonly count: number;
}

/** Ends the name of what a text is for, where a part of it is wanted. */
const PART = '~';
const OPERATORS = ['eq', 'ne', 'in', 'notIn', 'gt', 'gte', 'lt', 'lte', 'startsWith', 'contains'];
const INHERITING = new Set([...OPERATORS, 'containsInsensitive', 'isNull']);
/** What the ids of inputs are of, where not of games. */
const IDS: Readonly<Record<string, string>> = {
  GameParamUpdate: 'remove',
  PatchTaskInput: 'taskId',
  DeleteTaskInput: 'taskId',
  DuplicateTaskInput: 'taskId',
};
const PAGE_ARGUMENTS = new Set(['first', 'last', 'after', 'before', 'filter', 'orderBy']);
const MUTATIONS = [
  ...['createGame', 'patchGame', 'deleteGame', 'duplicateGame'],
  ...['createTask', 'patchTask', 'deleteTask', 'duplicateTask', 'bulkUpdateStrategyId'],
];
const NODE_TYPES = ['Game', 'Task', 'Strategy', 'StrategyReassignment'];
/** What the oracle has no answer for. */
const UNKNOWN = new Set(['_sdl', 'sdl']);
/** More pages of leaderboards of one object are refused. */
const MOST_LEADERBOARDS = 5;
const MOST_DEPTH = 6;
/** Most objects that one field may ask for; costly operations are refused. */
const MOST_COUNT = 300;

/** Texts of instants that clients may send, with what they mean. */
export function instantTexts(): Map<string, string> {
  const texts = new Map<string, string>();
  for (const utc of TIMES) {
    if (utc === null) continue;
    texts.set(utc, utc);
    texts.set(utc.toLowerCase(), utc);
    texts.set(utc.replace(/\.?0*Z$/, 'Z'), utc);
    // Two hours later where it is two hours later.
    const there = new Date(Date.parse(utc) + 2 * 60 * 60_000).toISOString().slice(0, 19);
    texts.set(`${there}${utc.slice(19, 26)}+02:00`, utc);
  }
  return texts;
}

const NO_INSTANTS = [
  '',
  'yesterday',
  '2026-02-30T00:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.1234567Z',
];
const NO_IDS = ['x', '', 'custom:', '0', '00000000-0000-4000-8000-00000000000', "'; --"];

export class RandomOperations {
  readonly #texts: Readonly<Record<string, readonly string[]>>;
  readonly #gameIds: readonly string[];

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly rows: Rows,
    private readonly opaque: Opaque,
    private readonly random: Random,
  ) {
    const ids = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);
    const given = (list: readonly (string | null)[]): string[] => list.filter((text) => text !== null);
    this.#gameIds = ids(rows.games);
    const strategyIds = [
      ...Object.keys(BUILT_INS),
      ...ids(rows.definitions).map((id) => `custom:${id}`),
      ...['no-such', 'custom:x', ''],
    ];
    this.#texts = {
      id: this.#gameIds,
      ids: this.#gameIds,
      gameId: this.#gameIds,
      taskId: ids(rows.tasks),
      externalGameId: [
        ...given(rows.games.map(({ externalGameId }) => externalGameId)),
        ...Array<string>(80).fill('new-game'),
        ...['new', 'no', 'bad name', 'x'.repeat(61)],
      ],
      externalTaskId: [...TEXTS, 'task-0', 'task-1', 'task-2', 'lost'],
      platform: [...TEXTS, 'x'.repeat(101)],
      status: STATUSES,
      name: ['family', 'Family', '😀', '\uFB00', ...Object.keys(BUILT_INS)],
      strategyId: strategyIds,
      oldStrategyId: [...strategyIds, 'default'],
      newStrategyId: [...strategyIds, ...Object.keys(BUILT_INS)],
      ownerApiKey: [...new Set(given(rows.games.map(({ apiKey }) => apiKey)))],
      ownerOauthUserId: [...new Set(given(rows.games.map(({ oauthUserId }) => oauthUserId)))],
      createdAt: [...instantTexts().keys()],
      updatedAt: [...instantTexts().keys()],
      remove: ids([...rows.gameParams, ...rows.taskParams]),
      node: [
        ...[rows.games, rows.tasks, rows.reassignments].flatMap((list) => ids(list).slice(0, 60)),
        ...strategyIds,
      ],
      ...{ key: TEXTS, value: TEXTS, expectedVersion: ['another'] },
    };
  }

  /** Draws until the document is valid; seldom leaves one that is not. */
  document(): RandomDocument {
    for (;;) {
      const draft = new Draft(this.schema, this.opaque, this.random, {
        text: (context) => this.#text(context),
        patch: (input) => this.#aimed(input),
      });
      const text = draft.write();
      const isValid = this.random.chance(0.02) || isValidDocument(this.schema, text);
      if (isValid) return draft.finished(text);
    }
  }

  /** A text that fits the place that it is for, mostly. */
  #text(context: string): string {
    const { random } = this;
    const isId = ['id', 'ids', 'gameId', 'taskId', 'node', 'remove'].includes(context);
    if (random.chance(0.01)) return random.pick(['\0', 'a\0b', '\uD800']);
    if (isId && random.chance(0.08))
      return random.pick([...NO_IDS, random.uuid(), random.pick(this.#gameIds).toUpperCase()]);
    if (['createdAt', 'updatedAt'].includes(context) && random.chance(0.03)) return random.pick(NO_INSTANTS);
    if (context === 'expectedVersion') {
      return this.opaque.textOf(this.opaque.version(random.pick(this.#gameIds))) ?? 'another';
    }
    return random.pick(this.#texts[context] ?? TEXTS);
  }

  /** A patch or a deletion whose other parts belong to its game or task, mostly. */
  #aimed(input: Record<string, unknown>): Record<string, unknown> {
    const { random, opaque } = this;
    const id = input['id'];
    if (typeof id !== 'string') return input;
    const aimed = { ...input };
    const version = opaque.textOf(opaque.version(id));
    if (isGiven(input['expectedVersion']) && version !== undefined && random.chance(0.7)) {
      aimed['expectedVersion'] = version;
    }
    const game = this.rows.games.find((row) => row.id === id);
    if (isGiven(input['platform']) && random.chance(0.2)) aimed['platform'] = game?.platform ?? null;
    const stored = [...this.rows.gameParams, ...this.rows.taskParams];
    const own = random.shuffled(stored.filter(({ parentId }) => parentId === id));
    const patch = input['params'] as
      { update?: { id: string }[] | null; remove?: string[] | null } | null | undefined;
    if (!isGiven(patch) || own.length === 0 || random.chance(0.2)) return aimed;
    const next = (): string => (own.pop() ?? random.pick(stored)).id;
    aimed['params'] = {
      ...patch,
      ...(patch?.update ? { update: patch.update.map((item) => ({ ...item, id: next() })) } : {}),
      ...(patch?.remove ? { remove: patch.remove.map(next) } : {}),
    };
    return aimed;
  }
}

const isGiven = (value: unknown): boolean => value !== null && value !== undefined;

function isValidDocument(schema: GraphQLSchema, text: string): boolean {
  try {
    return validate(schema, parse(text)).length === 0;
  } catch {
    // A text that a document cannot hold: seldom enough to be sent.
    return true;
  }
}

interface Values {
  readonly text: (context: string) => string;
  readonly patch: (input: Record<string, unknown>) => Record<string, unknown>;
}

/** One document while it is written. */
class Draft {
  #variables: { readonly declaration: string; readonly name: string; readonly draw: Draw }[] = [];
  readonly #all: { readonly name: string; readonly draw: Draw }[] = [];
  #fragments: Fragment[] = [];
  readonly #definitions: string[] = [];
  readonly #operations: string[] = [];
  #names = 0;
  #caller: string | null = null;
  #leaderboards = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly opaque: Opaque,
    private readonly random: Random,
    private readonly values: Values,
  ) {}

  write(): string {
    const { random } = this;
    const isOne = random.chance(0.85);
    const operations = isOne
      ? [this.#operation(random.chance(0.3))]
      : [this.#operation(true), this.#operation(true)];
    return random.shuffled([...operations, ...this.#definitions]).join('\n');
  }

  finished(document: string): RandomDocument {
    const { random } = this;
    return {
      caller: this.#caller,
      ask: () => {
        const drawn = this.#all.map(({ name, draw }) => [name, draw()] as const);
        const named = random.pick(this.#operations.length > 0 ? this.#operations : ['']);
        const isNamed = this.#operations.length > 1 || random.chance(0.3);
        return {
          document,
          operationName: random.chance(0.01) ? 'NoSuch' : isNamed && named !== '' ? named : null,
          variables: Object.fromEntries(drawn.filter(([, value]) => value !== undefined)),
        };
      },
    };
  }

  #name(prefix: string): string {
    this.#names++;
    return `${prefix}${this.#names}`;
  }

  /** Variables and fragments are the operation's own; only the document is shared. */
  #operation(isNamed: boolean): string {
    const { random, schema } = this;
    this.#variables = [];
    this.#fragments = [];
    const isMutation = random.chance(0.15);
    const type = (isMutation ? schema.getMutationType() : schema.getQueryType()) as GraphQLObjectType;
    const roots = Object.values(type.getFields()).filter(({ name }) =>
      isMutation ? MUTATIONS.includes(name) : !UNKNOWN.has(name),
    );
    const place = { depth: 0, count: 1 };
    const parts = Array.from({ length: 1 + random.below(3) }, () => {
      const draw = random.next();
      if (!isMutation && draw < 0.25) return this.#followed(type);
      if (!isMutation && draw < 0.3) return this.#introspection();
      return this.#field(type, random.pick(roots), place);
    });
    if (random.chance(0.1)) parts.push('__typename');
    const selection = random.chance(0.15) ? this.#spread(type.name, parts.join(' ')) : parts.join(' ');
    const declared = this.#variables.map(({ declaration }) => declaration).join(' ');
    const name = isNamed ? this.#name('Operation') : '';
    if (isNamed) this.#operations.push(name);
    const head = `${isMutation ? 'mutation' : 'query'} ${name} ${declared && `(${declared})`}`;
    return `${head} { ${selection} }`;
  }

  #introspection(): string {
    return this.random.pick([
      '__schema { queryType { name } mutationType { kind name } }',
      '__type(name: "Game") { name kind ofType { name } }',
      'node: __type(name: "Node") { kind name }',
      '__type(name: "NoSuch") { name }',
    ]);
  }

  /** A cursor that the server has given, used at its own list. */
  #followed(query: GraphQLObjectType): string {
    const { random, schema } = this;
    const lists = connectionsOf(schema)
      .map(([name, type, field]) => ({ type, field, known: this.#knownOf(name) }))
      .filter(({ known }) => known.length > 0);
    if (lists.length === 0) return 'viewer { isAdmin }';
    const { type, field, known } = random.pick(lists);
    const cursor = random.pick(known);
    this.#caller = cursor.list.caller;
    const text = this.#field(type, field, { depth: 2, count: 2 }, cursor);
    if (type === query) return text;
    const { parentId } = cursor.list;
    const node = query.getFields()['node'] as Field;
    const id = this.#value((node.args[0] as GraphQLArgument).type, () => parentId, 0.5);
    return `${this.#name('f')}: node(id: ${id}) { __typename${this.#directive()} ... on ${type.name} { ${text} } }`;
  }

  // ---- What is selected.

  #selection(typeName: string, place: Place): string {
    const { random, schema } = this;
    const type = schema.getType(typeName);
    if (isAbstractType(type)) {
      const isNode = typeName === 'Node';
      const possible = schema.getPossibleTypes(type).map(({ name }) => name);
      const parts = [...random.some(possible, 4), ...(random.chance(0.2) ? ['Node'] : [])].map((name) =>
        this.#spread(name, name === 'Node' ? 'id __typename' : this.#fields(name, place)),
      );
      if (isNode && random.chance(0.5)) parts.push(random.chance(0.2) ? `${this.#name('f')}: id` : 'id');
      if (parts.length === 0 || random.chance(0.5)) parts.push('__typename');
      return `{ ${random.shuffled(parts).join(' ')} }`;
    }
    return `{ ${this.#fields(typeName, place)} }`;
  }

  #fields(typeName: string, place: Place): string {
    const { random, schema } = this;
    const type = schema.getType(typeName) as GraphQLObjectType;
    const fields = Object.values(type.getFields()).filter(
      ({ name, type: of }) =>
        !UNKNOWN.has(name) && (place.depth < MOST_DEPTH || isLeafType(getNamedType(of))),
    );
    if (fields.length === 0) return '__typename';
    const parts = Array.from({ length: 1 + random.below(4) }, () => {
      if (random.chance(0.06))
        return `${random.chance(0.5) ? '' : `${this.#name('f')}: `}__typename${this.#directive()}`;
      const known = random.pick([...this.#fragments, null]);
      if (known?.type === typeName && random.chance(0.5)) return `...${known.name}${this.#directive()}`;
      const text = this.#field(type, random.pick(fields), place);
      return random.chance(0.12) ? this.#spread(random.chance(0.8) ? typeName : null, text) : text;
    });
    return parts.join(' ');
  }

  /** The same fields, by a fragment. */
  #spread(typeName: string | null, fields: string): string {
    const { random } = this;
    if (typeName === null) return `...${this.#directive()} { ${fields} }`;
    if (random.chance(0.6)) return `... on ${typeName}${this.#directive()} { ${fields} }`;
    const name = this.#name('F');
    this.#definitions.push(`fragment ${name} on ${typeName} { ${fields} }`);
    // Used several times, it would ask for its leaderboards several times.
    if (!fields.includes('leaderboard') && !/\.\.\.F/.test(fields))
      this.#fragments.push({ name, type: typeName });
    return `...${name}${this.#directive()}`;
  }

  #directive(): string {
    const { random } = this;
    if (!random.chance(0.1)) return '';
    const type = this.schema.getDirective('skip')?.args[0]?.type as GraphQLInputType;
    const draw = (): boolean => random.chance(0.5);
    const value = random.chance(0.7) ? this.#variable(type, draw, false) : String(draw());
    return ` @${random.pick(['skip', 'include'])}(if: ${value})`;
  }

  #field(type: GraphQLObjectType, field: Field, place: Place, cursor?: KnownCursor): string {
    const { random } = this;
    if (field.name === 'leaderboard' && ++this.#leaderboards > MOST_LEADERBOARDS) return '__typename';
    const isConnection = field.args.some(({ name }) => name === 'first');
    const { text: args, size } = isConnection
      ? this.#pageArguments(`${type.name}.${field.name}`, field, place, cursor)
      : { text: this.#arguments(type, field), size: isListType(bare(field.type)) ? 5 : 1 };
    const isRenamed = random.chance(field.args.length > 0 ? 0.7 : 0.15);
    const name = isRenamed
      ? `${random.chance(0.9) ? this.#name('f') : random.pick(['a', 'b'])}: ${field.name}`
      : field.name;
    const write = (): string => {
      const of = getNamedType(field.type);
      const below = isLeafType(of)
        ? ''
        : ` ${this.#selection(of.name, { depth: place.depth + 1, count: place.count * size })}`;
      return `${name}${args}${this.#directive()}${below}`;
    };
    // Asked for twice, what is below is merged.
    return random.chance(0.06) ? `${write()} ${write()}` : write();
  }

  // ---- What is given.

  #arguments(type: GraphQLObjectType, field: Field): string {
    const { random } = this;
    const given = field.args.flatMap((argument) => {
      const { name } = argument;
      const draw = this.#argumentDraw(type, field, name, argument.type);
      return [`${name}: ${this.#value(argument.type, draw, name === 'input' ? 0.6 : 0.35)}`];
    });
    return given.length > 0 ? `(${random.shuffled(given).join(', ')})` : '';
  }

  #argumentDraw(type: GraphQLObjectType, field: Field, name: string, of: GraphQLInputType): Draw {
    const { random, values } = this;
    if (name === 'input') return () => this.#input(of);
    if (name === 'representations')
      return () => Array.from({ length: random.below(4) }, () => this.#representation());
    const isNode = field.name === 'node' || field.name === 'nodes';
    const context = isNode
      ? 'node'
      : field.name === 'strategy' && type.name === 'Query'
        ? 'strategyId'
        : name;
    if (name !== 'ids') return () => values.text(context);
    return () => {
      const ids = Array.from({ length: random.below(6) }, () => values.text(context));
      return random.chance(0.2) ? [...ids, ...ids] : ids;
    };
  }

  #representation(): unknown {
    const { random, values } = this;
    if (random.chance(0.03))
      return random.pick([{ __typename: 'StrategyReassignment', id: 'x' }, { __typename: 'Game' }, 'Game']);
    const type = random.pick(['Game', 'Task', 'Strategy']);
    return {
      __typename: type,
      id: values.text(type === 'Game' ? 'id' : type === 'Task' ? 'node' : 'strategyId'),
    };
  }

  #input(type: GraphQLInputType): unknown {
    const drawn = this.#draw(type, '', 0) as Record<string, unknown>;
    return this.values.patch(drawn);
  }

  /** Arguments of a page, and how many rows they ask for. */
  #pageArguments(
    list: string,
    field: Field,
    place: Place,
    cursor?: KnownCursor,
  ): { text: string; size: number } {
    const { random } = this;
    const known = this.#knownOf(list);
    const followed = cursor ?? (known.length > 0 && random.chance(0.15) ? random.pick(known) : undefined);
    const most = Math.max(1, Math.floor(MOST_COUNT / place.count));
    const size = most < 20 || random.chance(0.7) ? Math.min(random.pick([1, 2, 3, 5, 20, 100]), most) : 0;
    const page: Record<string, Draw> = {};
    const end = random.pick(['first', 'last']);
    if (size > 0) page[end] = () => size;
    if (followed) {
      // Cursors of other lists, callers and orders come with the variables' other values.
      const sameList = known.filter((other) => other.list.key === followed.list.key);
      const text = (): string =>
        (random.chance(0.9)
          ? random.pick([followed, ...sameList])
          : random.pick(known.length > 0 ? known : [followed])
        ).text;
      const sides = random.chance(0.2) ? ['after', 'before'] : [random.pick(['after', 'before'])];
      for (const side of sides) page[side] = text;
    } else if (random.chance(0.06)) {
      Object.assign(page, this.#badPage());
    }
    for (const name of ['filter', 'orderBy']) {
      const argument = field.args.find((other) => other.name === name);
      if (argument === undefined) continue;
      const stored = followed?.list.args[name];
      if (followed && random.chance(0.95)) {
        if (stored !== undefined) page[name] = () => stored;
      } else if (random.chance(0.35)) {
        page[name] =
          name === 'filter' ? () => this.#draw(argument.type, '', 0) : () => this.#orders(argument.type);
      }
    }
    const texts = Object.entries(page).flatMap(([name, draw]) => {
      const argument = field.args.find((other) => other.name === name);
      return argument && PAGE_ARGUMENTS.has(name)
        ? [`${name}: ${this.#value(argument.type, draw, 0.3)}`]
        : [];
    });
    const text = texts.length > 0 ? `(${random.shuffled(texts).join(', ')})` : '';
    // A variable that is not given leaves the default.
    return { text, size: Math.max(size, text.includes('$') || size === 0 ? 20 : 1) };
  }

  /** Cursors for a field: mostly those of one caller. */
  #knownOf(field: string): readonly KnownCursor[] {
    const known = this.opaque.knownOf(field);
    const isMixed = this.#caller === null || this.random.chance(0.05);
    return isMixed ? known : known.filter(({ list }) => list.caller === this.#caller);
  }

  /** What must be refused. */
  #badPage(): Record<string, Draw> {
    return this.random.pick<Record<string, Draw>>([
      { first: () => 0 },
      { last: () => -1 },
      { first: () => 101 },
      { last: () => 101 },
      { first: () => 2, last: () => 2 },
      { after: () => this.random.pick(['garbage', '', 'WyJ4Il0', '\0']) },
      { before: () => 'bm90aGluZw' },
      { first: () => null, last: () => null, after: () => null, before: () => null },
    ]);
  }

  /** Mostly each field once. */
  #orders(type: GraphQLInputType): unknown {
    const orders = this.#draw(type, '', 0);
    if (!Array.isArray(orders) || this.random.chance(0.1)) return orders;
    const seen = new Map((orders as { field: string }[]).map((order) => [order.field, order]));
    return [...seen.values()];
  }

  /** Any value of an input type; `context` is what it is for. */
  #draw(type: GraphQLInputType, context: string, depth: number): unknown {
    const { random, values } = this;
    if (isNonNullType(type)) return this.#draw(type.ofType, context, depth);
    if (isListType(type)) {
      const length = random.below(depth > 2 ? 2 : 4);
      return Array.from({ length }, () => this.#draw(type.ofType, context, depth));
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type))
      return this.#drawObject(Object.values(type.getFields()), type.name, context, depth);
    if (type.name === 'Boolean') return random.chance(0.5);
    if (type.name === 'Int') return random.pick([0, 1, 5, 1_000, -1]);
    const text = values.text(context.replace(PART, ''));
    return context.endsWith(PART) ? [...text].slice(random.below(3), 1 + random.below(6)).join('') : text;
  }

  #drawObject(
    fields: readonly GraphQLInputField[],
    typeName: string,
    context: string,
    depth: number,
  ): object {
    const { random } = this;
    const isFilter = typeName.endsWith('Filter');
    const optional = isFilter ? random.some(fields, 3) : fields.filter(() => random.chance(0.45));
    const chosen = fields.filter((field) => isNonNullType(field.type) || optional.includes(field));
    return Object.fromEntries(
      chosen.flatMap((field) => {
        const { name } = field;
        // Nothing may ever be written: the rows in memory must stay true.
        if (name === 'dryRun') return [[name, true]];
        if (['and', 'or', 'not'].includes(name) && depth > 2) return [];
        if (typeName === 'GameOrder' || typeName === 'TaskOrder') {
          if (name === 'direction' && random.chance(0.3)) return random.chance(0.05) ? [[name, null]] : [];
        } else if (!isNonNullType(field.type) && random.chance(0.05)) return [[name, null]];
        const own = name === 'id' ? (IDS[typeName] ?? name) : name;
        const of = INHERITING.has(name) ? context + (/^(starts|contains)/.test(name) ? PART : '') : own;
        return [[name, this.#draw(field.type, of, depth + 1)]];
      }),
    );
  }

  /** A value in a document: as it is, or by a variable. */
  #value(type: GraphQLInputType, draw: Draw, share: number): string {
    return this.random.chance(share) ? this.#variable(type, draw) : this.#literal(type, draw(), true);
  }

  /** @param hasDefault whether the place of the variable has a value when there is none */
  #variable(type: GraphQLInputType, draw: Draw, hasDefault = false): string {
    const { random } = this;
    const name = this.#name('v');
    const isRequired = isNonNullType(type);
    const nullable = isRequired ? type.ofType : type;
    const initial = random.chance(0.35) ? this.#literal(nullable, draw(), false) : null;
    // A default makes a nullable variable fit where null is not allowed.
    const mayBeNull = isRequired && (initial !== null || hasDefault);
    const declared = mayBeNull && random.chance(0.6) ? nullable : type;
    const declaration = `$${name}: ${String(declared)}${initial === null ? '' : ` = ${initial}`}`;
    const isOptional = initial !== null || !isNonNullType(declared);
    const drawn = (): unknown => {
      if (isOptional && random.chance(0.2)) return undefined;
      if (!isNonNullType(declared) && random.chance(0.1)) return null;
      return random.chance(0.01) ? { bad: [1] } : draw();
    };
    this.#variables.push({ name, declaration, draw: drawn });
    this.#all.push({ name, draw: drawn });
    return `$${name}`;
  }

  /** A value as documents write it. @param withVariables whether variables may stand within */
  #literal(type: GraphQLInputType, value: unknown, withVariables: boolean): string {
    if (value === null || value === undefined) return 'null';
    if (isNonNullType(type)) return this.#literal(type.ofType, value, withVariables);
    if (isListType(type)) {
      if (!Array.isArray(value)) return this.#literal(type.ofType, value, withVariables);
      return `[${value.map((item) => this.#literal(type.ofType, item, withVariables)).join(', ')}]`;
    }
    if (isEnumType(type)) return value as string;
    if (!isInputObjectType(type)) return untyped(value);
    const fields = type.getFields();
    const texts = Object.entries(value).map(([name, item]) => {
      const { type: of, defaultValue } = fields[name] as GraphQLInputField;
      const isVariable = withVariables && name !== 'dryRun' && this.random.chance(0.08);
      const hasDefault = defaultValue !== undefined;
      return `${name}: ${isVariable ? this.#variable(of, () => item, hasDefault) : this.#literal(of, item, withVariables)}`;
    });
    return `{ ${texts.join(', ')} }`;
  }
}

function untyped(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(untyped).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, item]) => `${key}: ${untyped(item)}`)
    .join(', ')} }`;
}

function bare(type: Field['type']): unknown {
  return isNonNullType(type) ? type.ofType : type;
}

/** All lists that are paged through, as the oracle calls them. */
function connectionsOf(schema: GraphQLSchema): [name: string, type: GraphQLObjectType, field: Field][] {
  return [schema.getQueryType()?.name ?? '', ...NODE_TYPES].flatMap((typeName) => {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields())
      .filter(({ args }) => args.some(({ name }) => name === 'first'))
      .map((field): [string, GraphQLObjectType, Field] => [`${typeName}.${field.name}`, type, field]);
  });
}
