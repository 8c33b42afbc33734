import { composeServices as composeByApollo } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { stitchSchemas } from '@graphql-tools/stitch';
import { stitchingDirectives } from '@graphql-tools/stitching-directives';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { composeServices as composeByGuild } from '@theguild/federation-composition';
import { buildSchema, graphql, parse, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { makeFrontend } from '../support/frontend.js';
import { startNotesService, type NotesService } from '../support/notes-service.js';
import { until } from '../support/process.js';
import { recordStatements, workOf } from '../support/statements.js';

interface Gateway {
  /** Asks the gateway with an API key, which it passes on. */
  ask(document: string, key?: string): Promise<ExecutionResult>;
  close(): Promise<void>;
}

let api: Api;
let alice: Owner;
let bob: Owner;
let notes: NotesService;
/** Two games of alice, one of bob. */
let ids: readonly [string, string, string];
const unknown = randomUUID();
/** Requests that reached the API through a gateway. */
let calls = 0;

beforeAll(async () => {
  api = await startApi();
  const rows = rowsOf(api.database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
  const [first, second, third] = [
    await alice.game({ externalGameId: 'first' }),
    await alice.game({ externalGameId: 'second' }),
    await bob.game({ externalGameId: 'third' }),
  ];
  ids = [first.id, second.id, third.id];
  notes = await startNotesService([
    { text: 'on the second', gameId: second.id },
    { text: 'on the first', gameId: first.id },
    { text: 'on that of bob', gameId: third.id },
    { text: 'on none', gameId: unknown },
    { text: 'again on the first', gameId: first.id },
  ]);
});
afterAll(async () => {
  await notes.close();
  await api.close();
});

async function stitchingSdl(): Promise<string> {
  return (await api.data<{ sdl: string }>('{ sdl: _sdl }')).sdl;
}

async function federationSdl(): Promise<string> {
  return (await api.data<{ service: { sdl: string } }>('{ service: _service { sdl } }')).service.sdl;
}

/** Sends what a gateway asks of a service, with the key that the gateway was given. */
const executorOf = (endpoint: string): ReturnType<typeof buildHTTPExecutor> =>
  buildHTTPExecutor({
    endpoint,
    headers: (request): Record<string, string> => {
      const { key } = Object(request?.context) as { key?: string };
      return key === undefined ? {} : { 'x-api-key': key };
    },
    fetch: (url, init) => {
      if (url.startsWith(api.origin)) calls++;
      return fetch(url, init);
    },
  });

function gatewayOf(schema: GraphQLSchema): Gateway {
  return {
    ask: (source, key) => graphql({ schema, source, contextValue: { key } }),
    close: () => Promise.resolve(),
  };
}

async function stitch(): Promise<Gateway> {
  const { stitchingDirectivesTransformer } = stitchingDirectives();
  const services: [string, string][] = [
    [await stitchingSdl(), `${api.origin}/graphql`],
    [notes.stitchingSdl, notes.url],
  ];
  return gatewayOf(
    stitchSchemas({
      subschemaConfigTransforms: [stitchingDirectivesTransformer],
      subschemas: services.map(([sdl, url]) => ({
        schema: buildSchema(sdl),
        executor: executorOf(url),
        batch: true,
      })),
    }),
  );
}

async function supergraph(): Promise<string> {
  const result = composeByApollo([
    { name: 'games', url: `${api.origin}/graphql`, typeDefs: parse(await federationSdl()) },
    { name: 'notes', url: notes.url, typeDefs: parse(notes.federationSdl) },
  ]);
  expect(result.errors).toBeUndefined();
  return result.supergraphSdl ?? '';
}

async function federateByTools(): Promise<Gateway> {
  return gatewayOf(
    getStitchedSchemaFromSupergraphSdl({
      supergraphSdl: await supergraph(),
      batch: true,
      onSubschemaConfig: (config) => {
        config.executor = executorOf(config.endpoint);
      },
    }),
  );
}

async function federateByApollo(): Promise<Gateway> {
  class Source extends RemoteGraphQLDataSource<{ key?: string }> {
    override willSendRequest({
      request,
      context,
    }: Parameters<NonNullable<RemoteGraphQLDataSource<{ key?: string }>['willSendRequest']>>[0]): void {
      if (request.http?.url.startsWith(api.origin)) calls++;
      const { key } = context as { key?: string };
      if (key !== undefined) request.http?.headers.set('x-api-key', key);
    }
  }
  const server = new ApolloServer<{ key?: string }>({
    gateway: new ApolloGateway({
      supergraphSdl: await supergraph(),
      buildService: ({ url }) => new Source({ ...(url === undefined ? {} : { url }) }),
    }),
    stopOnTerminationSignals: false,
  });
  await server.start();
  return {
    ask: async (query, key) => {
      const { body } = await server.executeOperation(
        { query },
        { contextValue: key === undefined ? {} : { key } },
      );
      if (body.kind !== 'single') throw new Error('One answer is expected.');
      return JSON.parse(JSON.stringify(body.singleResult)) as ExecutionResult;
    },
    close: () => server.stop(),
  };
}

describe.each([
  ['a gateway that stitches', stitch],
  ['a federated gateway of Apollo', federateByApollo],
  ['a federated gateway of graphql-tools', federateByTools],
])('%s', (_name, start) => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await start();
  });
  afterAll(() => gateway.close());

  test('joins games to what another service knows of them: one call, the order kept, null for what is not the caller’s', async () => {
    calls = 0;
    const { data, errors } = await gateway.ask(
      '{ recentNotes { text game { id externalGameId } } }',
      alice.key,
    );
    expect(errors).toBeUndefined();
    const { recentNotes } = data as { recentNotes: { game: { externalGameId: string | null } | null }[] };
    // No error: docs/gateways.md says so.
    expect(recentNotes.map(({ game }) => game?.externalGameId ?? null)).toEqual([
      'second',
      'first',
      null,
      null,
      'first',
    ]);
    expect(calls).toBe(1);
  });

  test('shows what another service knows of a page of games', async () => {
    calls = 0;
    const { data, errors } = await gateway.ask(
      '{ games(orderBy: [{ field: EXTERNAL_GAME_ID }]) { totalCount nodes { externalGameId notes } pageInfo { hasNextPage } } }',
      alice.key,
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      games: {
        totalCount: 2,
        nodes: [
          { externalGameId: 'first', notes: ['on the first', 'again on the first'] },
          { externalGameId: 'second', notes: ['on the second'] },
        ],
        pageInfo: { hasNextPage: false },
      },
    });
    expect(calls).toBe(1);
  });

  test.each([
    ['a game that is not there', () => unknown, () => alice.key, 'NOT_FOUND'],
    ['a game of another owner, in the same way', () => ids[2], () => alice.key, 'NOT_FOUND'],
    ['no key', () => ids[0], () => undefined, 'UNAUTHENTICATED'],
  ])('keeps the code of an error: %s', async (_what, id, key, code) => {
    const { data, errors } = await gateway.ask(`{ game(id: "${id()}") { externalGameId } }`, key());
    expect(data).toEqual({ game: null });
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual([code]);
  });
});

