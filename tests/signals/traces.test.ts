import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { Collector, type ReceivedSpan } from '../support/collector.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { send } from '../support/http.js';
import { send as sendAndLeave } from '../support/leaving-client.js';
import { Lock, untilWaiting } from '../support/locks.js';
import { ask, SOON_MS, until, within, Workplace } from '../support/process.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

let database: TestDatabase;
let owner: Owner;
let collector: Collector;
let api: Api;
const cleanups: (() => Promise<unknown>)[] = [];
const variables: string[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
  cleanups.push(() => database.drop());
  owner = await rowsOf(database).owner();
  collector = await Collector.start();
  cleanups.push(() => collector.stop());
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  for (const name of variables.splice(0)) delete process.env[name];
});

/** Starts a server that sends traces. OpenTelemetry's exporter reads the environment of the process itself. */
async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '20', ...env };
  for (const [name, value] of Object.entries(all)) {
    process.env[name] = value;
    variables.push(name);
  }
  api = await startApi({ database, env: all });
  cleanups.push(() => api.close());
}

async function post(
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  return send(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': owner.key, ...headers },
    body: JSON.stringify(body),
  });
}

/** The spans of the trace that has one of this kind whose operation has this name, once its request has ended. */
async function spansOf(operation: string): Promise<ReceivedSpan[]> {
  const found = await until(
    () =>
      collector.spans.find(({ attributes }) => attributes['graphql.operation.name'] === operation) ?? null,
  );
  const all = (): ReceivedSpan[] => collector.spans.filter(({ traceId }) => traceId === found.traceId);
  await until(() => all().some(({ kind }) => kind === 'SPAN_KIND_SERVER'));
  return all();
}

const serverOf = (spans: readonly ReceivedSpan[]): ReceivedSpan | undefined =>
  spans.find(({ kind }) => kind === 'SPAN_KIND_SERVER');
const operationOf = (spans: readonly ReceivedSpan[]): ReceivedSpan | undefined =>
  spans.find(({ kind }) => kind === 'SPAN_KIND_INTERNAL');
