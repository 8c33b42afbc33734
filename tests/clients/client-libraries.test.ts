import { ApolloClient, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  commitLocalUpdate,
  ConnectionHandler,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  Network,
  RecordSource,
  Store,
  type ConcreteRequest,
  type GraphQLResponse,
  type OperationType,
} from 'relay-runtime';
import type { Owner } from '../support/builders.js';
import { makeFrontend, runTool } from '../support/frontend.js';
import { useApi } from '../support/use-api.js';

const GAMES = 45;
const PAGE = 10;

const { api, rows } = useApi();
let owner: Owner;
/** All games, newest first. */
let names: string[];

beforeAll(async () => {
  owner = await rows.owner();
  names = Array.from({ length: GAMES }, (_, index) => `game-${String(index).padStart(2, '0')}`);
  for (const [index, externalGameId] of names.entries()) {
    // Three at a time are of one instant: only the id tells them apart.
    const created_at = new Date(Date.UTC(2026, 0, 60 - Math.floor(index / 3))).toISOString();
    await owner.game({ externalGameId, created_at });
  }
  names = (
    await api.data<{ games: { nodes: { externalGameId: string }[] } }>(
      '{ games(first: 100) { nodes { externalGameId } } }',
      {},
      owner,
    )
  ).games.nodes.map(({ externalGameId }) => externalGameId);
});

