import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { errors, Provider, type Adapter, type ClientMetadata } from 'oidc-provider';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startApi, type Api, type Credentials } from '../support/api.js';
import { AUDIENCE, rsaKey } from '../support/tokens.js';

const VIEWER = '{ viewer { apiKey oauthUserId isAdmin } }';
const COUNT = '{ games { totalCount } }';
const ADMIN = 'administration';
const OTHER_AUDIENCE = 'urn:another-api';
/** A resource whose tokens are for the API as well, but live for a minute. */
const SHORT = 'urn:short';
const SECRET = 'a secret of a client that lives as long as this test';

/** Tokens that are JWTs need not be stored; without an adapter the provider warns of its own. */
const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const FORGETFUL: Adapter = {
  upsert: nothing,
  find: nothing,
  findByUserCode: nothing,
  findByUid: nothing,
  consume: nothing,
  destroy: nothing,
  revokeByGrantId: nothing,
};

/** A real OpenID provider on a port of its own, and its clients. */
class OpenIdProvider {
  private constructor(
    readonly issuer: string,
    private readonly server: Server,
    private readonly provider: Provider,
  ) {}

  static async start(): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = makeProvider(issuer);
    const handle = provider.callback();
    server.on('request', (request, response) => void handle(request, response));
    return new OpenIdProvider(issuer, server, provider);
  }

  /** A token for a client itself, as the provider makes it at a sign-in or when its user signs out. */
  async tokenForClient(client: string, use: 'idtoken' | 'logout', claims: object): Promise<Credentials> {
    const { Client, IdToken } = this.provider as unknown as {
      readonly Client: { find(id: string): Promise<object> };
      readonly IdToken: new (
        claims: object,
        by: { client: object },
      ) => { set(name: string, value: unknown): void; issue(as: object): Promise<string> };
    };
    const token = new IdToken({}, { client: await Client.find(client) });
    for (const [name, value] of Object.entries(claims)) token.set(name, value);
    return { token: await token.issue({ use, expiresAt: Math.floor(Date.now() / 1_000) + 300 }) };
  }

  /** A refresh token of a client, as the provider makes it at a sign-in. */
  async refreshToken(client: string): Promise<Credentials> {
    const { Client, RefreshToken } = this.provider as unknown as {
      readonly Client: { find(id: string): Promise<object> };
      readonly RefreshToken: new (of: object) => { save(ttl: number): Promise<string> };
    };
    const of = {
      client: await Client.find(client),
      accountId: 'somebody',
      grantId: 'a-grant',
      scope: 'openid',
    };
    return { token: await new RefreshToken(of).save(300) };
  }

  /** What a server is told of this provider, as the provider itself says it. */
  async env(): Promise<NodeJS.ProcessEnv> {
    const document = await this.#discover();
    return {
      OAUTH_ISSUER: document['issuer'],
      OAUTH_AUDIENCE: AUDIENCE,
      OAUTH_JWKS_URL: document['jwks_uri'],
    };
  }

  /** What a client gets for its secret at the token endpoint. */
  async token(client: string, resource: string = `urn:${AUDIENCE}`): Promise<Credentials> {
    const endpoint = (await this.#discover())['token_endpoint'] ?? '';
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${encodeURIComponent(SECRET)}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
    });
    const answer = (await response.json()) as { access_token?: string };
    if (answer.access_token === undefined) throw new Error(`No token: ${JSON.stringify(answer)}`);
    return { token: answer.access_token };
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  async #discover(): Promise<Record<string, string>> {
    const response = await fetch(`${this.issuer}/.well-known/openid-configuration`);
    return (await response.json()) as Record<string, string>;
  }
}

function makeProvider(issuer: string): Provider {
  const { kid, privateKey } = rsaKey('the-key-of-the-provider');
  const client = (name: string): ClientMetadata => ({
    client_id: name,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  });
  const audiences: Record<string, string> = {
    [`urn:${AUDIENCE}`]: AUDIENCE,
    [SHORT]: AUDIENCE,
    [OTHER_AUDIENCE]: 'another-api',
  };
  return new Provider(issuer, {
    clients: ['billing', 'reporting', ADMIN].map(client),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] },
    adapter: () => FORGETFUL,
    ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 0 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => {
          const audience = audiences[resource];
          if (audience === undefined) throw new errors.InvalidTarget();
          return {
            scope: '',
            audience,
            accessTokenFormat: 'jwt',
            accessTokenTTL: resource === SHORT ? 60 : 300,
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    extraTokenClaims: (_context, token) =>
      token.clientId === ADMIN ? { realm_access: { roles: ['AdministratorGAME'] } } : {},
  });
}

let provider: OpenIdProvider;
let api: Api;
beforeAll(async () => {
  provider = await OpenIdProvider.start();
  api = await startApi({ env: await provider.env() });
});
afterAll(async () => {
  await api.close();
  await provider.stop();
});

async function refusalOf(as: Credentials): Promise<unknown> {
  const { status, codes } = await api.errors(VIEWER, {}, as);
  return { status, codes };
}

/** The claims of a token, which nobody has checked. */
function claimsOf({ token = '' }: Credentials): Record<string, unknown> {
  const body = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  return JSON.parse(body) as Record<string, unknown>;
}

const create = (
  name: string,
): string => `mutation { createGame(input: { externalGameId: "${name}", platform: "web" }) {
  game { id owner { apiKey oauthUserId } } } }`;
interface Created {
  readonly createGame: { readonly game: { readonly id: string; readonly owner: unknown } };
}