const statementsOf = (spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  spans.filter(({ kind }) => kind === 'SPAN_KIND_CLIENT');

describe('a request that is traced', () => {
  test('has a span of HTTP, in it one of the operation, and in that one of each statement', async () => {
    await start();
    await post({ query: 'query Page { games(first: 2) { totalCount } strategies { totalCount } }' });
    const spans = await spansOf('Page');
    const [server, operation] = [serverOf(spans), operationOf(spans)];
    expect(server).toMatchObject({
      name: 'POST /graphql',
      parentSpanId: '',
      isError: false,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/graphql',
        'url.path': '/graphql',
        'url.scheme': 'http',
        'http.response.status_code': 200,
      },
      resource: { 'service.name': 'game-graphql', 'service.version': '0.1.0' },
    });
    expect(server?.resource['service.instance.id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(operation).toMatchObject({
      name: 'query',
      parentSpanId: server?.spanId,
      isError: false,
      attributes: { 'graphql.operation.type': 'query', 'graphql.operation.name': 'Page' },
    });
    const statements = statementsOf(spans);
    const { hostname, port, pathname } = new URL(database.url);
    // The look-up of the key, and one for each field at the root.
    expect(statements).toHaveLength(3);
    for (const statement of statements) {
      expect(statement).toMatchObject({
        name: 'SELECT',
        parentSpanId: operation?.spanId,
        attributes: {
          'db.system.name': 'postgresql',
          'db.namespace': pathname.slice(1),
          'db.operation.name': 'SELECT',
          'server.address': hostname,
          'server.port': Number(port),
        },
      });
      expect(statement.start).toBeGreaterThanOrEqual(operation?.start ?? 0n);
      expect(statement.end).toBeLessThanOrEqual(operation?.end ?? 0n);
    }
    const texts = statements.map(({ attributes }) => String(attributes['db.query.text']));
    expect(texts.filter((text) => text.includes('FROM games'))).toHaveLength(1);
    for (const text of texts) expect(text).toContain('$1');
  });

  test('of a mutation shows its transaction, with the tables that it writes to', async () => {
    await start();
    const { id } = await owner.game();
    await post({
      query: 'mutation Write($id: ID!) { patchGame(input: { id: $id, platform: "x" }) { game { id } } }',
      variables: { id },
    });
    const spans = await spansOf('Write');
    expect(operationOf(spans)).toMatchObject({ name: 'mutation' });
    const names = statementsOf(spans).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['BEGIN', 'UPDATE games', 'INSERT logs', 'COMMIT']));
  });

  test('goes on with the trace of its sender, and the log names it', async () => {
    await start();
    await post(
      { query: 'query Child { games { totalCount } }' },
      { traceparent: `00-${TRACE}-${PARENT}-01` },
    );
    const spans = await spansOf('Child');
    expect(serverOf(spans)).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
    const line = await until(() => api.log.find(({ operation }) => operation === 'query Child') ?? null);
    expect(line).toMatchObject({ traceId: TRACE, reqId: TRACE });
  });

  test('of an error says which, and whether it was the server that failed', async () => {
    await start();
    await post({ query: 'query Wrong { games(first: 0) { totalCount } }' });
    expect(operationOf(await spansOf('Wrong'))).toMatchObject({
      isError: true,
      attributes: { 'error.type': 'BAD_USER_INPUT' },
    });
    expect(serverOf(await spansOf('Wrong'))).toMatchObject({ isError: false });
    await database.query('ALTER TABLE games RENAME TO hidden_games');
    const { status } = await post({ query: 'query Hidden { games { totalCount } }' });
    await database.query('ALTER TABLE hidden_games RENAME TO games');
    const spans = await spansOf('Hidden');
    expect(serverOf(spans)).toMatchObject({
      isError: true,
      attributes: { 'http.response.status_code': status, 'error.type': 'INTERNAL_SERVER_ERROR' },
    });
    expect(statementsOf(spans).filter(({ isError }) => isError)).toMatchObject([
      { attributes: { 'db.response.status_code': '42P01', 'error.type': '42P01' } },
    ]);
  });

  test('whose client goes away has its spans too', async () => {
    await start();
    const lock = await Lock.ofTable(database, 'games');
    const sent = sendAndLeave(api, 'query Left { games { totalCount } }', owner);
    await untilWaiting(api, 1, 0);
    sent.leave();
    const spans = await spansOf('Left');
    await lock.release();
    expect(serverOf(spans)).toMatchObject({ isError: true, attributes: { 'error.type': '499' } });
    expect(statementsOf(spans).filter(({ isError }) => isError)).toMatchObject([
      { attributes: { 'db.response.status_code': '57014' } },
    ]);
  });

  test('tells nothing that is secret, and no value', async () => {
    await start();
    const canary = 'canary-7f3a9c';
    const { id } = await owner.game();
    const bodies: readonly object[] = [
      {
        query: `query A { games(filter: { externalGameId: { eq: "${canary}" } platform: { containsInsensitive: "${canary}" } }) { totalCount } }`,
      },
      {
        query: 'query B($x: String!) { gameByExternalId(externalGameId: $x) { id } }',
        variables: { x: canary },
      },
      { query: `query C { game(id: "${canary}") { id } }` },
      {
        query: `mutation D { createGame(input: { externalGameId: "${canary}", platform: "${canary}", params: [{ key: "${canary}", value: "${canary}" }] }) { game { id } } }`,
      },
      {
        query: 'mutation E($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }',
        variables: { input: { id, platform: canary, params: { add: [{ key: canary, value: canary }] } } },
      },
      {
        query: 'mutation F($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }',
        variables: { id },
      },
      { query: `query G { games(filter: { externalGameId: { eq: "${canary}" } }) { canary7f3a9c } }` },
    ];
    const headers = { cookie: canary, 'user-agent': canary, tracestate: 'a=b' };
    for (const [number, body] of bodies.entries()) {
      await post(body, { ...headers, 'idempotency-key': `${canary}-${number}` });
    }
    await send(`${api.url}?query={__typename}&x=${canary}`, {
      headers: { 'x-api-key': `gme_live_x.${canary}` },
    });
    await post({ query: 'query Last { games { totalCount } }' });
    await spansOf('Last');
    const received = collector.received.join('\n');
    expect(received).toContain('UPDATE games');
    expect(received).toContain('SELECT');
    for (const secret of [canary, 'canary7f3a9c', owner.key, owner.prefix, id]) {
      expect(received).not.toContain(secret);
    }
  });
});