describe('examples/gateway', () => {
  let directory: string;
  let gateway: ChildProcess;
  let url: string;
  beforeAll(async () => {
    const program = await readFile(new URL('../../examples/gateway/gateway.js', import.meta.url), 'utf8');
    directory = await makeFrontend({ 'gateway.js': program });
    const { PATH } = process.env;
    const env = { PATH, API: `${api.origin}/graphql`, PORT: '0' };
    gateway = spawn(process.execPath, ['gateway.js'], { cwd: directory, env, timeout: 240_000 });
    let printed = '';
    for (const stream of [gateway.stdout, gateway.stderr]) {
      stream?.on('data', (data) => (printed += String(data)));
    }
    url = await until(
      () => /http:\S+\/graphql/.exec(printed)?.[0] ?? null,
      () => printed,
    );
  });
  afterAll(async () => {
    gateway.kill('SIGKILL');
    await rm(dirname(directory), { recursive: true, force: true });
  });

  const askIt = async (query: string, key: string): Promise<ExecutionResult> => {
    const headers = { 'content-type': 'application/json', 'x-api-key': key };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return (await response.json()) as ExecutionResult;
  };

  test('tells and adds notes only to who sees the game', async () => {
    const [mine] = ids;
    const add = `mutation { addNote(gameId: "${mine}", text: "secret") { notes } }`;
    const read = `{ notedGames(ids: ["${mine}"]) { notes } }`;
    const stranger = await askIt(add, bob.key);
    expect(stranger.errors).toMatchObject([
      { message: 'Game not found.', extensions: { code: 'NOT_FOUND' } },
    ]);
    expect(await askIt(add, alice.key)).toEqual({ data: { addNote: { notes: ['secret'] } } });
    expect(await askIt(read, alice.key)).toEqual({ data: { notedGames: [{ notes: ['secret'] }] } });
    expect(await askIt(read, bob.key)).toEqual({ data: { notedGames: [null] } });
    const unknownKey = await askIt(read, 'unknown');
    expect(unknownKey.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    const list = await askIt('{ games { nodes { externalGameId notes } } }', alice.key);
    expect((list.data as { games: { nodes: object[] } }).games.nodes).toContainEqual({
      externalGameId: 'first',
      notes: ['secret'],
    });
  });
});

describe('the schema for gateways', () => {
  test('composes with a second subgraph in both compositions of Federation 2', async () => {
    const services = [
      { name: 'games', typeDefs: parse(await federationSdl()) },
      { name: 'notes', typeDefs: parse(notes.federationSdl) },
    ];
    expect(composeByApollo(services).errors).toBeUndefined();
    expect(composeByGuild(services)).not.toHaveProperty('errors');
  });

  test('composes with another service that is as this one is, in what they do not own', async () => {
    const relay = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@shareable"])
      interface Node { id: ID! } type Query { node(id: ID!): Node viewer: String books: BookConnection }
      type Book implements Node { id: ID! } type BookConnection { nodes: [Book!]! pageInfo: PageInfo! }
      type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }`;
    const result = composeByApollo([
      { name: 'games', typeDefs: parse(await federationSdl()) },
      { name: 'books', typeDefs: parse(relay) },
    ]);
    expect(result.errors).toBeUndefined();
  });

  test('leaves out what each service has for itself, and nothing else', async () => {
    const whole = Object.keys(
      buildSchema(await stitchingSdl())
        .getQueryType()
        ?.getFields() ?? {},
    ).sort();
    expect(whole).toEqual([
      '_sdl',
      'externalGameIds',
      'game',
      'gameByExternalId',
      'games',
      'gamesByIds',
      'strategies',
      'strategy',
      'strategyReassignments',
    ]);
    const data = await api.data<{ type: { fields: { name: string }[] } }>(
      '{ type: __type(name: "Query") { fields { name } } }',
    );
    expect(data.type.fields.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'nodes', 'viewer']),
    );
  });

  test('is FORBIDDEN where introspection is off', async () => {
    const closed = await startApi({ database: api.database, env: { INTROSPECTION: 'off' } });
    try {
      for (const field of ['_sdl', '_service { sdl }']) {
        const { codes } = await closed.errors(`{ ${field} }`);
        expect(codes).toEqual(['FORBIDDEN']);
      }
    } finally {
      await closed.close();
    }
  });
});

describe('_entities', () => {
  const ENTITIES = `query ($representations: [_Any!]!) { _entities(representations: $representations) {
    __typename ... on Game { id externalGameId } ... on Task { id externalTaskId } ... on Strategy { id name } } }`;

  test('finds each kind by its key, in order, with one statement for each kind', async () => {
    const game = await alice.game({ externalGameId: 'with-task' });
    const task = await game.task({ externalTaskId: 'a-task' });
    const representations = [
      { __typename: 'Task', id: task.id },
      { __typename: 'Game', id: game.id },
      { __typename: 'Strategy', id: 'default' },
      { __typename: 'Game', id: ids[2] },
      { __typename: 'Task', id: game.id },
      { __typename: 'Game', id: game.id, more: 'of the other services' },
      { __typename: 'Strategy', id: 'custom:nothing' },
    ];
    await api.data(ENTITIES, { representations }, alice);
    let result: unknown;
    const statements = await recordStatements(api, async () => {
      result = await api.data(ENTITIES, { representations }, alice);
    });
    expect(result).toEqual({
      _entities: [
        { __typename: 'Task', id: task.id, externalTaskId: 'a-task' },
        { __typename: 'Game', id: game.id, externalGameId: 'with-task' },
        { __typename: 'Strategy', id: 'default', name: 'default' },
        null,
        null,
        { __typename: 'Game', id: game.id, externalGameId: 'with-task' },
        null,
      ],
    });
    expect(workOf(statements)).toHaveLength(3);
  });

  test('says of each representation that is none what is wrong with it', async () => {
    const representations = [
      { __typename: 'User', id: 'x' },
      { id: 5 },
      'text',
      { __typename: 'Game', id: ids[0] },
    ];
    const { errors } = await api.errors(ENTITIES, { representations }, alice);
    expect(errors).toMatchObject([
      {
        extensions: {
          code: 'BAD_USER_INPUT',
          problems: [
            { argument: 'representations.0.__typename' },
            { argument: 'representations.1.__typename' },
            { argument: 'representations.1.id' },
            { argument: 'representations.2.__typename' },
            { argument: 'representations.2.id' },
          ],
        },
      },
    ]);
  });

  test('takes 1,000 representations, and no more', async () => {
    const representations = Array.from({ length: 1_000 }, () => ({ __typename: 'Game', id: ids[0] }));
    const data = await api.data<{ _entities: unknown[] }>(ENTITIES, { representations }, alice);
    expect(Object.values(data)[0]).toHaveLength(1_000);
    const { codes } = await api.errors(
      ENTITIES,
      { representations: [...representations, { __typename: 'Game', id: ids[0] }] },
      alice,
    );
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
  });
});
