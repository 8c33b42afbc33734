import type { ApolloClient, TypedDocumentNode } from '@apollo/client';
import { composeServices } from '@apollo/composition';
import { ApolloServer } from '@apollo/server';
import { ApolloServerErrorCode } from '@apollo/server/errors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Client } from '@urql/core';
import { buildSchema, graphql, Kind, parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ComponentType } from 'react';
import { readConfig } from '../../src/config.js';
import { startApi, type Answer, type Credentials, type Variables } from '../support/api.js';
import { Owner } from '../support/builders.js';
import {
  codeOf,
  commandsOf,
  linksOf,
  readDocument,
  REPOSITORY,
  tableRows,
  userDocuments,
  type Block,
  type Document,
} from '../support/documents.js';
import { makeFrontend, PACKAGES, runTool } from '../support/frontend.js';
import { Page } from '../support/page.js';
import { closeWorkplaces, until, Workplace } from '../support/process.js';
import { readRealm } from '../support/realm.js';
import { settings } from '../support/settings.js';
import { useApiAndIssuer } from '../support/use-api.js';

/** What the documents say where the server is, and a key that they show. */
const DOCUMENTED_ORIGIN = 'http://127.0.0.1:4000';
const DOCUMENTED_PREFIX = 'gme_live_a1B2c3D4';

const documents = await userDocuments();
const blocks = documents.flatMap((document) => document.blocks);
const byName = new Map(documents.map((document) => [document.path, document]));
const composeText = await readFile(join(REPOSITORY, 'compose.yaml'), 'utf8');
const realm = await readRealm();
const schemaText = await readFile(join(REPOSITORY, 'schema.graphql'), 'utf8');
const schema = buildSchema(schemaText);

const { api, issuer, rows } = useApiAndIssuer();
let owner: Owner;
/** The owner who is an admin too: may do all that is documented. */
let mighty: Credentials;

beforeAll(async () => {
  const { key } = await rows.owner({ apiKey: DOCUMENTED_PREFIX });
  owner = new Owner(rows, key, DOCUMENTED_PREFIX);
  mighty = { key: owner.key, ...(await issuer.admin('the-operator')) };
});
afterAll(closeWorkplaces);

const at = ({ document, line }: Block): string => `${document}:${line}`;
const blocksOf = (...languages: string[]): Block[] =>
  blocks.filter(({ language }) => languages.includes(language));
const titled = (some: readonly Block[]): [string, Block][] => some.map((block) => [at(block), block]);
const documentOf = (path: string): Document => {
  const document = byName.get(path);
  if (document === undefined) throw new Error(`There is no ${path}.`);
  return document;
};

describe('every block of code', () => {
  const rules: Readonly<Record<string, readonly string[]>> = {
    graphql: [''],
    ts: [''],
    tsx: [''],
    // Run by tests/database/rights.test.ts.
    sql: [''],
    sh: [''],
    ini: [''],
    // Run by tests/faults/rolling.ts.
    haproxy: [''],
    nginx: [''],
    json: ['answer', 'log', 'relay.config.json'],
    yaml: ['supergraph.yaml', 'router.yaml'],
    mermaid: [''],
  };

  test.each(titled(blocks))('has a rule that runs or checks it: %s', (_at, { language, kind }) => {
    expect(rules[language] ?? []).toContain(kind);
  });

  test('there are some of each kind', () => {
    const kinds = blocks.map(({ language, kind }) => `${language} ${kind}`.trim());
    expect([...new Set(kinds)].sort()).toEqual(
      Object.entries(rules)
        .flatMap(([language, some]) => some.map((kind) => `${language} ${kind}`.trim()))
        .sort(),
    );
  });

  test('of SQL is the one script that tests/database/rights.test.ts runs', () => {
    const scripts = blocksOf('sql');
    expect(scripts.map(({ document }) => document)).toEqual(['docs/operating.md']);
    expect(scripts[0]?.text).toMatch(/^CREATE ROLE /);
  });

  test.each(titled(blocksOf('mermaid')))('a diagram has edges only: %s', (_at, { text }) => {
    const [first, ...edges] = text.trim().split('\n');
    expect(first).toMatch(/^flowchart (LR|TD)$/);
    const node = String.raw`\w+(\[[\w ]+\]|\(\[[\w ]+\]\))?`;
    for (const edge of edges) expect(edge).toMatch(new RegExp(`^  ${node} -->(\\|[\\w ]+\\|)? ${node}$`));
  });
});

/** Rows for one operation: games, tasks, points, strategies, a move. */
interface Fixture {
  readonly game: string;
  readonly name: string;
  readonly task: string;
  readonly taskId: string;
  readonly version: string;
  readonly taskVersion: string;
  readonly strategy: string;
  readonly reassignment: string;
}

let fixtures = 0;
async function fixture(): Promise<Fixture> {
  const number = ++fixtures;
  const name = `documented-summer-${number}`;
  const game = await owner.game({ externalGameId: name, platform: 'ios', strategyId: 'socio_bee' });
  await game.param();
  const task = await game.task({ externalTaskId: 'daily-steps' });
  await task.param();
  await task.points(await rows.user());
  const family = `documented-${number}`;
  await owner.strategy({ name: family, version: 1, status: 'ARCHIVED' });
  const second = await owner.strategy({ name: family, version: 2 });
  await owner.game({ strategyId: second.strategyId });
  const moved = await api.data<{ move: { reassignment: { id: string } } }>(
    `mutation { move: bulkUpdateStrategyId(input: { oldStrategyId: "socio_bee", newStrategyId: "default", ids: ["${game.id}"] }) { reassignment { id } } }`,
    {},
    owner,
  );
  const read = await api.data<{ game: { version: string }; task: { version: string } }>(
    `{ game(id: "${game.id}") { version } task: node(id: "${task.id}") { ... on Task { version } } }`,
    {},
    owner,
  );
  return {
    game: game.id,
    name,
    task: 'daily-steps',
    taskId: task.id,
    version: read.game.version,
    taskVersion: read.task.version,
    strategy: second.strategyId,
    reassignment: moved.move.reassignment.id,
  };
}

/** The variables of the documented operations that have some. */
const VARIABLES: Readonly<Record<string, (rows: Fixture) => Variables>> = {
  Screen: ({ name }) => ({ externalGameId: name }),
  Games: () => ({ after: null }),
  Game: ({ game }) => ({ id: game }),
  Task: ({ name, task }) => ({ externalGameId: name, externalTaskId: task }),
  ByIds: ({ game }) => ({ ids: [game] }),
  PreviousPage: () => ({ before: null }),
  Patch: ({ game, version }) => ({ id: game, version }),
  Copy: ({ game }) => ({ id: game }),
  Delete: ({ game }) => ({ id: game }),
  CreateTask: ({ game }) => ({ gameId: game }),
  CloseTask: ({ taskId, taskVersion }) => ({ id: taskId, version: taskVersion }),
  CopyTask: ({ taskId }) => ({ id: taskId }),
  DeleteTask: ({ taskId }) => ({ id: taskId }),
  Undo: ({ reassignment }) => ({ reassignment }),
  Rollback: ({ strategy }) => ({ strategy, dryRun: false }),
};