interface Variables {
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
}
interface Data {
  readonly games: {
    readonly edges: readonly { readonly node: { readonly externalGameId: string } }[];
    readonly pageInfo: {
      readonly hasNextPage: boolean;
      readonly hasPreviousPage: boolean;
      readonly startCursor: string | null;
      readonly endCursor: string | null;
    };
  };
}
const DOCUMENT = `query Games($first: Int, $after: String, $last: Int, $before: String) {
  games(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id externalGameId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
const namesOf = ({ games }: Data): string[] => games.edges.map(({ node }) => node.externalGameId);

test('there is something to walk through', () => {
  expect(new Set(names).size).toBe(GAMES);
});

describe('Apollo Client with relayStylePagination', () => {
  const query: TypedDocumentNode<Data, Variables> = gql(DOCUMENT);
  const client = (): ApolloClient =>
    new ApolloClient({
      link: new HttpLink({ uri: `${api.origin}/graphql`, headers: { 'x-api-key': owner.key } }),
      cache: new InMemoryCache({ typePolicies: { Query: { fields: { games: relayStylePagination() } } } }),
    });

  /** Asks for a page; the cache joins it to those that it has. */
  const page = async (apollo: ApolloClient, variables: Variables): Promise<Data['games']['pageInfo']> => {
    const { data } = await apollo.query({ query, variables, fetchPolicy: 'network-only' });
    if (data === undefined) throw new Error('No data.');
    return data.games.pageInfo;
  };
  const cached = (apollo: ApolloClient): string[] => {
    const data = apollo.readQuery({ query, variables: {} });
    return data === null ? [] : namesOf(data);
  };

  test('walks to the end, and has every game once', async () => {
    const apollo = client();
    let info = await page(apollo, { first: PAGE });
    while (info.hasNextPage) info = await page(apollo, { first: PAGE, after: info.endCursor });
    expect(cached(apollo)).toEqual(names);
  });

  test('walks from the end to the start', async () => {
    const apollo = client();
    let info = await page(apollo, { last: PAGE });
    while (info.hasPreviousPage) info = await page(apollo, { last: PAGE, before: info.startCursor });
    expect(cached(apollo)).toEqual(names);
  });
});

describe('urql with relayPagination of graphcache', () => {
  const client = (): Client =>
    new Client({
      url: `${api.origin}/graphql`,
      preferGetMethod: false,
      fetchOptions: { headers: { 'x-api-key': owner.key } },
      exchanges: [cacheExchange({ resolvers: { Query: { games: relayPagination() } } }), fetchExchange],
    });
  const page = async (urql: Client, variables: Variables): Promise<Data> => {
    const { data, error } = await urql.query<Data>(DOCUMENT, variables).toPromise();
    if (error || data === undefined) throw error ?? new Error('No data.');
    return data;
  };

  test('walks to the end, and has every game once', async () => {
    const urql = client();
    let data = await page(urql, { first: PAGE });
    while (data.games.pageInfo.hasNextPage) {
      data = await page(urql, { first: PAGE, after: data.games.pageInfo.endCursor });
    }
    expect(namesOf(data)).toEqual(names);
  });

  test('walks from the end to the start', async () => {
    const urql = client();
    let data = await page(urql, { last: PAGE });
    while (data.games.pageInfo.hasPreviousPage) {
      data = await page(urql, { last: PAGE, before: data.games.pageInfo.startCursor });
    }
    expect(namesOf(data)).toEqual(names);
  });
});

describe("Relay's compiler and runtime", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await makeFrontend({
      'relay.config.json': JSON.stringify({
        src: './src',
        schema: './schema.graphql',
        language: 'javascript',
        eagerEsModules: true,
      }),
      'src/games.js': `import { graphql } from 'relay-runtime';
        export const query = graphql\`query gamesQuery { ...games_list }\`;
        export const list = graphql\`fragment games_list on Query
          @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
          @refetchable(queryName: "gamesPageQuery") {
          games(first: $count, after: $cursor) @connection(key: "games_list_games") { edges { node { id externalGameId ...games_tasks } } } }\`;
        export const tasks = graphql\`fragment games_tasks on Game
          @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" })
          @refetchable(queryName: "gamesTasksQuery") {
          tasks(first: $count, after: $cursor) @connection(key: "games_tasks_tasks") { edges { node { id status } } } }\`;`,
    });
    await runTool(directory, 'relay-compiler');
  });
  afterAll(() => rm(dirname(directory), { recursive: true, force: true }));

  test('the compiler makes queries of pagination fragments; those of a game go by node', async () => {
    const refetch = await readFile(
      join(directory, 'src', '__generated__', 'gamesTasksQuery.graphql.js'),
      'utf8',
    );
    expect(refetch).toContain('node(id: $id)');
  });

  test('the runtime joins the pages to a connection that has every game once', async () => {
    const file = join(directory, 'src', '__generated__', 'gamesPageQuery.graphql.js');
    const { default: query } = (await import(file)) as { default: ConcreteRequest };
    const environment = new Environment({
      store: new Store(new RecordSource()),
      network: Network.create(async ({ text }, variables) => {
        const answer = await fetch(`${api.origin}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': owner.key },
          body: JSON.stringify({ query: text, variables }),
        });
        return (await answer.json()) as GraphQLResponse;
      }),
    });
    environment.retain(createOperationDescriptor(query, { count: PAGE }));
    /** What the connection holds so far, and the cursor of what comes next. */
    const joined = (): { readonly held: string[]; readonly next: string | null } => {
      let held: string[] = [];
      let next: string | null = null;
      commitLocalUpdate(environment, (store) => {
        const connection = ConnectionHandler.getConnection(store.getRoot(), 'games_list_games');
        const edges = connection?.getLinkedRecords('edges') ?? [];
        held = edges.map((edge) => String(edge.getLinkedRecord('node').getValue('externalGameId')));
        const info = connection?.getLinkedRecord('pageInfo');
        if (info?.getValue('hasNextPage') === true) next = String(info.getValue('endCursor'));
      });
      return { held, next };
    };
    const pages: string[][] = [];
    for (let cursor: string | null = null; pages.length === 0 || cursor !== null; cursor = joined().next) {
      await fetchQuery<OperationType>(environment, query, { count: PAGE, cursor }).toPromise();
      pages.push(joined().held);
    }
    expect(pages.map((page) => page.length)).toEqual([10, 20, 30, 40, 45]);
    expect(pages.at(-1)).toEqual(names);
  });
});

test('the client preset of graphql-codegen types operations strictly', async () => {
  const directory = await makeFrontend({
    'codegen.json': JSON.stringify({
      schema: 'schema.graphql',
      documents: 'src/main.ts',
      generates: {
        'src/gql/': {
          preset: 'client',
          config: { strictScalars: true, scalars: { DateTime: 'string', _Any: 'unknown' } },
        },
      },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: true,
        target: 'es2022',
        module: 'preserve',
        moduleResolution: 'bundler',
        types: [],
      },
      include: ['src'],
    }),
    'src/main.ts': `import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
        import { graphql } from './gql';
        const Games = graphql(\`query Games($first: Int, $filter: GameFilter) { games(first: $first, filter: $filter) { totalCount nodes { id createdAt strategy { kind } } } }\`);
        const Patch = graphql(\`mutation Patch($input: PatchGameInput!) { patchGame(input: $input) { game { version } } }\`);
        declare function run<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Data;
        const { games } = run(Games, { first: 3, filter: { platform: { in: ['web'] }, not: { createdAt: { isNull: true } } } });
        const count: number = games?.totalCount ?? 0;
        const created: string | null | undefined = games?.nodes[0]?.createdAt;
        const version: string | undefined = run(Patch, { input: { id: 'x', platform: 'ios' } }).patchGame?.game?.version;
        // @ts-expect-error A name that is no field of the filter.
        run(Games, { filter: { plattform: { eq: 'web' } } });
        // @ts-expect-error The input needs an id.
        run(Patch, { input: { platform: 'ios' } });
        console.log(count, created, version);`,
  });
  try {
    await runTool(directory, 'graphql-codegen', '--config', 'codegen.json');
    await runTool(directory, 'tsc', '--lib', 'es2022,dom');
    expect(await readFile(join(directory, 'src', 'gql', 'graphql.ts'), 'utf8')).toContain('GameFilter');
  } finally {
    await rm(dirname(directory), { recursive: true, force: true });
  }
});