describe('what is traced', () => {
  test.each([
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, {}, 0],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      { traceparent: `00-${TRACE}-${PARENT}-01` },
      0,
    ],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { traceparent: `00-${TRACE}-${PARENT}-01` }, 1],
    [{}, { traceparent: `00-${TRACE}-${PARENT}-00` }, 0],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { traceparent: `00-${TRACE}-${PARENT}-00` }, 1],
    [{ OTEL_SDK_DISABLED: 'true' }, {}, 0],
    [{ OTEL_TRACES_EXPORTER: 'none' }, {}, 0],
  ])('is for %j to say, of a request with %j', async (env, headers, count) => {
    await start(env);
    const { status } = await post({ query: 'query Sampled { games { totalCount } }' }, headers);
    expect(status).toBe(200);
    // A stop sends what there is.
    await cleanups.pop()?.();
    expect(collector.spans.filter(({ kind }) => kind === 'SPAN_KIND_SERVER')).toHaveLength(count);
  });

  test('is requests to the API, not those for health and metrics', async () => {
    await start();
    for (const path of ['/health/live', '/health/ready', '/metrics', '/', '/nowhere'])
      await send(api.origin + path);
    await post({ query: 'query Only { games { totalCount } }' });
    await spansOf('Only');
    expect(collector.spans.filter(({ kind }) => kind === 'SPAN_KIND_SERVER')).toHaveLength(1);
  });
});

describe('the exporter', () => {
  test('takes headers, the name of the service and further attributes from the environment', async () => {
    await start({
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
      OTEL_SERVICE_NAME: 'games-api',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    });
    await post({ query: 'query Named { games { totalCount } }' });
    const [span] = await spansOf('Named');
    expect(span?.resource).toMatchObject({
      'service.name': 'games-api',
      'deployment.environment.name': 'staging',
    });
    expect(collector.headers[0]).toMatchObject({
      url: '/v1/traces',
      'content-type': 'application/x-protobuf',
      'x-tenant': 'acme',
    });
  });

  test('says once that the collector is away, and that it is there again; clients notice nothing', async () => {
    const { port } = collector;
    await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '100' });
    await collector.stop();
    const lines = (): unknown[] =>
      api.log.map(({ msg }) => msg).filter((message) => /collector/.test(String(message)));
    const query = { query: 'query Away { games { totalCount } }' };
    await until(async () => {
      expect(await post(query)).toMatchObject({ status: 200 });
      return lines().length > 0;
    });
    for (let turn = 0; turn < 5; turn++) expect(await post(query)).toMatchObject({ status: 200 });
    const back = await Collector.start(port);
    cleanups.push(() => back.stop());
    await until(async () => {
      await post(query);
      return lines().length > 1;
    });
    expect(lines()).toEqual([
      expect.stringMatching(/^Traces are lost, because the collector does not take them: ./),
      'The collector takes traces again.',
    ]);
    expect(back.spans.length).toBeGreaterThan(0);
  });
});

describe('the server as it is run', () => {
  const env = (): NodeJS.ProcessEnv => ({
    DATABASE_URL: database.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });

  test('sends what is left when it stops', async () => {
    const workplace = await Workplace.create();
    cleanups.push(() => workplace.close());
    const child = await workplace.serve(env());
    expect(await ask(await child.origin(), 'query Stop { games { totalCount } }', owner.key)).toMatchObject({
      status: 200,
    });
    expect(collector.spans).toEqual([]);
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0 });
    expect(await spansOf('Stop')).toHaveLength(4);
  });

  test('stops soon where the collector takes connections and never answers', async () => {
    collector.isSilent = true;
    const workplace = await Workplace.create();
    cleanups.push(() => workplace.close());
    const child = await workplace.serve({ ...env(), OTEL_EXPORTER_OTLP_TIMEOUT: '60000' });
    await ask(await child.origin(), '{ games { totalCount } }', owner.key);
    child.signal('SIGTERM');
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0 });
    expect(collector.headers.length).toBeGreaterThan(0);
  });

  test('does not load OpenTelemetry where no endpoint is set', async () => {
    const workplace = await Workplace.create();
    cleanups.push(() => workplace.close());
    const list = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { if (url.includes('@opentelemetry/sdk')) process.stdout.write('loaded ' + url + '\\n'); return next(url, context); } });`;
    await workplace.write('list.mjs', list);
    const serve = async (more: NodeJS.ProcessEnv): Promise<string> => {
      const child = workplace.spawn(process.execPath, ['--import', './list.mjs', 'dist/src/main.js'], {
        PORT: '0',
        DATABASE_URL: database.url,
        ...more,
      });
      await child.origin();
      child.signal('SIGTERM');
      return (await child.ended()).stdout;
    };
    expect(await serve({})).not.toContain('loaded ');
    expect(await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint })).toContain('loaded ');
  });
});