const isOfSchema = (document: DocumentNode): boolean =>
  document.definitions.some(
    ({ kind }) => kind !== Kind.OPERATION_DEFINITION && kind !== Kind.FRAGMENT_DEFINITION,
  );

/** Of each block, the answer that a `json answer` block after it shows. */
function answerAfter(block: Block): Block | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.language === 'json' && next.kind === 'answer' ? next : undefined;
}

describe('every operation', () => {
  const operations = blocksOf('graphql').filter(({ text }) => !isOfSchema(parse(text)));

  test('has a name of its own, and variables here where it has some', () => {
    const definitions = operations.flatMap(({ text }) => parse(text).definitions);
    const named = definitions.map((definition) => {
      if (definition.kind !== Kind.OPERATION_DEFINITION) throw new Error('An operation?');
      return {
        name: definition.name?.value ?? '',
        hasVariables: (definition.variableDefinitions ?? []).length > 0,
      };
    });
    const names = named.map(({ name }) => name);
    expect(names).not.toContain('');
    expect(names).toEqual([...new Set(names)]);
    expect(
      named
        .filter(({ hasVariables }) => hasVariables)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(VARIABLES).sort());
  });

  test.each(titled(operations))('is answered over HTTP without an error: %s', async (_at, block) => {
    const document = parse(block.text);
    expect(validate(schema, document)).toEqual([]);
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      const variables = VARIABLES[definition.name?.value ?? '']?.(await fixture()) ?? {};
      const answer: Answer = await api.query(
        block.text.slice(definition.loc?.start, definition.loc?.end),
        variables,
        mighty,
      );
      const shown = answerAfter(block);
      const { status, body } = answer;
      const expected = shown === undefined ? { data: body.data } : (JSON.parse(shown.text) as object);
      expect({ status, body }).toEqual({ status: 200, body: expected });
      // An example that finds nothing shows nothing.
      const nulls = Object.values(body.data ?? {}).filter((value) => value === null);
      expect(nulls).toHaveLength(shown === undefined ? 0 : 1);
    }
  });

  test('an answer that is shown follows its operation', () => {
    const shown = blocks.filter(({ language, kind }) => language === 'json' && kind === 'answer');
    expect(operations.flatMap((block) => answerAfter(block) ?? [])).toEqual(shown);
  });

  test.each(titled(blocksOf('graphql').filter(({ text }) => isOfSchema(parse(text)))))(
    'a schema is a subgraph that composes with that of the API: %s',
    async (_at, { text }) => {
      const { _service } = await api.data<{ _service: { sdl: string } }>('{ _service { sdl } }');
      const composed = composeServices([
        { name: 'games', url: api.url, typeDefs: parse(_service.sdl) },
        { name: 'documented', typeDefs: parse(text) },
      ]);
      expect(composed.errors).toBeUndefined();
    },
  );
});

/** The files of the TypeScript of a section, each named by its first line. */
interface Project {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

const projects = new Map<string, Record<string, string>>();
for (const block of blocks) {
  const isConfig = block.language === 'json' && block.kind.endsWith('.config.json');
  if (!isConfig && !['ts', 'tsx'].includes(block.language)) continue;
  const project = `${block.document}, ${block.section}`;
  const [, file = ''] = isConfig ? [block.kind, block.kind] : (/^\/\/ (\S+\.tsx?)\n/.exec(block.text) ?? []);
  const files = projects.get(project) ?? {};
  projects.set(project, files);
  const name = file === '' ? at(block) : file;
  if (files[name] !== undefined) throw new Error(`${at(block)}: there are two files ${name}.`);
  files[name] = block.text;
}

/** Files that sections of docs/frontends.md take over from others, as the text says; their own come first. */
const TAKEN_OVER: readonly (readonly [section: string, from: string, files: readonly string[]])[] = [
  ...['Apollo Client', 'urql', 'Relay'].flatMap((section) => [
    [section, 'Origins', ['vite.config.ts']] as const,
    [section, 'Errors', ['src/errors.ts']] as const,
    [section, 'Search', ['src/useDebounced.ts']] as const,
  ]),
  ['urql', 'Apollo Client', ['codegen.ts', 'src/operations.ts']],
];
for (const [section, from, names] of TAKEN_OVER) {
  const files = projects.get(`docs/frontends.md, ${section}`) ?? {};
  const others = projects.get(`docs/frontends.md, ${from}`) ?? {};
  for (const name of names) files[name] ??= others[name] ?? '';
}

/** Makes a frontend of it, whose server is that of this test. */
async function make({ name, files }: Project): Promise<string> {
  const isOfNode = name.startsWith('docs/gateways.md');
  const compilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitReturns: true,
    noPropertyAccessFromIndexSignature: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    module: 'preserve',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    // A gateway is started as it is, a frontend is bundled.
    types: isOfNode ? ['node'] : [],
    allowImportingTsExtensions: isOfNode,
  };
  const tsconfig = JSON.stringify({ compilerOptions, include: ['**/*.ts', '**/*.tsx'] });
  const served = Object.entries(files).map(([file, text]) => [
    file,
    text.replaceAll(DOCUMENTED_ORIGIN, api.origin),
  ]);
  return makeFrontend({ 'tsconfig.json': tsconfig, ...(Object.fromEntries(served) as Project['files']) });
}

