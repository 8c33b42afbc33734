/**
 * Hostile requests, as data: what is sent, by whom, and what may come back. How much time, memory and bytes an answer
 * may take is the same for all of them (`limits.ts`), so an entry says what is allowed only where it can be said: an
 * operation that would cost too much may be refused, or answered within the limits.
 *
 * Bodies have up to 100,000 bytes and documents up to 5,000 tokens, because the server reads no more than that.
 */
import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  get,
  gql,
  json,
  letters,
  nested,
  times,
  type Allowed,
  type Attack,
  type Kind,
  type Shot,
} from './attack.ts';
import { BROAD, DATA, idOf, LARGE_PARAM, manyIds, MILLION, PARAMS } from './ids.ts';

/** Within the limits of the server, or not. */
const ANSWERED_OR_REFUSED: readonly Allowed[] = ['200', '200 LIMIT_EXCEEDED', '400 LIMIT_EXCEEDED'];
const REFUSED: readonly Allowed[] = ['400 LIMIT_EXCEEDED'];
/** What nobody in particular may be told of an operation that needs a credential. */
const ANONYMOUS: readonly Allowed[] = ['401 UNAUTHENTICATED', '400 LIMIT_EXCEEDED'];
const INVALID: readonly Allowed[] = ['400 GRAPHQL_VALIDATION_FAILED', '400 LIMIT_EXCEEDED'];
const UNREADABLE: readonly Allowed[] = ['400 GRAPHQL_PARSE_FAILED', '400 LIMIT_EXCEEDED'];
const BAD_VALUE: readonly Allowed[] = ['200 BAD_USER_INPUT', '400 BAD_USER_INPUT', '400 LIMIT_EXCEEDED'];
const BAD_REQUEST: readonly Allowed[] = ['400 BAD_REQUEST'];
const TOO_LARGE: readonly Allowed[] = ['413 LIMIT_EXCEEDED', 'closed'];

/** Many clients of one caller take turns: who waits too long is told when to come again. */
const IN_TURNS: Allowed = '503 SERVICE_UNAVAILABLE';

type Entry = Omit<Attack, 'kind' | 'as'> & Partial<Pick<Attack, 'as'>>;

/** Attacks of one kind, by the owner of the large data unless an entry says otherwise. */
const of = (kind: Kind, ...entries: readonly Entry[]): Attack[] =>
  entries.map((entry) => ({ as: 'owner', ...entry, kind }));

/** One document, the same each time. */
const document = (query: string, variables?: unknown, more?: Readonly<Record<string, unknown>>) => (): Shot =>
  gql(query, variables, more);

/** Names that no other round has, so that nothing is known of the document. */
const tag = (round: number, client = 0): string => `r${round}c${client}_`;

const PAGE = '{ games(first: 20) { nodes { id externalGameId platform createdAt } } }';
/** Everything that can be asked of a game, in pages of this size. */
const everything = (size: number): string => `
  id externalGameId platform strategyId createdAt updatedAt version owner { apiKey oauthUserId }
  params { id key value } strategy { id name versions { id name version } }
  tasks(first: ${size}) { totalCount pageInfo { hasNextPage endCursor }
    nodes { id externalTaskId status createdAt params { id key value } strategy { id name } } }
  leaderboard(first: ${size}) { totalCount nodes { rank externalUserId points timesAwarded lastAwardedAt } }`;

const INTROSPECTION = `query IntrospectionQuery { __schema { queryType { name } mutationType { name }
  types { ...FullType } directives { name description locations args { ...InputValue } } } }
  fragment FullType on __Type { kind name description
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { ${nested(7, 'kind name ofType { ', 'kind name', ' }')} }`;

/** What ordinary clients send. If this breaks, a defence is worth nothing. */
const usual = of(
  'usual',
  {
    id: 'usual-page',
    title: 'a page of 20 games',
    shot: document(PAGE),
    allowed: ['200'],
  },
  {
    id: 'usual-large-page',
    title: 'a page of 100 games, each with a page of 20 tasks and their params',
    shot: document(
      '{ games(first: 100) { totalCount nodes { id version tasks(first: 20) { nodes { id params { value } } } } } }',
    ),
    allowed: ['200'],
  },
  {
    id: 'usual-introspection',
    title: 'the introspection of code generators and GraphiQL',
    as: 'nobody',
    shot: document(INTROSPECTION),
    allowed: ['200'],
  },
  {
    id: 'usual-gateway-schema',
    title: 'the schema, as gateways ask for it',
    as: 'nobody',
    shot: document('{ _sdl _service { sdl } }'),
    allowed: ['200'],
  },
  {
    id: 'usual-ids',
    title: 'a thousand games by their ids, as a data loader asks for them',
    as: 'mover',
    shot: () => gql('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id version } }', { ids: manyIds(1_000) }),
    allowed: ['200'],
  },
  {
    id: 'usual-entities',
    title: 'a hundred games by their keys, as a federated gateway asks for them',
    shot: () =>
      gql(
        'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Game { id params { key value } tasks(first: 10) { totalCount } } } }',
        {
          r: Array.from({ length: DATA.broad.games }, (_, index) => ({
            __typename: 'Game',
            id: idOf('game', DATA.broad.firstGame + index),
          })),
        },
      ),
    allowed: ['200'],
  },
  {
    id: 'usual-leaderboard',
    title: 'one leaderboard of a million points',
    shot: document(
      'query ($id: ID!) { game(id: $id) { leaderboard(first: 20) { totalCount nodes { rank externalUserId points } } } }',
      { id: MILLION },
    ),
    allowed: ['200'],
  },
  {
    id: 'usual-params',
    title: 'the params of a game that has 4.75 MB of them',
    shot: document('query ($id: ID!) { game(id: $id) { params { key value } } }', { id: PARAMS }),
    allowed: ['200'],
  },
  {
    id: 'usual-filter',
    title: 'a filter of a few conditions and a thousand ids',
    as: 'mover',
    shot: () =>
      gql('query ($f: GameFilter) { games(filter: $f) { totalCount nodes { id } } }', {
        f: { and: [{ id: { in: manyIds(1_000) } }, { not: { platform: { eq: 'ios' } } }] },
      }),
    allowed: ['200'],
  },
);

/** Documents that are small as they are sent, and large when their fragments are unfolded. */
const unfoldedBy = (outer: number, inner: number, field: string, head = ''): string =>
  `${head} { ${times(outer, '...G')} } fragment G on Query { ${times(inner, '...F')} } fragment F on Query { ${field} }`;