test('a service owns what it creates, another does not see it, an admin sees all and its writes say so', async () => {
  const [billing, reporting, admin] = await Promise.all(
    ['billing', 'reporting', ADMIN].map((client) => provider.token(client)),
  );
  const READ = 'query ($id: ID!) { game(id: $id) { id } }';
  expect(await api.data(VIEWER, {}, billing)).toEqual({
    viewer: { apiKey: null, oauthUserId: 'billing', isAdmin: false },
  });
  expect(await api.data(VIEWER, {}, admin)).toEqual({
    viewer: { apiKey: null, oauthUserId: ADMIN, isAdmin: true },
  });

  const { game } = (await api.data<Created>(create('of-billing'), {}, billing)).createGame;
  expect(game.owner).toEqual({ apiKey: null, oauthUserId: 'billing' });
  const asked: [Credentials | undefined, number, object][] = [
    [billing, 1, { data: { game: { id: game.id } } }],
    [reporting, 0, { errors: [{ extensions: { code: 'NOT_FOUND' } }] }],
    [admin, 1, { data: { game: { id: game.id } } }],
  ];
  for (const [as, totalCount, answer] of asked) {
    expect(await api.data(COUNT, {}, as)).toEqual({ games: { totalCount } });
    expect((await api.query(READ, { id: game.id }, as)).body).toMatchObject(answer);
  }

  const PATCH = `mutation ($id: ID!) { patchGame(input: { id: $id, platform: "mobile" }) { game { id } } }`;
  expect((await api.errors(PATCH, { id: game.id }, reporting)).codes).toEqual(['NOT_FOUND']);
  await api.data(PATCH, { id: game.id }, admin);
  const rows = await api.database.query<{ by: string; admin: unknown }>(
    `SELECT oauth_user_id AS by, details::jsonb -> 'admin' AS admin FROM logs ORDER BY created_at`,
  );
  expect(rows.map(({ by, admin: asAdmin }) => [by, asAdmin === true])).toEqual([
    ['billing', false],
    [ADMIN, true],
  ]);
});

test('a token of the provider for another audience is refused', async () => {
  const as = await provider.token('billing', OTHER_AUDIENCE);
  expect(claimsOf(as)).toMatchObject({ iss: provider.issuer, aud: 'another-api', client_id: 'billing' });
  expect(await refusalOf(as)).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] });
});

test('a token of the provider that has expired is refused', async () => {
  // The provider's clock, while the server is not asked.
  const past = Date.now() - 120_000;
  const clock = jest.spyOn(Date, 'now').mockReturnValue(past);
  const expired = await provider.token('billing', SHORT);
  const longer = await provider.token('billing');
  clock.mockRestore();
  const fresh = await provider.token('billing', SHORT);
  const exp = Math.floor(past / 1_000) + 60;
  expect(claimsOf(expired)).toMatchObject({ iss: provider.issuer, aud: AUDIENCE, client_id: 'billing', exp });
  expect(await refusalOf(expired)).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] });
  for (const as of [longer, fresh]) {
    expect(await api.data(VIEWER, {}, as)).toMatchObject({ viewer: { oauthUserId: 'billing' } });
  }
});

test('a token of another provider is refused, though its clients and key ids have the same names', async () => {
  const another = await OpenIdProvider.start();
  try {
    const as = await another.token(ADMIN);
    expect(claimsOf(as)).toMatchObject({ iss: another.issuer, aud: AUDIENCE });
    expect(await refusalOf(as)).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] });
  } finally {
    await another.stop();
  }
});

test('what the provider signs for a client, no access token, is refused where that client is the audience', async () => {
  const other = await startApi({
    database: api.database,
    env: { ...(await provider.env()), OAUTH_AUDIENCE: 'billing' },
  });
  try {
    const { token } = await provider.token('billing');
    for (const as of [
      await provider.tokenForClient('billing', 'idtoken', { sub: 'somebody', at_hash: token }),
      await provider.tokenForClient('billing', 'logout', {
        ...{ sub: 'somebody', sid: 'a-session', jti: 'a-token' },
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      }),
    ]) {
      expect(claimsOf(as)).toMatchObject({ iss: provider.issuer, aud: 'billing', sub: 'somebody' });
      const { status, codes } = await other.errors(VIEWER, {}, as);
      expect([status, codes]).toEqual([401, ['UNAUTHENTICATED']]);
    }
    // Nothing in one without hashes says what it is: the audience alone keeps it out elsewhere.
    const plain = await provider.tokenForClient('billing', 'idtoken', { sub: 'somebody' });
    expect(await other.data(VIEWER, {}, plain)).toMatchObject({ viewer: { oauthUserId: 'somebody' } });
  } finally {
    await other.close();
  }
});

test('a refresh token is refused', async () => {
  const { status, codes } = await api.errors(VIEWER, {}, await provider.refreshToken('billing'));
  expect([status, codes]).toEqual([401, ['UNAUTHENTICATED']]);
});

test('tokens go on working while the provider is down', async () => {
  const [known, unused] = await Promise.all([provider.token('billing'), provider.token('reporting')]);
  await api.data(VIEWER, {}, known);
  await provider.stop();
  await expect(fetch(provider.issuer)).rejects.toThrow('fetch failed');
  expect(await api.data(VIEWER, {}, known)).toMatchObject({ viewer: { oauthUserId: 'billing' } });
  expect(await api.data(VIEWER, {}, unused)).toMatchObject({ viewer: { oauthUserId: 'reporting' } });
  expect(await refusalOf({ token: `${known.token}x` })).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] });
});