describe('the TypeScript', () => {
  const directories = new Map<string, string>();
  const realFetch = globalThis.fetch;
  /** What pages ask of their own origin. */
  const pageFetch: typeof fetch = (input, init) =>
    realFetch(typeof input === 'string' && input.startsWith('/') ? api.origin + input : input, init);
  beforeAll(() => {
    globalThis.fetch = pageFetch;
  });
  afterAll(async () => {
    globalThis.fetch = realFetch;
    for (const directory of directories.values())
      await rm(dirname(directory), { recursive: true, force: true });
  });
  const load = async <Module>(project: string, file: string): Promise<Module> =>
    (await import(join(directories.get(project) ?? '', file))) as Module;

  test.each([...projects.keys()].map((name) => [name]))(
    'of %s compiles, and its operations fit the schema',
    async (name) => {
      const files = projects.get(name) ?? {};
      const directory = await make({ name, files });
      directories.set(name, directory);
      expect(Object.keys(files).filter((file) => file.endsWith('.md') || file.includes(':'))).toEqual([]);
      if ('codegen.ts' in files) await runTool(directory, 'graphql-codegen', '--config', 'codegen.ts');
      if ('relay.config.json' in files) await runTool(directory, 'relay-compiler');
      await runTool(directory, 'tsc');
      if ('src/App.tsx' in files) await runTool(directory, 'vite', 'build', '--ssr', 'src/App.tsx');
    },
  );

  interface ApolloModule {
    createClient: (
      credential: () => Promise<Record<string, string>>,
      onSignedOut: () => void,
    ) => ApolloClient;
  }
  interface ErrorsModule {
    codesOf: (errors: unknown) => unknown[];
    problemsOf: (errors: unknown) => Record<string, string>;
    isStale: (errors: unknown) => boolean;
  }
  /** The functions of a client's section, of what the client throws or returns. */
  const loadErrors = async (project: string): Promise<ErrorsModule> => {
    const { codesOf, problemsOf, isStale } = await load<ErrorsModule>(project, 'src/errors.ts');
    const { errorsOf } = await load<{ errorsOf: (error: unknown) => unknown }>(project, 'src/errorsOf.ts');
    return {
      codesOf: (error) => codesOf(errorsOf(error)),
      problemsOf: (error) => problemsOf(errorsOf(error)),
      isStale: (error) => isStale(errorsOf(error)),
    };
  };
  const APOLLO = 'docs/frontends.md, Apollo Client';

  test('of Apollo Client joins pages, and tells the codes and problems of errors', async () => {
    const pagesOwner = await rows.owner();
    const names = ['a', 'b', 'c'].map((letter) => `pages-${letter}`);
    for (const externalGameId of names) await pagesOwner.game({ externalGameId });
    const { createClient } = await load<ApolloModule>(APOLLO, 'src/client.ts');
    const { codesOf, problemsOf, isStale } = await loadErrors(APOLLO);
    const { GAMES, PATCH_GAME } = await load<Record<'GAMES' | 'PATCH_GAME', TypedDocumentNode>>(
      APOLLO,
      'src/operations.ts',
    );
    let signedOut = 0;
    let key = pagesOwner.key;
    const client = createClient(
      () => Promise.resolve({ 'x-api-key': key }),
      () => signedOut++,
    );
    interface Page {
      games: { edges: { node: { id: string; externalGameId: string } }[]; pageInfo: { endCursor: string } };
    }
    const query = GAMES as TypedDocumentNode<Page>;
    const page = await client.query({ query, variables: { first: 2 } });
    const after = page.data?.games.pageInfo.endCursor;
    await client.query({ query, variables: { first: 2, after }, fetchPolicy: 'network-only' });
    const joined = client.readQuery({ query, variables: { first: 2 } });
    expect(joined?.games.edges.map(({ node }) => node.externalGameId).sort()).toEqual(names);

    const id = joined?.games.edges[0]?.node.id;
    const patch = (input: object): Promise<unknown> =>
      client.mutate({ mutation: PATCH_GAME, variables: { input: { id, ...input } } }).then(
        () => null,
        (error: unknown) => error,
      );
    const wrong = await patch({ externalGameId: 'x' });
    expect(codesOf(wrong)).toEqual(['BAD_USER_INPUT']);
    expect(Object.keys(problemsOf(wrong))).toEqual(['input.externalGameId']);
    const stale = await patch({ platform: 'web2', expectedVersion: 'another' });
    expect([codesOf(stale), isStale(stale)]).toEqual([['CONFLICT'], true]);
    const taken = await patch({ externalGameId: joined?.games.edges[1]?.node.externalGameId });
    expect([codesOf(taken), isStale(taken)]).toEqual([['CONFLICT'], false]);
    expect(signedOut).toBe(0);
    key = 'unknown';
    expect(codesOf(await patch({ platform: 'web3' }))).toEqual(['UNAUTHENTICATED']);
    expect(signedOut).toBe(1);
  });

  test('of Apollo Client sends again what the server could not serve, a mutation with one key', async () => {
    const { createClient } = await load<ApolloModule>(APOLLO, 'src/client.ts');
    const { GAMES, PATCH_GAME } = await load<Record<'GAMES' | 'PATCH_GAME', TypedDocumentNode>>(
      APOLLO,
      'src/operations.ts',
    );
    const { codesOf } = await loadErrors(APOLLO);
    const client = createClient(
      () => Promise.resolve({ 'x-api-key': owner.key }),
      () => {},
    );
    const body = JSON.stringify({
      errors: [{ message: 'Try again.', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    const { game } = await fixture();
    for (const type of ['application/json', 'application/graphql-response+json']) {
      /** The keys of what was sent. */
      let sent: (string | null)[] = [];
      let refusals = 0;
      const before = globalThis.fetch;
      globalThis.fetch = async (input, init) => {
        sent.push(new Headers(init?.headers).get('idempotency-key'));
        if (sent.length > refusals) return before(input, init);
        // Done, and its answer is lost.
        if (sent.length === 2) {
          await before(input, init);
          throw new TypeError('lost');
        }
        return new Response(body, { status: 503, headers: { 'content-type': type, 'retry-after': '0' } });
      };
      refusals = 1;
      const { data } = await client.query({ query: GAMES, fetchPolicy: 'network-only' });
      expect(data).toBeDefined();
      expect(sent).toEqual([null, null]);

      const mutate = (input: object): Promise<unknown> =>
        client.mutate({ mutation: PATCH_GAME, variables: { input: { id: game, ...input } } });
      [sent, refusals] = [[], 2];
      const params = { add: [{ key: type, value: 'once' }] };
      await mutate({ params });
      expect(sent).toEqual(Array(3).fill(expect.stringMatching(/^[0-9a-f-]{36}$/)));
      expect(new Set(sent).size).toBe(1);
      const added = await api.database.query('SELECT FROM gamesparams WHERE "gameId" = $1 AND key = $2', [
        game,
        type,
      ]);
      expect(added).toHaveLength(1);

      // A final error is not sent again, and three attempts are enough.
      [sent, refusals] = [[], 0];
      const final = await mutate({ externalGameId: '!' }).catch((error: unknown) => error);
      expect([codesOf(final), sent.length]).toEqual([['BAD_USER_INPUT'], 1]);
      [sent, refusals] = [[], 9];
      const failed = await mutate({ platform: 'web' }).catch((error: unknown) => error);
      expect([codesOf(failed), sent.length]).toEqual([['SERVICE_UNAVAILABLE'], 3]);
      globalThis.fetch = before;
    }
  });

  const URQL = 'docs/frontends.md, urql';

  test('of urql knows every type without an id', async () => {
    const { createClient } = await load<{
      createClient: (credential: () => Promise<Record<string, string>>, onSignedOut: () => void) => Client;
    }>(URQL, 'src/client.ts');
    const { game, taskId } = await fixture();
    const client = createClient(
      () => Promise.resolve({ 'x-api-key': owner.key }),
      () => {},
    );
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const answers = [
      await client.query(
        `query ($ids: [ID!]!) {
          viewer { apiKey }
          externalGameIds(ids: $ids) { gameId }
          gamesByIds(ids: $ids) {
            id owner { apiKey } params { id key } leaderboard { nodes { rank } edges { node { rank } } pageInfo { hasNextPage } }
          }
          strategies { nodes { id } }
        }`,
        { ids: [game] },
      ),
      await client.mutation(
        `mutation ($id: ID!, $task: ID!) {
          patchGame(input: { id: $id, platform: "web" }) { changes { field } game { id } }
          task: createTask(input: { gameId: $id, externalTaskId: "urql" }) { task { id params { id } } }
          deleteTask(input: { id: $task, dryRun: true }) { externalTaskId deleted { params } }
          deleteGame(input: { id: $id }) { deletedGameId deleted { params } }
        }`,
        { id: game, task: taskId },
      ),
    ];
    const warned = warn.mock.calls;
    warn.mockRestore();
    expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect(warned).toEqual([]);
  });

  describe.each(['Apollo Client', 'urql', 'Relay'])('of %s makes an app that', (section) => {
    const project = `docs/frontends.md, ${section}`;
    let page: Page;
    let gamesOwner: Owner;
    let number = 0;
    const name = (suffix: string): string => `${section.slice(0, 5)}-${number}-${suffix}`.toLowerCase();
    const field = 'input:not([name]):not([placeholder])';
    /** What the page has sent and has an answer to, and whether the network lets nothing through. */
    let sent: string[];
    let isBlocked: boolean;

    beforeEach(async () => {
      number++;
      gamesOwner = await rows.owner();
      const { default: App } = await load<{ default: ComponentType }>(project, 'dist/App.js');
      page = await Page.open(App);
      [sent, isBlocked] = [[], false];
      const before = globalThis.fetch;
      globalThis.fetch = async (input, init) => {
        if (isBlocked) throw new TypeError('blocked');
        const response = await before(input, init);
        sent.push(typeof init?.body === 'string' ? init.body : '');
        return response;
      };
    });
    afterEach(async () => {
      await page.close();
      globalThis.fetch = pageFetch;
    });
    const signIn = async (key: string): Promise<void> => {
      await page.type('input[name=key]', key);
      await page.click('Sign in');
    };

    test('shows pages, and what goes wrong with a further one', async () => {
      for (let game = 10; game < 35; game++) await gamesOwner.game({ externalGameId: name(`${game}`) });
      await signIn(gamesOwner.key);
      await page.shows(() => page.text().includes('25 games') && page.count('li') === 20, 'the first page');
      isBlocked = true;
      await page.click('More');
      await page.shows(() => page.count('[role=alert]') === 1, 'that it was blocked');
      expect(page.text()).toContain('blocked');
      isBlocked = false;
      await page.click(section === 'urql' ? 'Try again' : 'More');
      await page.shows(() => page.count('li') === 25 && page.count('[role=alert]') === 0, 'the next page');
      expect(page.text()).not.toContain('More');

      sent = [];
      await page.type('input[placeholder=Search]', name('17'));
      await page.shows(() => page.text().includes('1 games') && page.count('li') === 1, 'what was found');
      expect(sent).toHaveLength(1);
    });

    test('saves a name, and goes on after a conflict', async () => {
      const game = await gamesOwner.game({ externalGameId: name('one') });
      await signIn(gamesOwner.key);
      await page.shows(() => page.count('li') === 1, 'the game');
      const names = async (): Promise<unknown> => {
        const query = '{ games { nodes { externalGameId platform } } }';
        return (await api.data<{ games: { nodes: unknown } }>(query, {}, gamesOwner)).games.nodes;
      };

      await page.type(field, 'x');
      await page.click('Save');
      await page.shows(() => page.text().includes('must be 3 to 60 characters'), 'the problem');
      await gamesOwner.game({ externalGameId: name('taken') });
      await page.type(field, name('taken'));
      await page.click('Save');
      await page.shows(() => page.text().includes('the name is taken'), 'that it is taken');

      const patch = `mutation { patchGame(input: { id: "${game.id}", platform: "changed" }) { game { id } } }`;
      await api.data(patch, {}, gamesOwner);
      await page.type(field, name('new'));
      await page.click('Save');
      await page.click('Load again');
      await page.shows(() => page.count('[role=alert]') === 0, 'no conflict');
      await page.click('Save');
      await until(async () => JSON.stringify(await names()).includes(name('new')));
      expect(await names()).toContainEqual({ externalGameId: name('new'), platform: 'changed' });
      await page.shows(() => page.text().includes(name('new')), 'the new name');
    });

    test('asks for another key when the server does not accept one, and says when it has no answer', async () => {
      await signIn('unknown');
      await page.shows(() => sent.length > 0 && page.count('input[name=key]') === 1, 'the form again');
      isBlocked = true;
      await signIn(gamesOwner.key);
      await page.shows(() => page.text().includes('blocked'), 'that there is no answer');
      await page.click(section === 'Relay' ? 'Start again' : 'Sign out');
      await page.shows(() => page.count('input[name=key]') === 1, 'the form again');
      expect(page.text()).not.toContain('blocked');
    });
  });

  const QUERY = '{ games(first: 1) { nodes { owner { apiKey } } } }';
  const OWN = { games: { nodes: [{ owner: { apiKey: DOCUMENTED_PREFIX } }] } };

  const STITCHING = 'docs/gateways.md, Schema stitching';
  const FEDERATION = 'docs/gateways.md, Apollo Federation';
  interface StitchingModule {
    createGatewaySchema: (endpoint: string, others: []) => Promise<GraphQLSchema>;
  }

  test('of the gateway that stitches forwards the credential', async () => {
    const { createGatewaySchema } = await load<StitchingModule>(STITCHING, 'stitching.ts');
    await fixture();
    const contextValue = { headers: new Headers({ 'x-api-key': owner.key }) };
    const answer = await graphql({
      schema: await createGatewaySchema(api.url, []),
      source: QUERY,
      contextValue,
    });
    expect(JSON.parse(JSON.stringify(answer))).toEqual({ data: OWN });
  });

  test('of the gateway that stitches says why there is no schema', async () => {
    const { createGatewaySchema } = await load<StitchingModule>(STITCHING, 'stitching.ts');
    await expect(createGatewaySchema('http://127.0.0.1:1/graphql', [])).rejects.toThrow(
      /127\.0\.0\.1:1.*: .+/,
    );
    const closed = await startApi({ database: api.database, env: { INTROSPECTION: 'off' } });
    await expect(createGatewaySchema(closed.url, [])).rejects.toThrow('introspection is off');
    await closed.close();
  });

  interface FederationModule {
    createGateway: (sdl: string) => NonNullable<ConstructorParameters<typeof ApolloServer>[0]['gateway']>;
    compose: (services: Record<string, string>) => Promise<string>;
  }

  /** What a federated gateway answers that knows the API under this address. */
  async function federated(url: string, query: string, key: string): Promise<unknown> {
    const { createGateway, compose } = await load<FederationModule>(FEDERATION, 'federation.ts');
    const supergraphSdl = (await compose({ games: api.url })).replaceAll(api.url, url);
    const server = new ApolloServer({
      gateway: createGateway(supergraphSdl),
      stopOnTerminationSignals: false,
    });
    await server.start();
    const contextValue = { headers: new Headers({ 'x-api-key': key }) };
    const { body } = await server.executeOperation({ query }, { contextValue });
    await server.stop();
    if (body.kind !== 'single') throw new Error('One answer is expected.');
    return JSON.parse(JSON.stringify(body.singleResult));
  }

  test('of the federated gateway forwards the credential', async () => {
    await fixture();
    expect(await federated(api.url, QUERY, owner.key)).toMatchObject({ data: OWN });
  });

  test('of the federated gateway says why there is no schema', async () => {
    const { compose } = await load<FederationModule>(FEDERATION, 'federation.ts');
    const closed = await startApi({ database: api.database, env: { INTROSPECTION: 'off' } });
    await expect(compose({ games: closed.url })).rejects.toThrow('introspection is off');
    await closed.close();
  });

  test('of the federated gateway keeps message and code of errors that have an HTTP status', async () => {
    const tooMuch = `{ ${Array.from({ length: 51 }, (_, field) => `f${field}: games { totalCount }`).join(' ')} }`;
    const unavailable = { message: 'Try again.', extensions: { code: 'SERVICE_UNAVAILABLE' } };
    const away = createServer((_request, response) => {
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [unavailable] }));
    });
    await once(away.listen(0, '127.0.0.1'), 'listening');
    const awayUrl = `http://127.0.0.1:${(away.address() as AddressInfo).port}/`;
    for (const [url, query, key, status] of [
      [api.url, tooMuch, owner.key, 400],
      [api.url, QUERY, 'unknown', 401],
      [awayUrl, QUERY, owner.key, 503],
    ] as const) {
      const direct = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify({ query }),
      });
      const { errors } = (await direct.json()) as {
        errors: { message: string; extensions: { code: string } }[];
      };
      expect(direct.status).toBe(status);
      const answer = await federated(url, query, key);
      const { message, extensions } = errors[0] ?? {};
      expect(answer).toMatchObject({ errors: [{ message, extensions: { code: extensions?.code } }] });
      // The address of the API is nobody's business.
      expect(JSON.stringify(answer)).not.toContain('127.0.0.1');
    }
    away.close();
  });

  test.each([[STITCHING], [FEDERATION]])('of %s serves what it says, by Node alone', async (project) => {
    await fixture();
    const directory = directories.get(project) ?? '';
    const port = await freePort();
    const text = await readFile(join(directory, 'server.ts'), 'utf8');
    await writeFile(join(directory, 'server.ts'), text.replace('4100', String(port)));
    const { PATH } = process.env;
    const server = spawn(process.execPath, ['server.ts'], {
      cwd: directory,
      env: { PATH },
      timeout: 120_000,
    });
    let printed = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (data) => (printed += String(data)));
    try {
      await until(
        () => printed.includes('The gateway listens.'),
        () => printed,
      );
      const ask = (query: string, key: string): Promise<globalThis.Response> =>
        realFetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': key },
          body: JSON.stringify({ query }),
        });
      expect(await (await ask(QUERY, owner.key)).json()).toEqual({ data: OWN });
      const refused = await ask(QUERY, 'unknown');
      expect({ status: refused.status, body: await refused.json() }).toMatchObject({
        status: 200,
        body: {
          errors: [
            { message: 'The API key is unknown or inactive.', extensions: { code: 'UNAUTHENTICATED' } },
          ],
        },
      });
    } finally {
      server.kill('SIGKILL');
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the configuration of other gateways', () => {
  test.each(titled(blocksOf('yaml').filter(({ kind }) => kind !== '')))(
    'names the headers and the address of the API: %s',
    (_at, { kind, text }) => {
      const values = [...text.matchAll(/^ +(?:named|\w+_url): (\S+)$/gm)].map(([, value]) => value);
      const wanted: Readonly<Record<string, readonly string[]>> = {
        'router.yaml': ['x-api-key', 'authorization'],
        'supergraph.yaml': [`${DOCUMENTED_ORIGIN}/graphql`, `${DOCUMENTED_ORIGIN}/graphql`],
      };
      expect(values).toEqual(wanted[kind]);
    },
  );
});