const unfolding = of(
  'unfolding',
  {
    id: 'unfold-literal-filter',
    title: '3,200 times a filter of 2,200 empty conditions, by two fragments',
    shot: document(
      unfoldedBy(32, 100, `games(first: 100, filter: { or: [${times(2_200, '{}', '')}] }) { totalCount }`),
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-anonymous',
    title: 'the same by nobody',
    as: 'nobody',
    shot: document(
      unfoldedBy(32, 100, `games(first: 99, filter: { or: [${times(2_200, '{}', '')}] }) { totalCount }`),
    ),
    allowed: ANONYMOUS,
  },
  {
    id: 'unfold-variable-filter',
    title: '3,200 times a filter of 30,000 empty conditions from a variable',
    shot: () =>
      gql(unfoldedBy(32, 100, 'games(first: 100, filter: $f) { totalCount }', 'query ($f: GameFilter)'), {
        f: { or: Array.from({ length: 30_000 }, () => ({})) },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-order',
    title: '3,200 times an order of 800 levels',
    shot: document(
      unfoldedBy(32, 100, `games(orderBy: [${times(800, '{ field: PLATFORM }', '')}]) { totalCount }`),
    ),
    allowed: ['200 BAD_USER_INPUT', ...ANSWERED_OR_REFUSED],
  },
  {
    id: 'unfold-order-variable',
    title: '4,900 times an order of 3,500 levels from a variable',
    shot: () =>
      gql(unfoldedBy(70, 70, 'games(first: 1, orderBy: $o) { totalCount }', 'query ($o: [GameOrder!])'), {
        o: Array.from({ length: 3_500 }, () => ({ field: 'PLATFORM' })),
      }),
    allowed: ['200 BAD_USER_INPUT', ...ANSWERED_OR_REFUSED],
  },
  {
    id: 'unfold-inline',
    title: 'fragments inside of inline fragments inside of fragments',
    shot: document(
      `{ ${times(60, '... on Query { ...G }')} } fragment G on Query { ${times(60, '... on Query { ... { ...F } }')} }
       fragment F on Query { games(filter: { or: [${times(1_800, '{}', '')}] }) { totalCount } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-chain',
    title: 'four fragments, each ten times in the next, over a filter of 2,000 conditions',
    shot: document(
      `{ ${times(10, '...A')} } fragment A on Query { ${times(10, '...B')} } fragment B on Query { ${times(10, '...C')} }
       fragment C on Query { ${times(10, '...D')} }
       fragment D on Query { games(filter: { or: [${times(2_000, '{}', '')}] }) { totalCount } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-ids',
    title: '3,200 times a list of 4,000 ids',
    shot: document(unfoldedBy(32, 100, `gamesByIds(ids: [${times(4_000, '1')}]) { id }`)),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-text',
    title: '3,200 times a text of 90,000 characters',
    shot: document(unfoldedBy(32, 100, `gameByExternalId(externalGameId: "${letters(90_000)}") { id }`)),
    allowed: ['200 NOT_FOUND', ...ANSWERED_OR_REFUSED],
  },
  {
    id: 'unfold-keys',
    title: '3,200 times a list of 400 keys of a gateway',
    shot: document(
      unfoldedBy(
        32,
        100,
        `_entities(representations: [${times(400, '{ __typename: "Game", id: "1" }')}]) { __typename }`,
      ),
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-below',
    title: 'fragments below a list: 2,500 times the same tasks, with an expensive filter',
    shot: document(
      `{ games(first: 1) { nodes { ${times(50, '...G')} } } } fragment G on Game { ${times(50, '...F')} }
       fragment F on Game { tasks(filter: { or: [${times(2_000, '{}', '')}] }) { totalCount } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'unfold-exponential',
    title: 'fragments that double thirty times',
    as: 'nobody',
    shot: document(
      `{ ...F0 } ${times(30, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F30 on Query { viewer { isAdmin } }`,
    ),
    allowed: ['200', '400 LIMIT_EXCEEDED'],
  },
  {
    id: 'unfold-exponential-aliases',
    title: 'fragments that double thirty times below a list',
    shot: document(
      `{ games { nodes { ...F0 } } } ${times(30, (n) => `fragment F${n} on Game { a${n}: strategy { name } ...F${n + 1} ... on Game { ...F${n + 1} } }`)}
       fragment F30 on Game { id }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
);

const schema = of(
  'schema',
  {
    id: 'sdl-service',
    title: 'the schema 9,600 times, by eight aliases of 1,200 aliases',
    as: 'nobody',
    shot: document(
      `{ ${times(8, (n) => `s${n}: _service { ...F }`)} } fragment F on _Service { ${times(1_200, (n) => `a${n}: sdl`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'sdl-service-flat',
    title: 'the schema 1,500 times, by aliases',
    as: 'nobody',
    shot: document(`{ _service { ${times(1_500, (n) => `a${n}: sdl`)} } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'sdl-service-50',
    title: 'the schema 500 times, by fifty aliases of ten',
    as: 'nobody',
    shot: document(`{ ${times(50, (n) => `s${n}: _service { ${times(10, (m) => `a${m}: sdl`)} }`)} }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'sdl-aliases',
    title: 'fifty aliases of the schema for stitching',
    as: 'nobody',
    shot: document(`{ ${times(50, (n) => `a${n}: _sdl`)} }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'sdl-compressed',
    title: 'fifty aliases of the schema, compressed, by eight clients',
    as: 'nobody',
    shot: (round, client) => ({
      ...gql(`{ ${times(50, (n) => `${tag(round, client)}${n}: _sdl`)} }`),
      headers: { 'accept-encoding': 'gzip' },
    }),
    clients: 8,
    rounds: 3,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-types',
    title: 'all types 300 times, by aliases, with their fields and arguments',
    as: 'nobody',
    shot: document(
      `{ __schema { ${times(300, (n) => `t${n}: types { ...T }`)} } }
       fragment T on __Type { name description fields { name description args { name description } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-schemas',
    title: 'the schema under fifty aliases, each with all types',
    as: 'nobody',
    shot: document(
      `{ ${times(50, (n) => `s${n}: __schema { types { ...T } }`)} }
       fragment T on __Type { name description fields { name description args { name description type { name } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-type-aliases',
    title: 'one type under fifty aliases, its fields under thirty',
    as: 'nobody',
    shot: document(
      `{ ${times(50, (n) => `t${n}: __type(name: "Query") { ...T }`)} }
       fragment T on __Type { ${times(30, (n) => `f${n}: fields { name description args { name description } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-descriptions',
    title: 'descriptions of all types, 1,500 times',
    as: 'nobody',
    shot: document(`{ __schema { types { ${times(1_500, (n) => `d${n}: description`)} } } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-argument-descriptions',
    title: 'descriptions of all arguments of all fields, 400 times',
    as: 'nobody',
    shot: document(
      `{ __schema { types { fields { args { ${times(400, (n) => `d${n}: description`)} } } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-circle',
    title: 'types of fields of types of fields',
    as: 'nobody',
    shot: document(
      `{ __schema { types { ${nested(4, 'fields { type { ', 'name', ' } }')} possibleTypes { fields { args { type { name } } } } } } }`,
    ),
    allowed: [...INVALID, '200'],
  },
  {
    id: 'introspect-wrappers',
    title: 'the type of a type, 17 levels deep, by 40 aliases',
    as: 'nobody',
    shot: document(
      `{ __schema { types { fields { ${times(40, (n) => `t${n}: type { ${nested(17, 'ofType { ', 'name', ' }')} }`)} } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'introspect-fragments',
    title: 'all types by fragments that double ten times',
    as: 'nobody',
    shot: document(
      `{ __schema { ...F0 } } ${times(10, (n) => `fragment F${n} on __Schema { a${n}: types { ...T } ...F${n + 1} ...F${n + 1} }`)}
       fragment F10 on __Schema { types { ...T } } fragment T on __Type { name description fields { name description } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'typename-aliases',
    title: '__typename under 1,600 names at the root',
    as: 'nobody',
    shot: document(`{ ${times(1_600, (n) => `a${n}: __typename`)} }`),
    allowed: ANSWERED_OR_REFUSED,
  },
);

/** Names that stand once in a request and often in what the server makes of it. */
const names = of(
  'names',
  {
    id: 'alias-in-tasks',
    title: 'an alias of 89,600 letters at 6,000 tasks',
    shot: document(
      `{ games(first: 100) { nodes { tasks(first: 100) { nodes { ${letters(89_600)}: id } } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-games',
    title: 'an alias of 89,600 letters at 100 games, as nodes and as edges',
    shot: document(
      `{ games(first: 100) { nodes { ...F } edges { node { ...F } } } } fragment F on Game { ${letters(89_600)}: id }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-of-list',
    title: 'twenty aliases of 4,000 letters at lists in lists',
    shot: document(
      `{ games(first: 100) { nodes { ${times(20, (n) => `${letters(4_000, 'b')}${n}: tasks(first: 20) { nodes { id } }`)} } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-many',
    title: 'a thousand aliases of 80 letters at 6,000 tasks',
    shot: document(
      `{ games(first: 100) { nodes { tasks(first: 100) { nodes { ${times(1_000, (n) => `${letters(80)}${n}: status`)} } } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-edges',
    title: 'an alias of 89,600 letters at the cursor of 6,000 tasks',
    shot: document(
      `{ games(first: 100) { nodes { tasks(first: 100) { edges { ${letters(89_600)}: cursor } } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-params',
    title: 'an alias of 89,600 letters at the params of 6,000 tasks',
    shot: document(
      `{ games(first: 100) { nodes { tasks(first: 100) { nodes { params { ${letters(89_600)}: key } } } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-by-ids',
    title: 'an alias of 50,000 letters at a thousand games by their ids',
    as: 'mover',
    shot: () =>
      gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${letters(50_000)}: id } }`, {
        ids: manyIds(1_000),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-versions',
    title: 'an alias of 89,600 letters at the strategies of games and their versions',
    shot: document(
      `{ games(first: 100) { nodes { strategy { versions { ${letters(89_600)}: name } } owner { ${letters(80)}: apiKey } } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-introspection',
    title: 'an alias of 89,600 letters at all fields of all types',
    as: 'nobody',
    shot: document(`{ __schema { types { fields { ${letters(89_600)}: name } } } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'alias-in-errors-by-ids',
    title: 'an alias of 50,000 letters in the paths of a thousand errors',
    as: 'mover',
    shot: () =>
      gql(
        `query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${letters(50_000)}: task(externalTaskId: "\\u0000") { id } } }`,
        { ids: manyIds(1_000) },
      ),
    allowed: [...BAD_VALUE, '200 LIMIT_EXCEEDED'],
  },
  {
    id: 'alias-in-errors',
    title: 'an alias of 80,000 letters in the path of an error',
    shot: document(`{ games(first: 100) { nodes { ${letters(80_000)}: tasks(first: 0) { totalCount } } } }`),
    allowed: [...BAD_VALUE, '200 LIMIT_EXCEEDED'],
  },
  {
    id: 'operation-name',
    title: 'a name of 90,000 letters for an operation',
    shot: document(`query ${letters(90_000, 'Q')} { viewer { apiKey } }`),
    rounds: 20,
    allowed: ANSWERED_OR_REFUSED,
    maxBytes: 1_000,
  },
  {
    id: 'operation-name-unknown',
    title: 'a name of 90,000 letters of which there is no operation',
    as: 'nobody',
    shot: document('query A { __typename } query B { __typename }', undefined, {
      operationName: letters(90_000),
    }),
    rounds: 5,
    allowed: ['400 OPERATION_RESOLUTION_FAILURE', '400 BAD_USER_INPUT', '400 LIMIT_EXCEEDED'],
    maxBytes: 200_000,
  },
  {
    id: 'variable-name',
    title: 'a variable of 90,000 letters that nobody uses',
    as: 'nobody',
    shot: document(`query ($${letters(90_000)}: Int) { viewer { isAdmin } }`),
    allowed: INVALID,
    maxBytes: 200_000,
  },
  {
    id: 'variable-name-undefined',
    title: 'a variable of 80,000 letters that nobody defines, at eighteen places',
    as: 'nobody',
    shot: document(
      `query ${letters(9_000, 'Q')} { viewer { ${times(18, (n) => `a${n}: isAdmin @skip(if: $${letters(4_900)})`)} } }`,
    ),
    allowed: INVALID,
    maxBytes: 500_000,
  },
  {
    id: 'enum-name',
    title: 'a value of 90,000 letters for an enum',
    shot: document(`{ games(orderBy: [{ field: ${letters(90_000, 'A')} }]) { totalCount } }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'argument-name',
    title: 'arguments of 4,500 letters at twenty fields',
    shot: document(`{ ${times(20, (n) => `a${n}: games(${letters(4_500)}: 1) { totalCount }`)} }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'input-field-name',
    title: 'a field of 90,000 letters in a filter',
    shot: document(`{ games(filter: { ${letters(90_000)}: { eq: "x" } }) { totalCount } }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'field-names',
    title: 'a thousand fields of 70 letters that nearly are ones',
    as: 'nobody',
    shot: document(`{ ${times(1_000, (n) => `strategyReassignmentsById${letters(40)}${n}`)} }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'field-names-similar',
    title: 'fields of 45,000 letters, for which similar ones are looked for',
    as: 'nobody',
    shot: document(`{ ${letters(45_000)} ${letters(45_000, 'g')} }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'fragment-name',
    title: 'a fragment of 80,000 letters that is not there, and that many unused ones',
    as: 'nobody',
    shot: document(
      `{ ...${letters(40_000)} } ${times(20, (n) => `fragment ${letters(2_000)}${n} on Query { __typename }`)}`,
    ),
    allowed: INVALID,
    maxBytes: 300_000,
  },
);

const BOARD = 'leaderboard(first: 1) { totalCount }';

const leaderboards = of(
  'leaderboards',
  {
    id: 'boards-through-tasks',
    title: 'ten aliases of the leaderboard of a million points, each once a task',
    shot: document(
      `query ($id: ID!) { ${times(10, (n) => `a${n}: game(id: $id) { tasks(first: 100) { nodes { game { ${BOARD} } } } }`)} }`,
      { id: MILLION },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-aliases',
    title: '45 aliases of the game, each with its leaderboard five times',
    shot: document(
      `query ($id: ID!) { ${times(45, (n) => `a${n}: game(id: $id) { ${times(5, (m) => `b${m}: leaderboard(first: 100) { totalCount pageInfo { hasNextPage } nodes { externalUserId } }`)} }`)} }`,
      { id: MILLION },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-node',
    title: 'twenty aliases of the leaderboard by the id of a node',
    shot: document(
      `query ($id: ID!) { ${times(20, (n) => `a${n}: node(id: $id) { ... on Game { ${BOARD} tasks { nodes { ${BOARD} } } } }`)} }`,
      { id: MILLION },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-nodes',
    title: 'the leaderboards of the million by the ids of its tasks as nodes',
    shot: () =>
      gql(
        `query ($ids: [ID!]!) { ${times(10, (n) => `a${n}: nodes(ids: $ids) { ... on Task { ${BOARD} game { ${BOARD} } } }`)} }`,
        {
          ids: Array.from({ length: DATA.million.tasks }, (_, index) =>
            idOf('task', DATA.million.game * 1_000 + 1 + index),
          ),
        },
      ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-entities',
    title: 'ten aliases of the leaderboard for a federated gateway, by the keys of game and tasks',
    shot: () =>
      gql(
        `query ($r: [_Any!]!) { ${times(10, (n) => `a${n}: _entities(representations: $r) { ... on Game { ${BOARD} } ... on Task { ${BOARD} game { ${BOARD} } } }`)} }`,
        {
          r: [
            ...Array.from({ length: 90 }, () => ({ __typename: 'Game', id: MILLION })),
            ...Array.from({ length: DATA.million.tasks }, (_, index) => ({
              __typename: 'Task',
              id: idOf('task', DATA.million.game * 1_000 + 1 + index),
            })),
          ],
        },
      ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-strategy',
    title: 'leaderboards of all games of a strategy, ten times',
    shot: document(
      `{ ${times(10, (n) => `a${n}: strategy(id: "default") { games(first: 100) { nodes { ${BOARD} } } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-strategy-tasks',
    title: 'leaderboards of games of tasks of a strategy of a game',
    shot: document(
      `query ($id: ID!) { game(id: $id) { strategy { tasks(first: 100) { nodes { ${BOARD} game { ${BOARD} } } } } } }`,
      { id: MILLION },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-tasks',
    title: 'leaderboards of the ten tasks, in pages of 100, five times each, ten times',
    shot: document(
      `query ($id: ID!) { ${times(10, (n) => `a${n}: game(id: $id) { tasks { nodes { ${times(5, (m) => `b${m}: leaderboard(first: 10) { totalCount nodes { externalUserId } }`)} } } }`)} }`,
      { id: MILLION },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-games',
    title: 'leaderboards of all games, fifty times',
    shot: document(`{ ${times(50, (n) => `a${n}: games(first: 100) { nodes { ${BOARD} } }`)} }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'boards-clients',
    title: 'the leaderboard of a million points, by forty clients at once',
    shot: document(
      'query ($id: ID!) { game(id: $id) { leaderboard(first: 100) { totalCount nodes { externalUserId } } } }',
      {
        id: MILLION,
      },
    ),
    clients: 40,
    allowed: [...ANSWERED_OR_REFUSED, IN_TURNS],
  },
  {
    id: 'counts',
    title: 'fifty counts of 100,000 games by a text that is looked for without case',
    as: 'mover',
    shot: document(
      `{ ${times(50, (n) => `a${n}: games(filter: { externalGameId: { containsInsensitive: "x${n}" } }) { totalCount }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'counts-deep',
    title: 'counts of 100,000 games, once for each of a page of games',
    as: 'mover',
    shot: document(
      '{ games(first: 100) { nodes { strategy { games(first: 1) { totalCount } tasks(first: 1) { totalCount } } } } }',
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'counts-strategies',
    title: 'counts of the games of all strategies and of all their versions, forty times',
    as: 'mover',
    shot: document(
      `{ ${times(40, (n) => `a${n}: strategies(first: 100) { nodes { games(first: 1) { totalCount } versions { games(first: 1) { totalCount } } } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'sorts',
    title: 'fifty pages of 100,000 games in orders that no index has',
    as: 'mover',
    shot: document(
      `{ ${times(50, (n) => `a${n}: games(first: ${n + 1}, orderBy: [{ field: PLATFORM }, { field: STRATEGY_ID, direction: DESC }, { field: EXTERNAL_GAME_ID }]) { nodes { id } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'leave-boards',
    title: 'ten leaderboards of a million points for a client that goes away after 0.3 s',
    shot: () => ({
      ...gql(`query ($id: ID!) { ${times(10, (n) => `a${n}: game(id: $id) { ${BOARD} }`)} }`, {
        id: MILLION,
      }),
      leaveAfterMs: 300,
    }),
    allowed: ['left', ...ANSWERED_OR_REFUSED],
    goneWithinMs: 1_000,
  },
  {
    id: 'leave-through-tasks',
    title: 'the leaderboard once a task for a client that goes away after 0.3 s, by five clients',
    shot: () => ({
      ...gql(`query ($id: ID!) { game(id: $id) { tasks(first: 100) { nodes { game { ${BOARD} } } } } }`, {
        id: MILLION,
      }),
      leaveAfterMs: 300,
    }),
    clients: 5,
    allowed: ['left', ...ANSWERED_OR_REFUSED],
    goneWithinMs: 1_000,
  },
  {
    id: 'leave-counts',
    title: 'counts of 100,000 games for a client that goes away after 0.3 s',
    as: 'mover',
    shot: () => ({
      ...gql('{ games(first: 100) { nodes { strategy { games(first: 1) { totalCount } } } } }'),
      leaveAfterMs: 300,
    }),
    allowed: ['left', ...ANSWERED_OR_REFUSED],
    goneWithinMs: 1_000,
  },
  {
    id: 'leave-again',
    title: 'a client that asks for the leaderboard and goes away after 0.1 s, thirty times',
    shot: () => ({
      ...gql(`query ($id: ID!) { game(id: $id) { ${BOARD} } }`, { id: MILLION }),
      leaveAfterMs: 100,
    }),
    rounds: 30,
    allowed: ['left', ...ANSWERED_OR_REFUSED],
    goneWithinMs: 1_000,
  },
);

const params = of(
  'params',
  {
    id: 'params-game-aliases',
    title: '4.75 MB of params under 20 aliases of the game',
    shot: document(`query ($id: ID!) { ${times(20, (n) => `a${n}: game(id: $id) { params { value } }`)} }`, {
      id: PARAMS,
    }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-aliases',
    title: '4.75 MB of params under 20 aliases within the game',
    shot: document(`query ($id: ID!) { game(id: $id) { ${times(20, (n) => `a${n}: params { value }`)} } }`, {
      id: PARAMS,
    }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-value-aliases',
    title: 'one param of 4.75 MB, its value under 20 aliases',
    shot: document(`query ($id: ID!) { game(id: $id) { params { ${times(20, (n) => `a${n}: value`)} } } }`, {
      id: LARGE_PARAM,
    }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-by-ids',
    title: '4.75 MB of params, by the same id a hundred times',
    shot: () =>
      gql('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { params { value } } }', {
        ids: Array.from({ length: 100 }, () => PARAMS),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-by-ids-aliases',
    title: '4.75 MB of params under 20 aliases of games by their ids',
    shot: document(
      `query ($ids: [ID!]!) { ${times(20, (n) => `a${n}: gamesByIds(ids: $ids) { params { value } }`)} }`,
      { ids: [PARAMS, LARGE_PARAM] },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-nodes',
    title: '4.75 MB of params by the ids of nodes, fifty times',
    shot: document(
      `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { ${times(25, (n) => `a${n}: params { value key }`)} } } }`,
      { ids: [PARAMS, LARGE_PARAM] },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-entities',
    title: '4.75 MB of params by the same key a hundred times',
    shot: () =>
      gql('query ($r: [_Any!]!) { _entities(representations: $r) { ... on Game { params { value } } } }', {
        r: Array.from({ length: 100 }, () => ({ __typename: 'Game', id: LARGE_PARAM })),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-pages',
    title: 'params of all games under ten aliases, as nodes and as edges',
    shot: document(
      `{ ${times(10, (n) => `a${n}: games(first: 100) { nodes { params { value } } edges { node { params { value } } } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-strategy',
    title: 'params of the games of a strategy of games',
    shot: document(
      '{ games(first: 20) { nodes { strategy { games(first: 100) { nodes { params { value } } } } } } }',
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'params-clients',
    title: '4.75 MB of params, by forty clients at once',
    shot: document('query ($id: ID!) { game(id: $id) { params { value } } }', { id: PARAMS }),
    clients: 40,
    allowed: [...ANSWERED_OR_REFUSED, IN_TURNS],
  },
  {
    id: 'params-slow-readers',
    title: '4.75 MB of params, compressed, by twenty clients at once',
    shot: () => ({
      ...gql('query ($id: ID!) { game(id: $id) { params { value } } }', { id: LARGE_PARAM }),
      headers: { 'accept-encoding': 'gzip' },
    }),
    clients: 20,
    allowed: [...ANSWERED_OR_REFUSED, IN_TURNS],
  },
);

/** So many operators of a filter of tasks. */
const operators = (count: number): object => ({
  or: Array.from({ length: count / 2 }, (_, index) => ({ status: { eq: `status ${index}` } })),
});

const filters = of(
  'filters',
  {
    id: 'filters-plans',
    title: 'ten roots with 100 filters of 400 operators each, under other names each time',
    shot: (round) =>
      gql(
        `query ($f: TaskFilter) { ${times(10, (n) => `r${n}: games(first: 1) { nodes { ...F } }`)} }
         fragment F on Game { ${times(100, (n) => `${tag(round)}${n}: tasks(filter: $f) { totalCount }`)} }`,
        { f: operators(400) },
      ),
    rounds: 6,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-plans-by-ids',
    title: 'the same below games by their ids',
    shot: (round) =>
      gql(
        `query ($f: TaskFilter, $ids: [ID!]!) { ${times(10, (n) => `r${n}: gamesByIds(ids: $ids) { ...F }`)} }
         fragment F on Game { ${times(100, (n) => `${tag(round)}${n}: tasks(first: 1, filter: $f) { nodes { id } }`)} }`,
        { f: operators(400), ids: [BROAD] },
      ),
    rounds: 6,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-plans-game',
    title: 'the same below one game, by six clients',
    shot: (round, client) =>
      gql(
        `query ($f: TaskFilter, $id: ID!) { ${times(10, (n) => `r${n}: game(id: $id) { ...F }`)} }
         fragment F on Game { ${times(100, (n) => `${tag(round, client)}${n}: tasks(filter: $f) { totalCount nodes { id } }`)} }`,
        { f: operators(300), id: BROAD },
      ),
    clients: 6,
    rounds: 2,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-values',
    title: 'a hundred lists of 600 values',
    shot: () =>
      gql(
        `query ($f: TaskFilter, $id: ID!) { game(id: $id) { ${times(100, (n) => `a${n}: tasks(filter: $f) { totalCount }`)} } }`,
        {
          id: BROAD,
          f: { externalTaskId: { in: Array.from({ length: 600 }, (_, index) => `task-${index}`) } },
        },
      ),
    rounds: 3,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-thousand-values',
    title: 'fifty roots with a hundred lists of a thousand values each',
    shot: () =>
      gql(`query ($f: GameFilter) { ${times(50, (n) => `a${n}: games(filter: $f) { totalCount }`)} }`, {
        f: {
          or: [...Array(20).keys()].map((list) => ({
            platform: { in: Array.from({ length: 1_000 }, (_, index) => String(list + (index % 10))) },
          })),
        },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-too-many-values',
    title: 'a list of 20,000 values',
    shot: () =>
      gql('query ($f: GameFilter) { games(filter: $f) { totalCount } }', {
        f: { platform: { in: Array.from({ length: 20_000 }, () => 'a') } },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-operators',
    title: 'fifty filters of 500 operators that look for texts without case in 100,000 games',
    as: 'mover',
    shot: () =>
      gql(`query ($f: GameFilter) { ${times(50, (n) => `a${n}: games(filter: $f) { totalCount }`)} }`, {
        f: {
          and: Array.from({ length: 240 }, (_, index) => ({
            externalGameId: { containsInsensitive: `A${index}` },
          })),
        },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-or-operators',
    title: 'one filter of 240 texts none of which is in any of 100,000 games',
    as: 'mover',
    shot: () =>
      gql('query ($f: GameFilter) { games(filter: $f) { totalCount } }', {
        f: {
          or: Array.from({ length: 240 }, (_, index) => ({
            externalGameId: { containsInsensitive: `Ä${index}` },
          })),
        },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-long-text',
    title: 'fifty times a text of 90,000 characters that is looked for without case',
    as: 'mover',
    shot: () =>
      gql(
        `query ($t: String) { ${times(50, (n) => `a${n}: games(filter: { externalGameId: { containsInsensitive: $t } }) { totalCount }`)} }`,
        { t: letters(45_000, 'ß') },
      ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-deep',
    title: 'filters within each other, 1,000 levels deep',
    shot: document(`{ games(filter: ${nested(1_000, '{ not: ', '{}', ' }')}) { totalCount } }`),
    allowed: [...ANSWERED_OR_REFUSED, ...UNREADABLE],
  },
  {
    id: 'filters-deep-variable',
    title: 'a variable with filters within each other, 9,000 levels deep',
    shot: () =>
      json(
        `{"query":"query ($f: GameFilter) { games(filter: $f) { totalCount } }","variables":{"f":${nested(9_000, '{"not":', '{}', '}')}}}`,
      ),
    allowed: [...ANSWERED_OR_REFUSED, ...BAD_REQUEST],
  },
  {
    id: 'filters-empty',
    title: 'a variable with 30,000 empty conditions',
    shot: () =>
      gql('query ($f: GameFilter) { games(filter: $f) { totalCount } }', {
        f: { and: Array.from({ length: 30_000 }, () => ({})) },
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'filters-empty-lists',
    title: 'conditions that are lists of two, twelve levels deep',
    shot: () => {
      const tree = (depth: number): object =>
        depth === 0 ? {} : { [depth % 2 === 0 ? 'and' : 'or']: [tree(depth - 1), tree(depth - 1)] };
      return gql('query ($f: GameFilter) { games(filter: $f) { totalCount } }', { f: tree(12) });
    },
    allowed: ANSWERED_OR_REFUSED,
  },
);

const sameIds = (count: number): string[] => Array.from({ length: count }, () => BROAD);

/** As much of a game as may be asked for 115 times, and 1,000 times, where a list without a size counts as five. */
const MOST_115 = `id version owner { apiKey } params { id key value }
  tasks(first: 100) { totalCount nodes { id externalTaskId status params { value } } }
  leaderboard(first: 50) { totalCount nodes { rank points } }`;
const MOST_1000 = `id version params { id key value } tasks(first: 10) { nodes { id externalTaskId params { value } } }
  leaderboard(first: 10) { nodes { rank points } }`;

const ids = of(
  'ids',
  {
    id: 'ids-same-115',
    title: 'everything of one game, by its id 115 times',
    shot: () =>
      gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${everything(100)} } }`, { ids: sameIds(115) }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-same-1000',
    title: 'everything of one game in pages of 20, by its id 1,000 times',
    shot: () =>
      gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${everything(20)} } }`, { ids: sameIds(1_000) }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-same-aliases',
    title: 'params of one game, by its id 1,000 times, under ten names',
    shot: () =>
      gql(
        `query ($ids: [ID!]!) { ${times(10, (n) => `a${n}: gamesByIds(ids: $ids) { id params { id key value } tasks(first: 1) { nodes { id } } }`)} }`,
        { ids: sameIds(1_000) },
      ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-same-literal',
    title: 'everything of one game, by its id 1,000 times in the document',
    shot: () => gql(`{ gamesByIds(ids: [${times(1_000, `"${BROAD}"`)}]) { ${everything(20)} } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-nodes',
    title: 'everything of one game as a node, by its id 115 times',
    shot: () =>
      gql(`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { ${everything(100)} } } }`, {
        ids: sameIds(115),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-nodes-1000',
    title: 'everything of one game as a node, by its id 1,000 times',
    shot: () =>
      gql(`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { ${everything(20)} } } }`, {
        ids: sameIds(1_000),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-entities',
    title: 'everything of one game for a gateway, by its key 115 times',
    shot: () =>
      gql(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on Game { ${everything(100)} } } }`, {
        r: sameIds(115).map((id) => ({ __typename: 'Game', id })),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-entities-1000',
    title: 'everything of one game for a gateway, by its key 1,000 times',
    shot: () =>
      gql(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on Game { ${everything(20)} } } }`, {
        r: sameIds(1_000).map((id) => ({ __typename: 'Game', id })),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  ...(
    [
      ['broad', BROAD, 'a game with 60 tasks'],
      ['million', MILLION, 'the game with a million points'],
      ['params', PARAMS, 'the game with 4.75 MB of params'],
    ] as const
  ).flatMap(([name, id, title]) =>
    ([115, 1_000] as const).flatMap((count) => {
      const selection = count === 115 ? MOST_115 : MOST_1000;
      const many = Array.from({ length: count }, () => id);
      const keys = many.map((key) => ({ __typename: 'Game', id: key }));
      const allowed = ANSWERED_OR_REFUSED;
      return [
        {
          id: `ids-${name}-${count}`,
          title: `${title} by its id ${count} times`,
          shot: () => gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${selection} } }`, { ids: many }),
          allowed,
        },
        {
          id: `ids-${name}-${count}-nodes`,
          title: `${title} as a node by its id ${count} times`,
          shot: () =>
            gql(`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { ${selection} } } }`, { ids: many }),
          allowed,
        },
        {
          id: `ids-${name}-${count}-entities`,
          title: `${title} for a gateway by its key ${count} times`,
          shot: () =>
            gql(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on Game { ${selection} } } }`, {
              r: keys,
            }),
          allowed,
        },
      ];
    }),
  ),
  {
    id: 'ids-cases',
    title: 'the same id in a thousand spellings of upper and lower case',
    shot: () =>
      gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${MOST_1000} } }`, {
        ids: Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? BROAD : BROAD.toUpperCase())),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-different',
    title: 'everything of a hundred games with 60 tasks each',
    shot: () =>
      gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${everything(100)} } }`, {
        ids: Array.from({ length: DATA.broad.games }, (_, index) =>
          idOf('game', DATA.broad.firstGame + index),
        ),
      }),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'ids-1001',
    title: '1,001 ids',
    as: 'mover',
    shot: () => gql('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }', { ids: manyIds(1_001) }),
    allowed: ['200 LIMIT_EXCEEDED', '400 LIMIT_EXCEEDED'],
  },
  {
    id: 'ids-5000',
    title: '1,500 ids and 5,000 short ones, of games and nodes',
    as: 'mover',
    shot: () =>
      gql(
        'query ($ids: [ID!]!, $short: [ID!]!) { gamesByIds(ids: $ids) { id } nodes(ids: $short) { id } externalGameIds(ids: $short) { gameId } }',
        { ids: manyIds(1_500), short: Array.from({ length: 5_000 }, (_, index) => String(index)) },
      ),
    allowed: ['200 LIMIT_EXCEEDED', '400 LIMIT_EXCEEDED'],
  },
  {
    id: 'ids-bad-keys',
    title: '5,000 keys that are none',
    shot: () =>
      gql('query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }', {
        r: Array.from({ length: 5_000 }, (_, index) => index),
      }),
    allowed: ['200 LIMIT_EXCEEDED', '400 LIMIT_EXCEEDED', '200 BAD_USER_INPUT'],
    maxBytes: 300_000,
  },
);

/** A thousand games, and for each of them an error under each of so many names. */
const errorsAt = (count: number, field: (index: number) => string): Shot =>
  gql(`query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id ${times(count, field)} } }`, {
    ids: manyIds(1_000),
  });
const ERRORS: readonly Allowed[] = ['200 BAD_USER_INPUT', '200 LIMIT_EXCEEDED', ...REFUSED];

const errors = of(
  'errors',
  {
    id: 'errors-nul',
    title: 'a thousand games, at each a hundred texts with a NUL',
    as: 'mover',
    shot: () => errorsAt(100, (n) => `a${n}: task(externalTaskId: "\\u0000") { id }`),
    allowed: ERRORS,
  },
  {
    id: 'errors-surrogate',
    title: 'a thousand games, at each a hundred texts with half a character',
    as: 'mover',
    shot: () =>
      json(
        JSON.stringify({
          query: `query ($ids: [ID!]!, $t: String!) { gamesByIds(ids: $ids) { ${times(100, (n) => `a${n}: task(externalTaskId: $t) { id }`)} } }`,
          variables: { ids: manyIds(1_000), t: 'HALF' },
        }).replace('HALF', '\\ud800'),
      ),
    allowed: ERRORS,
  },
  {
    id: 'errors-first',
    title: 'a thousand games, at each sixty pages of no size',
    as: 'mover',
    shot: () => errorsAt(60, (n) => `a${n}: tasks(first: 0) { totalCount }`),
    allowed: ERRORS,
  },
  {
    id: 'errors-cursor',
    title: 'a thousand games, at each sixty bad cursors',
    as: 'mover',
    shot: () => errorsAt(60, (n) => `a${n}: tasks(first: 1, after: "bad") { totalCount }`),
    allowed: ERRORS,
  },
  {
    id: 'errors-filter',
    title: 'a thousand games, at each fifty filters by a time that is none',
    as: 'mover',
    shot: () =>
      errorsAt(
        50,
        (n) => `a${n}: tasks(first: 1, filter: { createdAt: { gt: "2026-02-30T00:00:00Z" } }) { totalCount }`,
      ),
    allowed: [...ERRORS, ...INVALID],
  },
  {
    id: 'errors-order',
    title: 'a thousand games, at each fifty orders by the same field twice',
    as: 'mover',
    shot: () =>
      errorsAt(
        50,
        (n) => `a${n}: tasks(first: 1, orderBy: [{ field: STATUS }, { field: STATUS }]) { totalCount }`,
      ),
    allowed: ERRORS,
  },
  {
    id: 'errors-boards',
    title: 'leaderboards without a size at 6,000 tasks',
    shot: document(
      '{ games(first: 100) { nodes { tasks(first: 100) { nodes { a: leaderboard(first: 0) { totalCount } b: leaderboard(last: 0) { totalCount } } } } } }',
    ),
    allowed: ERRORS,
  },
  {
    id: 'errors-long-message',
    title: 'a hundred games, at each ten filters with 200 bad times',
    shot: () =>
      gql(
        `query ($f: TaskFilter) { games(first: 100) { nodes { ${times(10, (n) => `a${n}: tasks(filter: $f) { totalCount }`)} } } }`,
        { f: { or: Array.from({ length: 200 }, () => ({ createdAt: { gt: '2026-02-30T00:00:00Z' } })) } },
      ),
    allowed: [...ERRORS, '400 BAD_USER_INPUT', '200 BAD_USER_INPUT LIMIT_EXCEEDED'],
  },
  {
    id: 'errors-not-found',
    title: 'fifty games that are not there',
    shot: document(`{ ${times(50, (n) => `a${n}: game(id: "${idOf('game', 99_000 + n)}") { id }`)} }`),
    allowed: ['200 NOT_FOUND', ...REFUSED],
  },
  {
    id: 'errors-variables',
    title: 'a variable with 30,000 values of a wrong type',
    shot: () =>
      gql('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }', {
        ids: Array.from({ length: 30_000 }, () => ({})),
      }),
    allowed: [...BAD_VALUE, '400 BAD_USER_INPUT'],
    maxBytes: 300_000,
  },
  {
    id: 'errors-unknown-keys',
    title: 'an input with 9,000 fields that it does not have',
    shot: () =>
      gql('query ($f: GameFilter) { games(filter: $f) { totalCount } }', {
        f: Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`x${index}`, 1])),
      }),
    allowed: BAD_VALUE,
    maxBytes: 300_000,
  },
);

const MOVE = (from: string, to: string, more = ''): string =>
  `mutation { bulkUpdateStrategyId(input: { oldStrategyId: "${from}", newStrategyId: "${to}" ${more} }) { count } }`;
const BESIDE = { as: 'neighbour', shot: () => gql(PAGE), withinMs: 1_000 } as const;
const MOVED: readonly Allowed[] = ['200', '200 LIMIT_EXCEEDED', '429 *'];

const moves = of(
  'moves',
  {
    id: 'moves-many',
    title: 'a move of 100,000 games with nine trivial ones beside, there and back, while somebody else reads',
    as: 'mover',
    shot: (round, client) => {
      const there = round === 0 ? ['default', 'socio_bee'] : ['socio_bee', 'default'];
      const [from = '', to = ''] = client === 0 ? there : ['greencrowdStrategy', 'greengageStrategy'];
      return gql(MOVE(from, to));
    },
    clients: 10,
    rounds: 2,
    allowed: [...MOVED, IN_TURNS],
    beside: BESIDE,
  },
  {
    id: 'moves-dry',
    title: 'twenty dry runs of a move of 100,000 games while somebody else reads',
    as: 'mover',
    shot: () => gql(MOVE('default', 'socio_bee', ', dryRun: true')),
    clients: 20,
    allowed: MOVED,
    beside: BESIDE,
  },
  {
    id: 'moves-in-one',
    title: 'fifty moves of nothing in one operation, by twenty clients, while somebody else reads',
    as: 'mover',
    shot: () =>
      gql(
        `mutation { ${times(50, (n) => `a${n}: bulkUpdateStrategyId(input: { oldStrategyId: "greencrowdStrategy", newStrategyId: "greengageStrategy" }) { count }`)} }`,
      ),
    clients: 20,
    allowed: [...MOVED, ...REFUSED],
    beside: BESIDE,
  },
  {
    id: 'moves-of-ids',
    title: 'a move of 2,000 ids, most of them not there, by ten clients',
    as: 'mover',
    shot: () =>
      gql('mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { count } }', {
        input: { oldStrategyId: 'greencrowdStrategy', newStrategyId: 'default', ids: manyIds(1_000) },
      }),
    clients: 10,
    allowed: [...MOVED, ...REFUSED, '200 NOT_FOUND'],
    beside: BESIDE,
  },
  {
    id: 'moves-duplicates',
    title: 'twenty dry copies of a game with 4.75 MB of params in one operation, by five clients',
    shot: (round, client) =>
      gql(
        `mutation { ${times(20, (n) => `a${n}: duplicateGame(input: { id: "${PARAMS}", externalGameId: "copy-${round}-${client}-${n}", dryRun: true }) { game { id } }`)} }`,
      ),
    clients: 5,
    allowed: [...MOVED, ...REFUSED],
    beside: BESIDE,
  },
  {
    id: 'moves-delete-million',
    title: 'ten dry deletions of the game with a million points while somebody else reads',
    shot: () =>
      gql(
        `mutation { deleteGame(input: { id: "${MILLION}", dryRun: true }) { deleted { tasks userPoints } } }`,
      ),
    clients: 10,
    allowed: [...MOVED, ...REFUSED, '200 CONFLICT', IN_TURNS],
    beside: BESIDE,
  },
  {
    id: 'moves-same-row',
    title: 'forty clients that change the same game at once',
    shot: (_round, client) =>
      gql(
        `mutation { ${times(10, (n) => `a${n}: patchGame(input: { id: "${BROAD}", platform: "p${client % 2}${n}" }) { changes { field } }`)} }`,
      ),
    clients: 40,
    allowed: [...MOVED, ...REFUSED, '200 CONFLICT', IN_TURNS],
    beside: BESIDE,
  },
  {
    id: 'moves-params',
    title: 'a game with 3,000 params in one go, dry, fifty times',
    shot: () =>
      gql(
        `mutation ($p: [GameParamInput!]) { ${times(50, (n) => `a${n}: createGame(input: { externalGameId: "made-${n}", platform: "web", params: $p, dryRun: true }) { game { id } }`)} }`,
        { p: Array.from({ length: 3_000 }, (_, index) => ({ key: `k${index}`, value: 'v' })) },
      ),
    allowed: [...MOVED, ...REFUSED, '200 BAD_USER_INPUT'],
    beside: BESIDE,
  },
);

/** What validation takes long for, sent once a second by four clients that nobody knows. */
const slowly = { as: 'nobody', clients: 4, rounds: 4, everyMs: 1_000 } as const;

const validation = of(
  'validation',
  {
    ...slowly,
    id: 'validate-chain',
    title: 'fragments each of which spreads the next ten',
    shot: (round, client) => {
      const name = tag(round, client);
      return gql(
        `{ ...${name}0 } ${times(140, (n) => `fragment ${name}${n} on Query { ${times(10, (m) => `...${name}${Math.min(n + m + 1, 140)}`)} }`)}
         fragment ${name}140 on Query { __typename }`,
      );
    },
    allowed: ['200', ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-same-field',
    title: 'the same field 1,200 times',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: __typename ${times(1_200, 'viewer { isAdmin }')} }`),
    allowed: ['200', ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-same-field-arguments',
    title: 'the same field with the same arguments 300 times',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: __typename ${times(300, 'node(id: "1") { id __typename }')} }`),
    allowed: [...ANONYMOUS, ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-twins',
    title: 'twins in depth: two of each list, ten levels deep',
    shot: (round, client) => {
      const twin = (depth: number): string =>
        depth === 0
          ? '__typename'
          : ['nodes', 'nodes']
              .map((name) => `${name} { strategy { games { ${twin(depth - 1)} } } }`)
              .join(' ');
      return gql(`{ ${tag(round, client)}: games { ${twin(5)} } games { ${twin(5)} } }`);
    },
    allowed: ANONYMOUS,
  },
  {
    ...slowly,
    id: 'validate-inline',
    title: '700 inline fragments with the same field',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: __typename ${times(700, '... { viewer { isAdmin } }')} }`),
    allowed: ['200', ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-inline-deep',
    title: 'inline fragments within each other, 1,500 deep',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: __typename ${nested(1_500, '... { ', '__typename', ' }')} }`),
    allowed: ['200', ...INVALID, ...UNREADABLE],
  },
  {
    ...slowly,
    id: 'validate-fragments',
    title: '240 fragments that meet at one place',
    shot: (round, client) => {
      const name = tag(round, client);
      return gql(
        `{ ${times(240, (n) => `...${name}${n}`)} } ${times(240, (n) => `fragment ${name}${n} on Query { viewer { a: isAdmin b: apiKey } }`)}`,
      );
    },
    allowed: ['200', ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-fragments-on-game',
    title: '160 fragments with a list at one place',
    shot: (round, client) => {
      const name = tag(round, client);
      return gql(
        `{ games { nodes { ${times(160, (n) => `...${name}${n}`)} } } } ${times(160, (n) => `fragment ${name}${n} on Game { tasks(first: 5) { nodes { id } } }`)}`,
      );
    },
    allowed: ANONYMOUS,
  },
  {
    ...slowly,
    id: 'validate-conflicts',
    title: 'a field under one name in 440 ways',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: __typename ${times(440, (n) => `a: node(id: "${n}") { id }`)} }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    ...slowly,
    id: 'validate-variables',
    title: 'a variable that is used by a chain of 200 fragments, in each of 60 operations',
    shot: (round, client) =>
      gql(
        `${times(60, (n) => `query Q${tag(round, client)}${n}($a: Boolean!) { ...F0 }`)}
         ${times(200, (n) => `fragment F${n} on Query { __typename @skip(if: $a) ${n < 199 ? `...F${n + 1}` : ''} }`)}`,
        { a: true },
        { operationName: `Q${tag(round, client)}0` },
      ),
    allowed: ['200', ...INVALID],
  },
  {
    ...slowly,
    id: 'validate-argument-lists',
    title: 'a field with a list of 400 values, ten times, to be compared',
    shot: (round, client) =>
      gql(
        `{ ${tag(round, client)}: __typename ${times(10, `gamesByIds(ids: [${times(400, '1')}]) { id }`)} }`,
      ),
    allowed: ANONYMOUS,
  },
  {
    ...slowly,
    id: 'validate-values',
    title: 'a list of 4,900 values of a wrong type',
    shot: (round, client) =>
      gql(`{ ${tag(round, client)}: gamesByIds(ids: [${times(4_900, '1.5')}]) { id } }`),
    allowed: [...INVALID, ...ANONYMOUS],
    maxBytes: 300_000,
  },
);

const deep = (depth: number): string =>
  `{ games { nodes { ${nested(depth, 'strategy { games { nodes { ', 'id', ' } } }')} } } }`;

const documents = of(
  'documents',
  {
    id: 'aliases-5000',
    title: '5,000 aliases of a field',
    as: 'nobody',
    shot: document(`{ viewer { ${times(5_000, (n) => `a${n}: apiKey`)} } }`),
    allowed: UNREADABLE,
  },
  {
    id: 'aliases-1600',
    title: '1,600 aliases of a field of a game, at 100 games',
    shot: document(`{ games(first: 100) { nodes { ${times(1_600, (n) => `a${n}: platform`)} } } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'aliases-versions',
    title: '90 versions of each of 100 games',
    shot: document(`{ games(last: 100) { nodes { ${times(90, (n) => `a${n}: version`)} } } }`),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'aliases-strategies',
    title: 'a hundred strategies of each of 100 games',
    shot: document(
      `{ games(first: 100) { nodes { ${times(95, (n) => `a${n}: strategy { id name versions { name } }`)} } } }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  ...[30, 400, 800].map((depth) => ({
    id: `deep-${depth * 3}`,
    title: `fields within each other, ${depth * 3} levels deep`,
    shot: document(deep(depth)),
    allowed: [...REFUSED, ...UNREADABLE],
  })),
  {
    id: 'deep-10000',
    title: 'brackets within each other, 10,000 levels deep',
    as: 'nobody',
    shot: document(nested(10_000, '{a', '', '}')),
    allowed: UNREADABLE,
  },
  {
    id: 'deep-lists',
    title: 'lists within each other in a value, 2,400 levels deep',
    shot: document(`{ games(filter: { and: ${nested(2_400, '[', '', ']')} }) { totalCount } }`),
    allowed: [...INVALID, ...UNREADABLE, ...ANSWERED_OR_REFUSED],
  },
  {
    id: 'deep-types',
    title: 'a variable whose type is a list of lists, 2,400 levels deep',
    as: 'nobody',
    shot: document(`query ($a: ${nested(2_400, '[', 'Int', ']')}) { __typename }`),
    allowed: [...INVALID, ...UNREADABLE],
    maxBytes: 100_000,
  },
  {
    id: 'deep-fragments',
    title: 'a chain of 480 fragments',
    as: 'nobody',
    shot: document(
      `{ ...F0 } ${times(480, (n) => `fragment F${n} on Query { ...F${n + 1} }`)} fragment F480 on Query { __typename }`,
    ),
    allowed: ['200', ...INVALID],
  },
  {
    id: 'circle',
    title: 'fragments in a circle',
    as: 'nobody',
    shot: document(
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }',
    ),
    allowed: [...INVALID, ...ANONYMOUS],
  },
  {
    id: 'circle-large',
    title: 'fifty fragments each of which spreads all',
    as: 'nobody',
    shot: document(
      `{ ...F0 } ${times(45, (n) => `fragment F${n} on Query { ${times(45, (m) => `...F${m}`)} }`)}`,
    ),
    allowed: [...INVALID, ...ANONYMOUS],
    maxBytes: 300_000,
  },
  {
    id: 'circle-below',
    title: 'a fragment that holds itself below a field',
    shot: document(
      '{ games { nodes { ...F } } } fragment F on Game { strategy { games { nodes { ...F } } } }',
    ),
    allowed: INVALID,
  },
  {
    id: 'directives-1000',
    title: '700 directives at a field',
    as: 'nobody',
    shot: document(`{ __typename ${times(700, '@include(if: true)')} }`),
    allowed: INVALID,
    maxBytes: 100_000,
  },
  {
    id: 'directives-unknown',
    title: '1,600 directives that there are not',
    as: 'nobody',
    shot: document(`{ __typename ${times(1_600, (n) => `@a${n}`)} }`),
    allowed: INVALID,
    maxBytes: 100_000,
  },
  {
    id: 'directives-twice',
    title: 'a directive twice',
    as: 'nobody',
    shot: document('{ __typename @skip(if: false) @skip(if: false) }'),
    allowed: INVALID,
  },
  {
    id: 'directives-variables',
    title: 'twenty variables that decide about 400 fields, in as many ways as there are requests',
    shot: (round) =>
      gql(
        `query (${times(20, (n) => `$v${n}: Boolean!`)}) { games(first: 100) { nodes {
          ${times(400, (n) => `a${n}: platform @include(if: $v${n % 20})`)} } } }`,
        Object.fromEntries(
          Array.from({ length: 20 }, (_, index) => [
            `v${index}`,
            ((round * 7_919) >> (index % 13)) % 2 === 1,
          ]),
        ),
      ),
    rounds: 60,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'directives-hidden',
    title: 'an expensive operation that a directive leaves out',
    shot: document(
      `query ($v: Boolean!) { ${times(50, (n) => `a${n}: games(first: 100) @include(if: $v) { nodes { tasks(first: 100) { nodes { id } } } }`)} }`,
      { v: false },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'operations-many',
    title: '900 operations in one document',
    as: 'nobody',
    shot: document(
      times(900, (n) => `query Q${n} { __typename }`),
      undefined,
      {
        operationName: 'Q0',
      },
    ),
    allowed: ['200', ...INVALID],
  },
  {
    id: 'operations-5000',
    title: '5,000 operations in one document',
    as: 'nobody',
    shot: document(times(5_000, '{__typename}'), undefined, { operationName: 'Q0' }),
    allowed: UNREADABLE,
  },
  {
    id: 'operations-expensive',
    title: 'a trivial operation beside 200 expensive ones',
    shot: document(
      `query Q { __typename } ${times(100, (n) => `query Q${n} { games(first: 100) { nodes { tasks(first: 100) { nodes { id } } } } }`)}`,
      undefined,
      { operationName: 'Q' },
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'token-long',
    title: 'a name of 99,000 letters that is no field',
    as: 'nobody',
    shot: document(`{ ${letters(99_000)} }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'token-number',
    title: 'a number of 99,000 digits',
    shot: document(`{ games(first: ${letters(99_000, '9')}) { totalCount } }`),
    allowed: INVALID,
    maxBytes: 300_000,
  },
  {
    id: 'comments',
    title: 'a document that is nearly all comment, commas and byte order marks',
    as: 'nobody',
    shot: document(`#${letters(50_000)}\n${','.repeat(20_000)}${'\ufeff'.repeat(5_000)}{ __typename }`),
    allowed: ['200', ...UNREADABLE],
  },
  {
    id: 'block-string',
    title: 'a block string of 30,000 lines',
    shot: document(`{ gameByExternalId(externalGameId: """${'\n '.repeat(30_000)}""") { id } }`),
    allowed: ['200 NOT_FOUND', ...REFUSED, '200'],
  },
  {
    id: 'block-string-quotes',
    title: 'a block string of 12,000 escaped quotes that does not end',
    shot: document(`{ gameByExternalId(externalGameId: """${'\\"""'.repeat(12_000)}`),
    allowed: UNREADABLE,
  },
  {
    id: 'escapes',
    title: 'a text of 16,000 escapes',
    shot: document(`{ gameByExternalId(externalGameId: "${'\\u{1F600}'.repeat(8_000)}") { id } }`),
    allowed: ['200 NOT_FOUND', '200', ...REFUSED],
  },
  {
    id: 'brackets',
    title: '99,000 brackets that are opened and never closed',
    as: 'nobody',
    shot: document('{'.repeat(99_000)),
    allowed: UNREADABLE,
  },
  {
    id: 'empty',
    title: 'an empty document',
    as: 'nobody',
    shot: document(''),
    allowed: ['400 BAD_REQUEST', '400 GRAPHQL_PARSE_FAILED'],
  },
  {
    id: 'nul-document',
    title: 'a document with NUL and half characters',
    as: 'nobody',
    shot: document('{ __type\0name \ud800 }'),
    allowed: UNREADABLE,
  },
  {
    id: 'proto-aliases',
    title: 'aliases that objects of JavaScript have',
    shot: document(
      `{ __proto__: viewer { constructor: apiKey hasOwnProperty: isAdmin __proto__: apiKey } toString: __typename
         valueOf: games(first: 2) { nodes { __proto__: params { __proto__: key } constructor: id } toJSON: totalCount then: totalCount } }`,
    ),
    allowed: ['200', ...REFUSED],
  },
  {
    id: 'subscription',
    title: 'an operation of a type that there is not',
    as: 'nobody',
    shot: document('subscription { games { totalCount } }'),
    allowed: [...INVALID, ...ANONYMOUS, '400 OPERATION_RESOLUTION_FAILURE', '405 *'],
  },
  {
    id: 'definitions',
    title: 'definitions of types instead of operations',
    as: 'nobody',
    shot: document(times(700, (n) => `type T${n} { a: Int }`)),
    allowed: [...INVALID, ...ANONYMOUS, '400 OPERATION_RESOLUTION_FAILURE'],
    maxBytes: 100_000,
  },
  {
    id: 'cost-tasks',
    title: 'pages in pages in pages: 100 × 100 × 100',
    shot: document(
      '{ games(first: 100) { nodes { tasks(first: 100) { nodes { leaderboard(first: 100) { nodes { points } } } } } } }',
    ),
    allowed: REFUSED,
  },
  {
    id: 'cost-allowed',
    title: '100 × 100 tasks with all that they have',
    shot: document(
      '{ games(first: 100) { nodes { tasks(first: 100) { nodes { id externalTaskId status createdAt updatedAt strategyId params { key value } } } } } }',
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'cost-fifty-pages',
    title: 'fifty pages of 100 games with versions, owners and strategies',
    shot: document(
      `{ ${times(50, (n) => `a${n}: games(first: 100) { totalCount pageInfo { hasNextPage hasPreviousPage } edges { cursor node { id version owner { apiKey } strategy { name } } } }`)} }`,
    ),
    allowed: ANSWERED_OR_REFUSED,
  },
);

const values = of(
  'values',
  {
    id: 'int-2147483648',
    title: 'a page of 2,147,483,648',
    shot: document('{ games(first: 2147483648) { totalCount } }'),
    allowed: INVALID,
  },
  {
    id: 'int-1e400',
    title: 'a page of 1e400, as a number of JSON',
    shot: () =>
      json('{"query":"query ($n: Int) { games(first: $n) { totalCount } }","variables":{"n":1e400}}'),
    allowed: BAD_VALUE,
  },
  {
    id: 'int-digits',
    title: 'a page of 90,000 digits, as a number of JSON',
    shot: () =>
      json(
        `{"query":"query ($n: Int) { games(first: $n) { totalCount } }","variables":{"n":${letters(90_000, '9')}}}`,
      ),
    allowed: BAD_VALUE,
  },
  {
    id: 'int-max',
    title: 'a page of 2,147,483,647 below a page',
    shot: document('{ games(first: 100) { nodes { tasks(first: 2147483647) { totalCount } } } }'),
    allowed: [...ANSWERED_OR_REFUSED, ...BAD_VALUE],
  },
  {
    id: 'int-negative',
    title: 'pages of less than nothing',
    shot: document('{ games(first: -2147483648) { nodes { tasks(last: -1) { totalCount } } } }'),
    allowed: [...BAD_VALUE, ...REFUSED],
  },
  {
    id: 'text-long',
    title: 'a text of 90,000 characters for everything that takes one',
    shot: () =>
      gql(
        'query ($t: String!, $id: ID!) { a: gameByExternalId(externalGameId: $t) { id } b: game(id: $id) { id } c: node(id: $id) { id } d: strategy(id: $id) { id } }',
        { t: letters(40_000), id: letters(40_000) },
      ),
    allowed: ['200 NOT_FOUND', '200 BAD_USER_INPUT', ...REFUSED, '200'],
    maxBytes: 200_000,
  },
  {
    id: 'variables-deep-3000',
    title: 'variables 3,000 levels deep',
    shot: () =>
      json(
        `{"query":"query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }","variables":{"r":[${nested(3_000, '{"a":', '1', '}')}]}}`,
      ),
    allowed: [...BAD_VALUE, ...BAD_REQUEST],
  },
  {
    id: 'variables-deep-12000',
    title: 'variables 12,000 levels deep',
    shot: () =>
      json(
        `{"query":"query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }","variables":{"r":[${nested(12_000, '{"a":', '1', '}')}]}}`,
      ),
    allowed: [...BAD_VALUE, ...BAD_REQUEST],
  },
  {
    id: 'variables-deep-lists',
    title: 'variables of 45,000 lists within each other',
    shot: () =>
      json(
        `{"query":"query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }","variables":{"ids":${nested(45_000, '[', '', ']')}}}`,
      ),
    allowed: [...BAD_VALUE, ...BAD_REQUEST],
  },
  {
    id: 'variables-deep-unused',
    title: 'variables 12,000 levels deep that the operation does not know',
    as: 'nobody',
    shot: () => json(`{"query":"{ __typename }","variables":{"x":${nested(12_000, '{"a":', '1', '}')}}}`),
    allowed: ['200', ...BAD_REQUEST, ...REFUSED],
  },
  {
    id: 'variables-keys',
    title: 'variables with 10,000 names',
    as: 'nobody',
    shot: () =>
      gql(
        '{ __typename }',
        Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 1])),
      ),
    allowed: ['200', ...BAD_REQUEST, ...REFUSED],
  },
  {
    id: 'variables-50000-keys',
    title: 'variables with 50,000 names, in more bytes than are read',
    as: 'nobody',
    shot: () =>
      gql(
        '{ __typename }',
        Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 1])),
      ),
    allowed: TOO_LARGE,
  },
  {
    id: 'variables-number-keys',
    title: 'variables whose names are large numbers',
    as: 'nobody',
    shot: () =>
      gql(
        '{ __typename }',
        Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [String(index * 65_537), 1])),
      ),
    allowed: ['200', ...BAD_REQUEST, ...REFUSED],
  },
  {
    id: 'variables-declared',
    title: '500 variables that are declared and half of them used',
    as: 'nobody',
    shot: () =>
      gql(
        `query (${times(500, (n) => `$v${n}: Boolean!`)}) { viewer { ${times(220, (n) => `a${n}: isAdmin @include(if: $v${n})`)} ...F } }
         fragment F on Viewer { ${times(1, (n) => `b${n}: isAdmin @skip(if: $v${n})`)} }`,
        Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`v${index}`, true])),
      ),
    allowed: ['200', ...INVALID],
    maxBytes: 100_000,
  },
  {
    id: 'variables-proto',
    title: 'variables named as what objects of JavaScript have',
    shot: () =>
      json(
        '{"query":"query ($f: GameFilter) { games(filter: $f) { totalCount } }","variables":{"__proto__":{"f":{}},"constructor":{"prototype":{"isAdmin":true}},"f":{"__proto__":{"id":{"eq":"x"}},"constructor":1}}}',
      ),
    allowed: [...BAD_VALUE, ...BAD_REQUEST, '200'],
  },
  {
    id: 'variables-wrong',
    title: 'variables that are a list',
    as: 'nobody',
    shot: () => json('{"query":"{ __typename }","variables":[1,2,3]}'),
    allowed: ['400 BAD_REQUEST', '400 BAD_USER_INPUT'],
  },
  {
    id: 'cursor-long',
    title: 'a cursor of 90,000 characters',
    shot: () => gql('query ($c: String) { games(after: $c) { nodes { id } } }', { c: letters(90_000, 'A') }),
    allowed: BAD_VALUE,
    maxBytes: 200_000,
  },
  {
    id: 'cursor-1mb',
    title: 'a cursor of 1 MB',
    shot: () =>
      gql('query ($c: String) { games(after: $c) { nodes { id } } }', { c: letters(1_000_000, 'A') }),
    allowed: TOO_LARGE,
  },
  {
    id: 'cursor-forged',
    title: 'cursors that somebody made up',
    shot: () => {
      const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const made = [
        [],
        [null],
        { __proto__: null },
        ['x'.repeat(500), "'; DROP TABLE games; --"],
        Array.from({ length: 5_000 }, () => 0),
        nested(2_000, '[', '', ']'),
        'Infinity',
      ].map(forged);
      return gql(
        `{ ${times(made.length, (n) => `a${n}: games(after: ${JSON.stringify(made[n])}) { nodes { id } }`)} }`,
      );
    },
    allowed: BAD_VALUE,
    maxBytes: 200_000,
  },
  {
    id: 'cursor-deep',
    title: 'a cursor that holds lists within each other',
    shot: () =>
      gql('query ($c: String) { games(after: $c) { nodes { id } } }', {
        c: Buffer.from(nested(30_000, '[', '', ']')).toString('base64url'),
      }),
    allowed: BAD_VALUE,
    maxBytes: 200_000,
  },
  {
    id: 'text-broken',
    title: 'NUL, half characters and texts of other directions',
    shot: () =>
      json(
        '{"query":"query ($t: String!) { gameByExternalId(externalGameId: $t) { id } }","variables":{"t":"\\u0000\\ud800\\u202e"}}',
      ),
    allowed: BAD_VALUE,
  },
  {
    id: 'dates',
    title: 'times far away and times that are none',
    shot: () =>
      gql(
        `{ ${times(20, (n) => `a${n}: games(filter: { createdAt: { gt: ${JSON.stringify(['+275760-09-13T00:00:00Z', '0000-00-00T00:00:00Z', '9999-12-31T23:59:60Z', letters(4_000, '9'), '1e9'][n % 5])} } }) { totalCount }`)} }`,
      ),
    allowed: [...BAD_VALUE, ...INVALID, '200', '200 BAD_USER_INPUT'],
    maxBytes: 300_000,
  },
  {
    id: 'operation-name-90kb',
    title: 'extensions and a name of an operation full of junk',
    as: 'nobody',
    shot: () =>
      gql('{ __typename }', undefined, {
        operationName: letters(40_000),
        extensions: { junk: letters(40_000), __proto__: 1, persistedQuery: 'x' },
      }),
    allowed: ['400 *'],
    maxBytes: 200_000,
  },
  {
    id: 'extensions-deep',
    title: 'extensions 12,000 levels deep',
    as: 'nobody',
    shot: () => json(`{"query":"{ __typename }","extensions":{"a":${nested(12_000, '{"a":', '1', '}')}}}`),
    allowed: ['200', ...BAD_REQUEST],
  },
);

/** Registers a text under its hash, as clients with automatic persisted queries do. */
const register = (query: string, sha256Hash: unknown = hash('sha256', query, 'hex')): Shot =>
  gql(query, undefined, { extensions: { persistedQuery: { version: 1, sha256Hash } } });

const persisted = of(
  'persisted',
  {
    id: 'persisted-register',
    title: '120 different texts of 90 kB',
    as: 'nobody',
    shot: (round) => register(`# ${round} ${letters(90_000)}\n{ __typename }`),
    rounds: 120,
    allowed: ['200', ...REFUSED],
  },
  {
    id: 'persisted-register-small',
    title: '2,000 different small texts, by four clients',
    as: 'nobody',
    shot: (round, client) => register(`{ ${tag(round, client)}: __typename }`),
    clients: 4,
    rounds: 500,
    allowed: ['200'],
  },
  {
    id: 'persisted-wrong-hash',
    title: 'a text under a hash that is not its own, and that another client then asks for',
    as: 'nobody',
    shot: () => register('{ __typename }', hash('sha256', '{ viewer { isAdmin } }', 'hex')),
    allowed: ['400 BAD_REQUEST', '400 INTERNAL_SERVER_ERROR', '400 PERSISTED_QUERY_HASH_MISMATCH'],
  },
  {
    id: 'persisted-odd-hash',
    title: 'hashes that are none: an object, a list, 60,000 letters',
    as: 'nobody',
    shot: (round) => register('{ __typename }', [{ toString: 1 }, ['a'], letters(60_000)][round]),
    rounds: 3,
    allowed: ['400 *'],
  },
  {
    id: 'persisted-unknown',
    title: '500 hashes of which there is no text',
    as: 'nobody',
    shot: (round) => ({
      body: JSON.stringify({
        extensions: { persistedQuery: { version: 1, sha256Hash: hash('sha256', String(round), 'hex') } },
      }),
    }),
    rounds: 500,
    allowed: [
      '200 PERSISTED_QUERY_NOT_FOUND',
      '400 PERSISTED_QUERY_NOT_FOUND',
      '404 PERSISTED_QUERY_NOT_FOUND',
    ],
  },
  {
    id: 'documents-repeated',
    title: 'fifty documents of 90 kB, three times each, so that they are kept',
    as: 'nobody',
    shot: (round) =>
      gql(
        `# ${letters(85_000)}\n{ ${times(45, (n) => `a${Math.floor(round / 3)}_${n}: viewer { isAdmin }`)} }`,
      ),
    rounds: 150,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'documents-different',
    title: '130 different operations of 1,000 fields each, three times each',
    shot: (round) =>
      gql(
        `{ games(first: 1) { nodes { ${times(1_000, (n) => `a${Math.floor(round / 3)}_${n}: platform`)} } } }`,
      ),
    rounds: 400,
    allowed: ANSWERED_OR_REFUSED,
  },
  {
    id: 'documents-names',
    title: 'one document of fifty operations, each of them asked for five times',
    as: 'nobody',
    shot: (round) =>
      gql(
        times(50, (n) => `query Q${n} { ${times(3, (m) => `a${m}: __typename`)} }`),
        undefined,
        {
          operationName: `Q${round % 50}`,
        },
      ),
    rounds: 500,
    allowed: ['200'],
  },
);

const TYPENAME = JSON.stringify({ query: '{ __typename }' });
const body = (text: string | Buffer, headers: Readonly<Record<string, string>> = {}): (() => Shot) => {
  return () => ({ body: text, headers });
};
/** A request as text, with its headers. */
const raw = (text: string, leaveAfterMs = 3_000): (() => Shot) => {
  return () => ({ raw: text, leaveAfterMs });
};
const head = (...lines: readonly string[]): string =>
  ['POST /graphql HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const BAD_HTTP: readonly Allowed[] = ['400 *', '405 *', '413 *', '415 *', '431 *', 'closed'];

const http = of(
  'http',
  {
    id: 'body-100001',
    title: 'a body of one byte more than is read',
    as: 'nobody',
    shot: () => json(TYPENAME.padEnd(100_001)),
    allowed: TOO_LARGE,
  },
  {
    id: 'body-10mb',
    title: 'a body of 10 MB',
    as: 'nobody',
    shot: () => json(TYPENAME.padEnd(10_000_000)),
    allowed: TOO_LARGE,
  },
  {
    id: 'body-10mb-clients',
    title: 'bodies of 10 MB by twenty clients',
    as: 'nobody',
    shot: () => json(TYPENAME.padEnd(10_000_000)),
    clients: 20,
    allowed: TOO_LARGE,
  },
  {
    id: 'body-endless',
    title: 'a body that does not end, in chunks of 64 kB',
    as: 'nobody',
    shot: () => ({ trickle: { piece: ' '.repeat(65_536), everyMs: 0, times: 2_000 } }),
    allowed: TOO_LARGE,
  },
  {
    id: 'body-slow',
    title: 'bodies of which a byte comes every 100 ms, by 200 clients',
    as: 'nobody',
    shot: () => ({ trickle: { piece: ' ', everyMs: 100, times: 200 }, leaveAfterMs: 5_000 }),
    clients: 200,
    allowed: ['left', 'closed', '408 *', '400 *'],
  },
  {
    id: 'body-tiny-chunks',
    title: 'a body of 90,000 chunks of a byte, by two clients',
    as: 'nobody',
    shot: raw(
      `${head('transfer-encoding: chunked', 'connection: close')}${'1\r\n \r\n'.repeat(90_000)}0\r\n\r\n`,
    ),
    clients: 2,
    allowed: ['400 *', 'closed', '413 *'],
  },
  {
    id: 'body-none',
    title: 'no body',
    as: 'nobody',
    shot: body(''),
    allowed: BAD_REQUEST,
  },
  {
    id: 'body-shorter',
    title: 'a body that is shorter than it says, by fifty clients that then wait',
    as: 'nobody',
    shot: raw(`${head('content-length: 1000')}{"query":`, 3_000),
    clients: 50,
    allowed: ['left', 'closed', '400 *', '408 *'],
  },
  {
    id: 'gzip-bomb',
    title: 'a body of 60 MB in 60 kB of gzip',
    as: 'nobody',
    shot: () => ({
      body: gzipSync(Buffer.alloc(60_000_000, ' ')),
      headers: { 'content-encoding': 'gzip' },
    }),
    allowed: BAD_HTTP,
  },
  {
    id: 'gzip-deflate',
    title: 'bodies in encodings that nobody reads',
    as: 'nobody',
    shot: (round) => ({
      body: gzipSync(TYPENAME),
      headers: { 'content-encoding': ['gzip, gzip', 'br', 'deflate', letters(8_000)][round] ?? '' },
    }),
    rounds: 4,
    allowed: BAD_HTTP,
  },
  {
    id: 'batch',
    title: 'a batch of 2,000 operations',
    as: 'nobody',
    shot: () => json(`[${times(2_000, TYPENAME, ',')}]`),
    allowed: BAD_REQUEST,
  },
  {
    id: 'batch-expensive',
    title: 'a batch of a hundred expensive operations',
    shot: () =>
      json(`[${times(100, JSON.stringify({ query: '{ games(first: 100) { nodes { version } } }' }), ',')}]`),
    allowed: BAD_REQUEST,
  },
  {
    id: 'json-deep',
    title: 'lists within each other instead of a request, 49,000 levels deep',
    as: 'nobody',
    shot: () => json(nested(49_000, '[', '', ']')),
    allowed: BAD_REQUEST,
  },
  {
    id: 'json-numbers',
    title: 'a body of 45,000 numbers',
    as: 'nobody',
    shot: () => json(`[${times(45_000, '1', ',')}]`),
    allowed: BAD_REQUEST,
  },
  {
    id: 'json-odd',
    title: 'bodies that are JSON and no request',
    as: 'nobody',
    shot: (round) =>
      json(
        [
          'null',
          '1',
          '"{ __typename }"',
          '{}',
          '{"query":{}}',
          '{"query":["{ __typename }"]}',
          '{"query":"{ __typename }","operationName":{}}',
          '{"query":"{ __typename }","variables":"{}}"}',
        ][round] ?? '',
      ),
    rounds: 8,
    allowed: ['400 *'],
  },
  {
    id: 'json-broken',
    title: 'bodies that are no JSON',
    as: 'nobody',
    shot: (round) =>
      json(
        ['{', `{"query":"${letters(80_000)}`, '\ufeff{}', '{"a":1,}', `"${'\\'.repeat(50_001)}`][round] ?? '',
      ),
    rounds: 5,
    allowed: BAD_REQUEST,
  },
  {
    id: 'json-proto',
    title: 'a request with keys that objects of JavaScript have',
    as: 'nobody',
    shot: (round) =>
      json(
        [
          '{"query":"{ __typename }","__proto__":{"variables":{"a":1}}}',
          '{"__proto__":{"query":"{ __typename }"}}',
          '{"query":"{ __typename }","constructor":{"prototype":{"query":"{ a }"}}}',
        ][round] ?? '',
      ),
    rounds: 3,
    allowed: [...BAD_REQUEST, '200'],
  },
  {
    id: 'json-invalid-utf8',
    title: 'a body that is no UTF-8',
    as: 'nobody',
    shot: () =>
      json(
        Buffer.concat([
          Buffer.from('{"query":"{ __typename '),
          Buffer.from([0xff, 0xfe, 0xc0]),
          Buffer.from('}"}'),
        ]),
      ),
    allowed: ['400 *'],
  },
  {
    id: 'json-utf16',
    title: 'a body in UTF-16',
    as: 'nobody',
    shot: body(Buffer.from(TYPENAME, 'utf16le'), { 'content-type': 'application/json; charset=utf-16le' }),
    allowed: BAD_HTTP,
  },
  {
    id: 'content-types',
    title: 'content types that pages of other sites may send',
    as: 'nobody',
    shot: (round) => ({
      body: TYPENAME,
      headers: {
        'content-type':
          [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=a',
            'application/graphql',
            'application/json; charset=',
            ';',
            `application/json; ${letters(7_000)}`,
            'APPLICATION/JSON-seq',
          ][round] ?? '',
      },
    }),
    rounds: 8,
    allowed: [...BAD_HTTP, '200'],
  },
  {
    id: 'headers-20kb',
    title: 'headers of 20 kB',
    as: 'nobody',
    shot: body(TYPENAME, { 'x-junk': letters(20_000) }),
    allowed: ['431 *', 'closed'],
  },
  {
    id: 'headers-many',
    title: '1,000 headers',
    as: 'nobody',
    shot: () => ({
      body: TYPENAME,
      headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x${index}`, '1'])),
    }),
    allowed: ['200', '431 *', '400 *', 'closed'],
  },
  {
    id: 'headers-accept',
    title: 'an accept header of 1,200 types',
    as: 'nobody',
    shot: () => ({
      body: TYPENAME,
      headers: { accept: times(1_200, (n) => `a/b${n};q=0.${n % 10}`, ',').slice(0, 15_000) },
    }),
    allowed: ['200', '400 *', '406 *', '431 *'],
  },
  {
    id: 'headers-accept-different',
    title: '500 different accept headers',
    as: 'nobody',
    shot: (round) => ({ body: TYPENAME, headers: { accept: `application/json;q=0.${round}, */*` } }),
    rounds: 500,
    allowed: ['200'],
  },
  {
    id: 'headers-slow',
    title: 'headers that do not end, by 200 clients',
    as: 'nobody',
    shot: raw('POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nx-junk: ', 4_000),
    clients: 200,
    allowed: ['left', 'closed', '408 *'],
  },
  {
    id: 'keys-unknown',
    title: '600 keys that nobody has, by twenty clients',
    as: 'nobody',
    shot: (round, client) => ({
      ...gql('{ viewer { apiKey } }'),
      headers: { 'x-api-key': `gme_live_${tag(round, client)}.${letters(32)}` },
    }),
    clients: 20,
    rounds: 30,
    allowed: ['401 UNAUTHENTICATED', '429 *'],
    beside: BESIDE,
  },
  {
    id: 'keys-odd',
    title: 'keys that are none',
    as: 'nobody',
    shot: (round) => ({
      ...gql('{ viewer { apiKey } }'),
      headers: { 'x-api-key': [letters(15_000), "' OR 1=1 --", '%00', ' '][round] ?? '' },
    }),
    rounds: 4,
    allowed: ['401 UNAUTHENTICATED', '431 *'],
  },
  {
    id: 'tokens-odd',
    title: 'bearer tokens that are none',
    as: 'nobody',
    shot: (round) => ({
      ...gql('{ viewer { apiKey } }'),
      headers: {
        authorization: `Bearer ${[letters(15_000), `${letters(4_000)}.${letters(4_000)}.${letters(4_000)}`, 'e30.e30.', '.'.repeat(9_000)][round]}`,
      },
    }),
    rounds: 4,
    allowed: ['401 UNAUTHENTICATED'],
  },
  {
    id: 'get-long',
    title: 'a query of 14 kB in the address',
    as: 'nobody',
    shot: () => get({ query: `{ ${times(200, (n) => `a${n}: __typename`)} }` }),
    allowed: [...REFUSED, '431 *'],
  },
  {
    id: 'get-huge',
    title: 'a query of 90 kB in the address',
    as: 'nobody',
    shot: () => get({ query: `{ ${letters(90_000)} }` }),
    allowed: ['431 *', '414 *', 'closed'],
  },
  {
    id: 'get-mutation',
    title: 'a write in an address',
    shot: () => get({ query: MOVE('default', 'socio_bee') }),
    allowed: ['405 *', '400 *'],
  },
  {
    id: 'get-parameters',
    title: 'an address with 1,500 parameters, some of them twice, some that objects have',
    as: 'nobody',
    shot: () => ({
      method: 'GET',
      path: `/graphql?query={__typename}&query={a}&__proto__[x]=1&variables=${'%7B'.repeat(500)}&${times(1_500, (n) => `a${n}=1`, '&')}`,
      headers: { 'apollo-require-preflight': 'true' },
    }),
    allowed: ['200', ...BAD_HTTP],
  },
  {
    id: 'paths',
    title: 'addresses that lead nowhere',
    as: 'nobody',
    shot: (round) => ({
      method: 'GET',
      path:
        [
          '/%',
          '/..%2f..%2fetc/passwd',
          `/${letters(10_000)}`,
          '//graphql',
          '/graphql/%00',
          '/graphiql/../../package.json',
        ][round] ?? '/',
    }),
    rounds: 6,
    allowed: ['400 *', '404 *', '414 *'],
  },
  {
    id: 'methods',
    title: 'methods that nobody offers',
    as: 'nobody',
    shot: (round) => ({
      method: ['PUT', 'DELETE', 'TRACE', 'OPTIONS', 'PATCH', 'PROPFIND'][round] ?? 'PUT',
      body: TYPENAME,
      headers: { 'content-type': 'application/json' },
    }),
    rounds: 6,
    allowed: ['204', '404 *', '405 *', '400 *', '501 *', 'closed'],
  },
  {
    id: 'smuggled-length',
    title: 'a request with a length and with chunks',
    as: 'nobody',
    shot: raw(
      `${head('content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\nGET /metrics HTTP/1.1\r\nhost: a\r\n\r\n`,
    ),
    allowed: ['400 *', 'closed'],
  },
  {
    id: 'smuggled-twice',
    title: 'a request with two lengths',
    as: 'nobody',
    shot: raw(`${head('content-length: 5', 'content-length: 30')}12345GET /metrics HTTP/1.1\r\n\r\n`),
    allowed: ['400 *', 'closed'],
  },
  {
    id: 'not-http',
    title: 'what is no HTTP',
    as: 'nobody',
    shot: raw(`\x16\x03\x01${letters(1_000, '\0')}\r\n\r\n`),
    allowed: ['400 *', 'closed'],
  },
  {
    id: 'pipelined',
    title: '3,000 requests on one connection without waiting for an answer',
    as: 'nobody',
    shot: raw(`${head(`content-length: ${TYPENAME.length}`)}${TYPENAME}`.repeat(3_000), 4_000),
    allowed: ['left', 'closed', '200'],
    maxBytes: 100_000,
  },
  {
    id: 'pipelined-unread',
    title: 'the schema 2,000 times on one connection, by four clients that read nothing',
    as: 'nobody',
    shot: () => {
      const sdl = JSON.stringify({ query: '{ _sdl }' });
      return {
        raw: `${head(`content-length: ${sdl.length}`)}${sdl}`.repeat(2_000),
        unread: true,
        leaveAfterMs: 4_000,
      };
    },
    clients: 4,
    allowed: ['left', 'closed'],
  },
  {
    id: 'connections',
    title: '500 connections that say nothing',
    as: 'nobody',
    shot: raw('', 2_000),
    clients: 500,
    allowed: ['left', 'closed'],
  },
  {
    id: 'flood',
    title: 'trivial operations by a hundred clients',
    as: 'nobody',
    shot: () => json(TYPENAME),
    clients: 100,
    rounds: 30,
    allowed: ['200', '429 *'],
  },
  {
    id: 'flood-metrics',
    title: 'metrics by fifty clients',
    as: 'nobody',
    shot: () => ({ method: 'GET', path: '/metrics' }),
    clients: 50,
    rounds: 20,
    allowed: ['200', '429 *'],
  },
  {
    id: 'flood-pages',
    title: 'large pages by sixty clients of one owner while somebody else reads',
    shot: () =>
      gql(
        '{ games(first: 100) { nodes { id version tasks(first: 20) { nodes { id params { value } } } } } }',
      ),
    clients: 60,
    rounds: 2,
    allowed: ['200', '429 *'],
    beside: BESIDE,
  },
);

export const CORPUS: readonly Attack[] = [
  ...usual,
  ...unfolding,
  ...schema,
  ...names,
  ...leaderboards,
  ...params,
  ...filters,
  ...ids,
  ...errors,
  ...moves,
  ...validation,
  ...documents,
  ...values,
  ...persisted,
  ...http,
];

/**
 * Operations of which each was the most expensive that is allowed, of one kind: what one caller may send at its best. The
 * runner takes the one that takes longest of those that are answered.
 */
export const MOST_EXPENSIVE: readonly { readonly id: string; readonly shot: () => Shot }[] = [
  ...[5, 1].map((count) => ({
    id: `leaderboards-${count}`,
    shot: document(
      `query ($id: ID!) { game(id: $id) { ${times(count, (n) => `a${n}: leaderboard(first: 100) { totalCount nodes { externalUserId points } }`)} } }`,
      { id: MILLION },
    ),
  })),
  ...[50, 20, 5].map((count) => ({
    id: `counts-${count}`,
    shot: document(
      `{ ${times(count, (n) => `a${n}: games(filter: { externalGameId: { containsInsensitive: "x${n}" } }) { totalCount }`)} }`,
    ),
  })),
  ...[100, 50, 20].map((size) => ({
    id: `tasks-${size}`,
    shot: document(
      `{ games(first: ${size}) { nodes { version tasks(first: ${size}) { totalCount nodes { id externalTaskId status createdAt params { id key value } } } } } }`,
    ),
  })),
  {
    id: 'params',
    shot: document('query ($id: ID!) { game(id: $id) { params { key value } } }', { id: PARAMS }),
  },
  { id: 'page', shot: document('{ games(first: 100) { nodes { id version params { key } } } }') },
];