describe('every command', () => {
  const shell = blocksOf('sh').flatMap((block) =>
    commandsOf(block.text).map((words) => [at(block), words] as const),
  );
  /** Those in the text too, which may end where the reader goes on. */
  const inText = async (): Promise<string[][]> => {
    const others = await Promise.all(['CONTRIBUTING.md', 'ARCHITECTURE.md'].map(readDocument));
    return [...documents, ...others]
      .flatMap(codeOf)
      .flatMap((code) => code.split(' && '))
      .filter((code) => /^(npm|npx) /.test(code))
      .flatMap(commandsOf);
  };
  let scripts: Readonly<Record<string, string>>;
  /** The versions of those that are tried here. */
  let packages: ReadonlyMap<string, string>;
  let place: Workplace;
  const helps = new Map<string, Promise<string>>();

  beforeAll(async () => {
    const read = async (file: string): Promise<Record<string, Record<string, string>>> =>
      JSON.parse(await readFile(join(REPOSITORY, file), 'utf8')) as Record<string, Record<string, string>>;
    const [root, tests] = [await read('package.json'), await read('tests/package.json')];
    scripts = root['scripts'] ?? {};
    packages = new Map(Object.entries({ ...root['dependencies'], ...tests['dependencies'] }));
    place = await Workplace.create();
  });

  const helpOf = (script: string): Promise<string> => {
    const known = helps.get(script);
    if (known !== undefined) return known;
    const program = `commands/${script}` as Parameters<Workplace['run']>[0];
    const help =
      script === 'schema'
        ? // For contributors: it has no help.
          readFile(join(REPOSITORY, 'src', 'commands', 'schema.ts'), 'utf8')
        : place.run(program, { args: ['--help'] }).then(({ stdout, code }) => {
            expect(code).toBe(0);
            return stdout;
          });
    helps.set(script, help);
    return help;
  };
  const npmHelpOf = async (command: string): Promise<string> => {
    const { stdout } = await promisify(execFile)('npm', [command, '-h']);
    return stdout;
  };
  const expectOptions = (help: string, args: readonly string[]): void => {
    for (const option of args.filter((arg) => /^--?[a-z]/.test(arg))) {
      const [name = ''] = option.split('=');
      expect(help).toMatch(new RegExp(`(^|[^\\w-])${name}($|[^\\w-])`));
    }
  };

  /** `npm run X -- args`, `npm ci`, `npm install PACKAGE`. */
  const expectNpm = async ([command = '', ...args]: readonly string[]): Promise<void> => {
    if (['start', 'test'].includes(command)) {
      expect(Object.keys(scripts)).toContain(command);
      expect(args[0] ?? '--silent').toMatch(/^(--silent|--)$/);
      return;
    }
    if (command === 'create') {
      expect(args).toEqual(['vite@latest']);
      return;
    }
    if (command !== 'run') {
      expect(['ci', 'install', 'prune']).toContain(command);
      expectOptions(await npmHelpOf(command), args);
      for (const arg of args.filter((some) => !some.startsWith('-'))) {
        const [, name = '', major = ''] = /^(@?[^@]+)(?:@(\d+))?$/.exec(arg) ?? [];
        expect(packages.get(name)?.split('.')[0]).toEqual(major === '' ? expect.anything() : major);
      }
      return;
    }
    const [script = '', ...rest] = args.filter((arg) => arg !== '--silent');
    expect(Object.keys(scripts)).toContain(script);
    const programs = await readdir(join(REPOSITORY, 'src', 'commands'));
    if (rest.length > 0 && programs.includes(`${script}.ts`)) {
      // What stands before npm's own `--` would not reach the command where it is an option.
      expectOptions('', rest.slice(0, Math.max(rest.indexOf('--'), 0)));
      expectOptions(await helpOf(script), rest);
    }
  };

  /** Asks an issuer of tokens: only the address and the form are looked at. */
  const expectTokenRequest = (url: string, form: string): void => {
    const [ini] = blocksOf('ini');
    const realms = [ini?.text ?? '', composeText].map((text) => /OAUTH_ISSUER(?:=|: )(\S+)/.exec(text)?.[1]);
    expect(realms.map((address) => `${address}/protocol/openid-connect/token`)).toContain(url);
    const { client_id: client, ...given } = Object.fromEntries(new URLSearchParams(form));
    if (given['grant_type'] === 'client_credentials') {
      expect(Object.keys(given).sort()).toEqual(['client_secret', 'grant_type']);
      return;
    }
    const { username, password, ...rest } = given;
    expect(rest).toEqual({ grant_type: 'password' });
    expect(realm.clients).toContainEqual(
      expect.objectContaining({ clientId: client, publicClient: true, directAccessGrantsEnabled: true }),
    );
    expect(realm.users.find((user) => user.username === username)?.credentials[0]?.value).toBe(password);
  };

  /** Sends to the API what curl would send. */
  const expectCurl = async (args: readonly string[]): Promise<void> => {
    expect(args.filter((arg) => arg.startsWith('-') && !['-s', '-H', '-d'].includes(arg))).toEqual([]);
    const valuesOf = (option: string): string[] => args.filter((_, index) => args[index - 1] === option);
    const url = args.find((arg) => arg.startsWith('http')) ?? '';
    const body = valuesOf('-d').join('&');
    if (!url.startsWith(DOCUMENTED_ORIGIN)) {
      expectTokenRequest(url, body);
      return;
    }
    const headers = valuesOf('-H').map((header) => header.replace(/<.*>/, owner.key).split(': '));
    const answer = await fetch(url.replace(DOCUMENTED_ORIGIN, api.origin), {
      method: 'POST',
      headers: headers.map(([name = '', value = '']): [string, string] => [name, value]),
      body,
    });
    expect(await answer.json()).toEqual({ data: expect.anything() });
  };

  /** A program of the image, after what starts a container. */
  const expectDocker = async ([command = '', ...args]: readonly string[]): Promise<void> => {
    expect(['build', 'run', 'compose']).toContain(command);
    const after = (option: string): string[] => args.filter((_, index) => args[index - 1] === option);
    for (const file of after('-f')) expect(await readdir(REPOSITORY)).toContain(file);
    for (const name of after('-e')) expect([...settings()]).toContain(name);
    const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const image of args.filter((arg) => arg.startsWith('game-graphql:'))) {
      expect(image).toBe(`game-graphql:${version}`);
    }
    const node = args.indexOf('node');
    if (node < 0) return;
    const [program = '', ...rest] = args.slice(node + 1);
    const [, script = ''] = /^dist\/src\/commands\/([\w-]+)\.js$/.exec(program) ?? [];
    expectOptions(await helpOf(script), rest);
  };

  /** What it names stands in deploy/kubernetes. */
  const expectKubectl = async (args: readonly string[]): Promise<void> => {
    const directory = args[args.indexOf('-k') + 1] ?? '';
    if (args.includes('-k')) {
      expect(await readdir(join(REPOSITORY, directory))).toContain('kustomization.yaml');
      return;
    }
    const files = ['deployment.yaml', 'migrate/job.yaml', 'image/kustomization.yaml'];
    const texts = await Promise.all(
      files.map((file) => readFile(join(REPOSITORY, 'deploy', 'kubernetes', file), 'utf8')),
    );
    const names = args
      .filter((arg) => /^(job\/)?game-graphql/.test(arg))
      .map((arg) => arg.replace('job/', ''));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names)
      expect(texts.join('\n')).toMatch(new RegExp(`\\b(name|namespace): ${name}$`, 'm'));
  };

  const expectExport = (args: readonly string[]): void => {
    const [, name = '', value] = /^(\w+)=(.*)$/.exec(args.join(' ')) ?? [];
    expect([...settings()]).toContain(name);
    expect(readConfig({ [name]: value }).warnings).toEqual([]);
  };

  const expectNpx = async ([program = '']: readonly string[]): Promise<void> => {
    expect(await readdir(join(PACKAGES, '.bin'))).toContain(program);
  };

  const checks: Readonly<Record<string, (args: readonly string[]) => Promise<void> | void>> = {
    npm: expectNpm,
    npx: expectNpx,
    curl: expectCurl,
    docker: expectDocker,
    kubectl: expectKubectl,
    export: expectExport,
    git: (args) => expect(args.join(' ')).toMatch(/^(fetch|checkout v\d+\.\d+\.\d+)$/),
  };

  test.each(shell.map(([where, words]) => [where, words.join(' '), words] as const))(
    'is one that there is, with options that there are: %s %s',
    async (_at, _line, words) => {
      // Settings may stand before a command.
      const isSetting = (word: string): boolean => /^[A-Z_]+=/.test(word);
      const start = words.findIndex((word) => !isSetting(word));
      for (const setting of words.slice(0, start)) expectExport([setting]);
      const [program = '', ...args] = words.slice(start);
      expect(Object.keys(checks)).toContain(program);
      await checks[program]?.(args);
    },
  );

  test('in the text is one that there is', async () => {
    const commands = await inText();
    expect(commands.length).toBeGreaterThan(20);
    for (const [program, ...args] of commands) if (program === 'npm') await expectNpm(args);
  });

  test.each(
    shell
      .filter(([, words]) => /^npm run (api-key|migrate|sql|token)\b/.test(words.join(' ')))
      .map(([where, words]) => [where, words.join(' '), words] as const),
  )('of this server ends well: %s %s', async (_at, _line, [, , script = '', ...rest]) => {
    const args = rest[0] === '--' ? rest.slice(1) : rest;
    const program = `commands/${script}` as Parameters<Workplace['run']>[0];
    const env = script === 'token' ? {} : { DATABASE_URL: api.database.url };
    await api.database.query(`UPDATE apikey SET active = true WHERE "apiKey" = '${DOCUMENTED_PREFIX}'`);
    expect(await place.run(program, { args, env })).toMatchObject({ code: 0, stderr: '' });
    await api.database.query(`UPDATE apikey SET active = true WHERE "apiKey" = '${DOCUMENTED_PREFIX}'`);
  });
});

describe('every name in the text', () => {
  /** Settings that the libraries of OpenTelemetry read. */
  const READ_BY_OPENTELEMETRY = ['HEADERS', 'TIMEOUT', 'COMPRESSION', 'CERTIFICATE']
    .map((name) => `OTEL_EXPORTER_OTLP_${name}`)
    .concat('OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES');
  /** Words in capitals that are neither settings, nor codes, nor values of the schema. */
  const OTHERS = [
    'SIGTERM',
    'SIGINT',
    'SIGKILL',
    'EBADENGINE',
    'UTF8',
    'HEALTHCHECK',
    'GET',
    'POST',
    'CREATEROLE',
    'CHECKPOINT',
    ...READ_BY_OPENTELEMETRY,
  ];

  test('in capitals is a setting, a code of an error or a value of the schema', async () => {
    const codes = await errorCodes();
    const values = [...schemaText.matchAll(/^ {2}([A-Z][A-Z_]+)$/gm)].map(([, value = '']) => value);
    const known = new Set([...settings(), ...codes, ...values, ...OTHERS]);
    const used = documents
      .flatMap(codeOf)
      .flatMap((code) => /^([A-Z][A-Z0-9_]{2,})(?:=\S*)?$/.exec(code)?.[1] ?? []);
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  test('with a value is a setting that takes it', () => {
    const given = documents.flatMap(codeOf).flatMap((code) => {
      const [, name = '', value = ''] = /^([A-Z_]+)=(\S+)$/.exec(code) ?? [];
      return name === '' ? [] : [[name, value] as const];
    });
    expect(given.length).toBeGreaterThan(1);
    for (const [name, value] of given) {
      expect(() => readConfig({ DATABASE_URL: 'postgres://localhost/game', [name]: value })).not.toThrow();
    }
  });

  test.each(titled(blocksOf('ini')))('in a file of settings is accepted: %s', (_at, { text }) => {
    const lines = text.trim().split('\n');
    const entries = lines.map((line) => /^(\w+)=(.+)$/.exec(line)?.slice(1) ?? [line, '']);
    const env = Object.fromEntries(entries) as Record<string, string>;
    expect(Object.keys(env).filter((name) => !settings().has(name))).toEqual([]);
    expect(readConfig(env).warnings).toEqual([]);
  });

  test('of a balancer asks for readiness, and the time to stop that is told leaves it time to see it', async () => {
    const [haproxy] = blocksOf('haproxy');
    const [, path = ''] = /http-check send meth GET uri (\S+)/.exec(haproxy?.text ?? '') ?? [];
    expect((await fetch(api.origin + path)).status).toBe(200);
    const [, everyS = '', times = ''] = /inter (\d+)s fall (\d+)/.exec(haproxy?.text ?? '') ?? [];
    const [, delayS = ''] = /`SHUTDOWN_DELAY=(\d+)`/.exec(documentOf('docs/operating.md').prose) ?? [];
    expect(Number(everyS) * Number(times)).toBeGreaterThan(0);
    expect(Number(delayS)).toBeGreaterThan(Number(everyS) * Number(times));
  });

  test('of a path is one that the server answers', async () => {
    const paths = documents.flatMap(codeOf).flatMap((code) => {
      const [, method = '', path = ''] = /^(GET|POST) (\/\S*)$/.exec(code) ?? [];
      return path === '' ? [] : [[method, path] as const];
    });
    expect(paths.length).toBeGreaterThan(5);
    for (const [method, path] of paths) {
      const { status } = await fetch(api.origin + path, { method });
      expect({ path, isThere: status !== 404 && status !== 405 }).toEqual({ path, isThere: true });
    }
  });

  test('of a metric is one that the server tells', async () => {
    await fetch(`${api.origin}/metrics`);
    await api.query('{ nonsense }');
    const metrics = await (await fetch(`${api.origin}/metrics`)).text();
    const cells = tableRows(documentOf('docs/signals.md').prose, 'metric').map(([cell = '']) => cell);
    const names = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    expect(names.length).toBeGreaterThan(3);
    const told = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    const isTold = (name: string): boolean =>
      name.endsWith('…') ? told.some((one) => one.startsWith(name.slice(0, -1))) : told.includes(name);
    expect(names.filter((name) => !isTold(name))).toEqual([]);
    const isDocumented = (name: string): boolean =>
      names.includes(name) || names.some((one) => one.endsWith('…') && name.startsWith(one.slice(0, -1)));
    expect(told.filter((name) => !isDocumented(name))).toEqual([]);
  });
});

/** The codes that an answer may have. */
async function errorCodes(): Promise<string[]> {
  const source = await readFile(join(REPOSITORY, 'src', 'errors.ts'), 'utf8');
  const [union = ''] = /export const ERROR_CODES =[^;]*/.exec(source) ?? [];
  const own = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code);
  return [...new Set([...own, ...Object.values<string>(ApolloServerErrorCode)])];
}

describe('the tables', () => {
  test('have every code of an error', async () => {
    const told = tableRows(documentOf('docs/using.md').prose, 'code').map(([cell = '']) =>
      cell.replaceAll('`', ''),
    );
    // Persisted queries are supported.
    const codes = (await errorCodes()).filter((code) => code !== 'PERSISTED_QUERY_NOT_SUPPORTED');
    expect(told.sort()).toEqual(codes.sort());
  });

  /** Numbers of constants in the sources, or in numbers of another unit. */
  const constants = async (file: string, ...names: readonly string[]): Promise<number[]> => {
    const source = await readFile(join(REPOSITORY, 'src', file), 'utf8');
    return names.map((name) => {
      const [, product = ''] = new RegExp(`\\bconst ${name} = ([\\d_ *]+);`).exec(source) ?? [];
      return product
        .replaceAll('_', '')
        .split('*')
        .reduce((all, factor) => all * Number(factor), 1);
    });
  };
  const numbersIn = (text: string): number[] =>
    [...text.replaceAll(/\(.*?\)/g, '').matchAll(/\d[\d,]*/g)].map(([number]) =>
      Number(number.replaceAll(',', '')),
    );
  const limitsOf = (document: string, title: string): ReadonlyMap<string, number[]> =>
    new Map(
      tableRows(documentOf(document).prose, title).map(([what = '', limit = '']) => [what, numbersIn(limit)]),
    );

  test('have the limits that the server has', async () => {
    const [LISTS, LIMITS, PARAMS] = ['lists/list.rules.ts', 'graphql/limits.ts', 'domain/params/params.ts'];
    const [ids] = await constants('graphql/schema/ids.ts', 'MAX_IDS');
    expect(await constants(LISTS, 'MAX_FILTER_VALUES')).toEqual([ids]);
    expect(limitsOf('docs/using.md', 'of')).toEqual(
      new Map([
        ['a page', await constants(LISTS, 'DEFAULT_PAGE_SIZE', 'MAX_PAGE_SIZE')],
        ['ids in one argument, values of `in` or `notIn`', [ids]],
        ['a filter', await constants(LISTS, 'MAX_FILTER_DEPTH', 'MAX_FILTER_OPERATORS')],
        ['fields at the top of an operation', await constants(LIMITS, 'MAX_ROOT_FIELDS')],
        ['levels of fields', await constants(LIMITS, 'MAX_DEPTH')],
        ['the cost of an operation', await constants('graphql/cost.ts', 'MAX_COST')],
        [
          'tokens of a document',
          await constants('graphql/known-documents.ts', 'MAX_TOKENS', 'MAX_TOKENS_ANONYMOUS'),
        ],
        ['fragments of a document', await constants(LIMITS, 'MAX_FRAGMENTS', 'MAX_SPREADS')],
        ['a name in a document', await constants(LIMITS, 'MAX_NAME_LENGTH')],
        ['the body of a request', await constants('http/server.ts', 'MAX_BODY_BYTES')],
        [
          'an answer',
          [
            readConfig({}).maxResponseBytes,
            ...(await constants('graphql/operation-plugin.ts', 'MAX_ERRORS')),
          ],
        ],
        ['the params of a game or a task', await constants(PARAMS, 'MAX_PARAMS', 'MAX_PARAMS_BYTES')],
        [
          'the tasks that a game is created with',
          await constants('domain/tasks/task.rules.ts', 'MAX_NEW_TASKS'),
        ],
      ]),
    );
    const [expensive = 0] = await constants('graphql/cost.ts', 'EXPENSIVE_COST');
    expect(documentOf('docs/using.md').prose).toContain(`cost above ${expensive.toLocaleString('en')},`);
  });

  test('have the times that the server has', async () => {
    const DATABASE = 'database/database.ts';
    const [reserved = 0] = await constants(DATABASE, 'RESERVED');
    const times = async (file: string, ...names: readonly string[]): Promise<number[]> =>
      (await constants(file, ...names)).map((ms) => ms / 1_000);
    const config = readConfig({ DATABASE_URL: 'postgres://localhost/game' });
    if (config.database.kind !== 'postgresql') throw new Error('DATABASE_URL was not read.');
    const { connectionTimeoutMs, statementTimeoutMs } = config.database;
    const moves = 'domain/reassignments/moves.ts';
    const [move = 0, wait = 0] = await times(moves, 'MOVE_TIMEOUT_MS', 'MOVE_WAIT_MS');
    const running = await constants(
      'http/admission.ts',
      'RUNNING_PER_CONNECTION',
      'MIN_RUNNING',
      'BURST_FACTOR',
    );
    expect(await constants(DATABASE, 'SHARE_OF_ONE')).toEqual([3]);
    expect(limitsOf('docs/operating.md', 'what')).toEqual(
      new Map<string, unknown>([
        ['Node', expect.anything()],
        ['PostgreSQL', [15, 8]],
        ['PgBouncer', expect.anything()],
        ['this server', []],
        ['connections of one caller', []],
        ['connections reserved for API keys and readiness', [reserved, 2 * reserved]],
        ['requests that run at a time, in each server', running],
        ['waiting for a connection', [connectionTimeoutMs / 1_000, 1, 2]],
        ['a statement', [statementTimeoutMs / 1_000]],
        ['a request', [config.requestTimeoutMs / 1_000]],
        ['waiting for other moves of games', [wait]],
        ['a statement that moves games', [move / 60]],
        ['a request that moves games', [move / 60]],
      ]),
    );
    expect(await constants('app/database-check.ts', 'MIN_VERSION')).toEqual([150_000]);
  });

  test('have messages as the server prints them', async () => {
    const directory = async (name: string): Promise<string[]> =>
      (await readdir(join(REPOSITORY, name), { recursive: true })).map((file) => join(name, file));
    const files = [...(await directory('src')), ...(await directory('scripts'))].filter((file) =>
      /\.[jt]s$/.test(file),
    );
    const sources = await Promise.all(files.map((file) => readFile(join(REPOSITORY, file), 'utf8')));
    const messages = tableRows(documentOf('docs/operating.md').prose, 'message').map(
      ([cell = '']) => /^`(.*)`$/.exec(cell)?.[1] ?? cell,
    );
    expect(messages.length).toBeGreaterThan(30);
    const isPrinted = (message: string): boolean =>
      sources.some((source) => {
        let from = 0;
        // What stands between two `…` follows in this order.
        return message.split('…').every((part) => {
          from = source.indexOf(part.trim(), from);
          return from >= 0;
        });
      });
    expect(messages.filter((message) => !isPrinted(message))).toEqual([]);
    // Every cause that readiness gives by the state of PostgreSQL's error is there too.
    const check = await readFile(join(REPOSITORY, 'src', 'app', 'database-check.ts'), 'utf8');
    const causes = [...check.matchAll(/\['\w{5}', '([^']+)'\]/g)].map(([, cause = '']) => cause);
    expect(causes.length).toBeGreaterThan(4);
    const starts = messages.map((message) => message.split('…', 1)[0] ?? '');
    expect(causes.filter((cause) => !starts.some((start) => start && cause.startsWith(start)))).toEqual([]);
  });

  test.each(titled(blocks.filter(({ kind }) => kind === 'log')))(
    'a line of the log has what the server logs: %s',
    async (_at, { text }) => {
      const shown = JSON.parse(text) as Record<string, unknown>;
      await api.query('query Games { game(id: "x") { id } }', {}, owner);
      const logged = api.log.findLast(({ msg }) => msg === 'request');
      expect(Object.keys(logged ?? {}).sort()).toEqual(Object.keys(shown).sort());
      const { caller, errors, operation, path, status } = shown;
      expect(logged).toMatchObject({ caller, errors, operation, path, status });
    },
  );
});

describe('every link', () => {
  test.each(documents.map((document) => [document.path, document] as const))(
    'of %s leads to a file and a heading that are there',
    async (_path, document) => {
      const links = linksOf(document);
      expect(links.length).toBeGreaterThan(0);
      await expectLinks(links);
    },
  );

  test.each([
    ['ARCHITECTURE.md'],
    ['CONTRIBUTING.md'],
    ['CHANGELOG.md'],
    ['examples/frontend/README.md'],
    ['examples/gateway/README.md'],
  ])('of %s too', async (path) => {
    await expectLinks(linksOf(await readDocument(path)));
  });

  async function expectLinks(links: ReturnType<typeof linksOf>): Promise<void> {
    for (const { file, anchor } of links) {
      const found = await stat(join(REPOSITORY, file)).then(
        () => true,
        () => false,
      );
      expect({ file, found }).toEqual({ file, found: true });
      if (anchor === '') continue;
      const { anchors } = await readDocument(file);
      expect([...anchors]).toContain(anchor);
    }
  }

  test('to each document of docs/ stands in README.md, and the contents of each are complete', () => {
    const fromReadme = linksOf(documentOf('README.md')).map(({ file }) => file);
    const paths = documents.map(({ path }) => path).filter((path) => path !== 'README.md');
    expect(fromReadme).toEqual(expect.arrayContaining(paths));
    for (const document of documents) {
      const sections = [...document.prose.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
      const contents = [...document.prose.matchAll(/^- \[(.*)\]\(#.*\)$/gm)].map(([, title]) => title);
      expect(contents).toEqual(sections);
    }
  });

  test('no document names a place that readers do not have', () => {
    for (const { path, text } of documents) {
      expect({ path, places: text.match(/\/(tmp|work|home|root)\/|registry\.npmjs/g) }).toEqual({
        path,
        places: null,
      });
    }
  });
});
