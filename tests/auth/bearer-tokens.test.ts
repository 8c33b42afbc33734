import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { startApi, type Api } from '../support/api.js';
import { send, type RawAnswer } from '../support/http.js';
import { AUDIENCE, ecKey, forge, jwkOf, KeyServer, rsaKey, type Json } from '../support/tokens.js';

const ROLE = 'AdministratorGAME';
const VIEWER = '{ viewer { apiKey oauthUserId isAdmin } }';

const key = rsaKey('the-key');
const elliptic = ecKey('elliptic');
const stranger = rsaKey('the-key');
let issuer: KeyServer;
let api: Api;

beforeAll(async () => {
  issuer = await KeyServer.start([jwkOf(key), jwkOf(elliptic)]);
  api = await startApi({ env: issuer.env });
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

type Headers = Readonly<Record<string, string | string[]>>;

function ask(headers: Headers, query = VIEWER, search = ''): Promise<RawAnswer> {
  return send(api.url + search, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

function codesOf({ text }: RawAnswer): string[] {
  const { errors = [] } = JSON.parse(text) as { errors?: { extensions: { code: string } }[] };
  return errors.map(({ extensions }) => extensions.code);
}

async function viewer(claims: Json): Promise<unknown> {
  const { viewer: seen } = await api.data<{ viewer: unknown }>(
    VIEWER,
    {},
    { token: issuer.token(key, claims) },
  );
  return seen;
}

const now = (): number => Math.floor(Date.now() / 1_000);

describe('a good token', () => {
  test('gets in, and its subject owns what it creates', async () => {
    const as = { token: issuer.token(key, { sub: 'creator' }) };
    const CREATE = `mutation { createGame(input: { externalGameId: "by-a-token", platform: "web" }) {
      game { owner { apiKey oauthUserId } } } }`;
    expect(await api.data(CREATE, {}, as)).toEqual({
      createGame: { game: { owner: { apiKey: null, oauthUserId: 'creator' } } },
    });
    const other = { token: issuer.token(key, { sub: 'other' }) };
    const COUNT = '{ games { totalCount } }';
    expect(await api.data(COUNT, {}, as)).toEqual({ games: { totalCount: 1 } });
    expect(await api.data(COUNT, {}, other)).toEqual({ games: { totalCount: 0 } });
  });

  test.each<[string, Json, string]>([
    ['sub', { sub: 'the-sub', preferred_username: 'name' }, 'the-sub'],
    ['preferred_username', { preferred_username: 'name', email: 'a@example.org' }, 'name'],
    ['email', { email: 'a@example.org', client_id: 'service' }, 'a@example.org'],
    ['client_id of a service account', { client_id: 'service', azp: 'other' }, 'service'],
    ['azp', { azp: 'party' }, 'party'],
    [
      'the first that is not blank',
      { sub: '  ', preferred_username: '', email: 'e@example.org' },
      'e@example.org',
    ],
  ])('is of the subject in %s', async (_name, claims, oauthUserId) => {
    expect(await viewer({ sub: undefined, ...claims })).toEqual({
      apiKey: null,
      oauthUserId,
      isAdmin: false,
    });
  });

  test.each<[string, Json]>([
    ['the audience is one of several', { aud: ['account', AUDIENCE] }],
    ['it expired 20 seconds ago', { exp: now() - 20 }],
    ['it holds from 20 seconds on', { nbf: now() + 20 }],
    ['it was issued by a clock that is 20 seconds fast', { iat: now() + 20 }],
  ])('gets in where %s', async (_name, claims) => {
    expect(await viewer(claims)).toMatchObject({ oauthUserId: 'somebody' });
  });

  test('gets in where it expired 29 seconds ago', async () => {
    // Early in a second, so that the server reads the same second as this test.
    await delay(1_005 - (Date.now() % 1_000));
    expect(await viewer({ exp: now() - 29 })).toMatchObject({ oauthUserId: 'somebody' });
  });

  test.each<[Json, Json]>([
    [{}, {}],
    [{ typ: 'JWT' }, { typ: 'Bearer' }],
    [{ typ: 'jwt' }, { typ: 'bearer' }],
    [{ typ: 'at+jwt' }, {}],
    [{ typ: 'AT+JWT' }, {}],
    [{ typ: 'application/at+jwt' }, { typ: 'Bearer' }],
  ])('may have the header %j and the claims %j', async (header, claims) => {
    const as = { token: issuer.token(key, claims, header) };
    expect(await api.data(VIEWER, {}, as)).toMatchObject({ viewer: { oauthUserId: 'somebody' } });
  });

  test.each(['bearer', 'BEARER', 'BeArEr'])('may call its scheme %s', async (scheme) => {
    const answer = await ask({ authorization: `${scheme} ${issuer.token(key)}` });
    expect(answer.text).toContain('"oauthUserId":"somebody"');
  });
});

describe('an admin', () => {
  test.each<[string, Json]>([
    ['realm_access.roles', { realm_access: { roles: ['other', ROLE] } }],
    ['roles', { roles: [ROLE] }],
    ["resource_access of the API's client", { resource_access: { [AUDIENCE]: { roles: [ROLE] } } }],
    ['resource_access.account', { resource_access: { account: { roles: [ROLE] } } }],
  ])('has the role in %s', async (_name, claims) => {
    expect(await viewer(claims)).toMatchObject({ isAdmin: true });
  });

  test.each<[string, Json]>([
    ['the roles of another client', { resource_access: { 'other-client': { roles: [ROLE] } } }],
    ['its own client, which is not the API', { azp: 'spa', resource_access: { spa: { roles: [ROLE] } } }],
    ['a text instead of a list', { roles: ROLE, realm_access: { roles: `x${ROLE}x` } }],
    ['another case', { roles: [ROLE.toLowerCase()], realm_access: { roles: [` ${ROLE}`] } }],
    [
      'groups, scope and a role claim',
      { groups: [ROLE], scope: ROLE, role: ROLE, isAdmin: true, admin: true },
    ],
    ['lists below lists', { roles: [[ROLE]], realm_access: [{ roles: [ROLE] }] }],
    ['keys of the object', { realm_access: { roles: { [ROLE]: true } }, roles: { 0: ROLE, length: 1 } }],
    ['its prototype', { resource_access: { ['__proto__']: { [AUDIENCE]: { roles: [ROLE] } } } }],
  ])('is nobody with the role in %s', async (_name, claims) => {
    expect(await viewer(claims)).toMatchObject({ isAdmin: false });
  });
});

/** Whatever must not get in, as the headers that are sent. */
function attacks(): Record<string, Headers> {
  const { iss } = issuer.claims();
  const jwk = { ...jwkOf(stranger), kid: undefined };
  const wrong = (changes: Json): Headers => bearer(issuer.token(key, changes));
  const header = (changes: Json, signer = stranger): Headers => bearer(issuer.token(signer, {}, changes));
  const good = issuer.token(key);
  const [head = '', body = '', signature = ''] = good.split('.');
  const foreignBody = Buffer.from(JSON.stringify(issuer.claims({ sub: 'victim' }))).toString('base64url');
  return {
    'alg none': header({ alg: 'none' }, key),
    'alg None': bearer(`${Buffer.from('{"alg":"None","kid":"the-key"}').toString('base64url')}.${body}.`),
    'alg none with a signature': bearer(
      `${Buffer.from('{"alg":"none","kid":"the-key"}').toString('base64url')}.${body}.${signature}`,
    ),
    'HS256 with the public key as the secret': header({ alg: 'HS256' }, key),
    RS384: header({ alg: 'RS384' }, key),
    PS256: header({ alg: 'PS256' }, key),
    'ES256 with a key of the set': header({ alg: 'ES256', kid: 'elliptic' }, elliptic),
    'signed by a stranger under a known kid': header({}),
    'unknown kid': header({ kid: 'unknown' }),
    'no kid': header({ kid: undefined }),
    'jwk in the header': header({ kid: undefined, jwk }),
    'jwk in the header, known kid': header({ jwk }),
    'jku in the header': header({ jku: 'http://127.0.0.1:9/keys' }),
    'x5u in the header': header({ x5u: 'http://127.0.0.1:9/cert' }),
    'x5c in the header': header({ x5c: ['MIIB'] }),
    'kid ../': header({ kid: '../../../../dev/null' }),
    'kid of SQL': header({ kid: "x' UNION SELECT 'secret' --" }),
    'kid of another type': header({ kid: 7 }),
    'crit header': header({ crit: ['exp'], exp: 1 }, key),
    'b64 header': header({ crit: ['b64'], b64: false }, key),
    'wrong issuer': wrong({ iss: 'https://example.org' }),
    'issuer with a suffix': wrong({ iss: `${String(iss)}.example.org` }),
    'issuer with a slash': wrong({ iss: `${String(iss)}/` }),
    'issuer in another case': wrong({ iss: String(iss).toUpperCase() }),
    'issuer in a list': wrong({ iss: [iss] }),
    'no issuer': wrong({ iss: undefined }),
    'wrong audience': wrong({ aud: 'other' }),
    'audience with a suffix': wrong({ aud: `${AUDIENCE}-2` }),
    'audiences of others': wrong({ aud: ['account', 'other'] }),
    'no audience': wrong({ aud: undefined }),
    'audience only as azp': wrong({ aud: 'account', azp: AUDIENCE }),
    'empty audiences': wrong({ aud: [] }),
    'no exp': wrong({ exp: undefined }),
    'exp null': wrong({ exp: null }),
    'exp as a string': wrong({ exp: String(now() + 300) }),
    'expired by 31 seconds': wrong({ exp: now() - 31 }),
    'nbf in the future': wrong({ nbf: now() + 60 }),
    'nbf as a string': wrong({ nbf: '0' }),
    'iat in the future': wrong({ iat: now() + 60 }),
    'iat as a string': wrong({ iat: 'now' }),
    "Keycloak's ID token": wrong({ typ: 'ID' }),
    "Keycloak's refresh token": wrong({ typ: 'Refresh' }),
    "Keycloak's offline token": wrong({ typ: 'Offline' }),
    "Keycloak's logout token": wrong({ typ: 'Logout' }),
    "Keycloak's token to register clients": wrong({ typ: 'RegistrationAccessToken' }),
    'a token bound to a key of its holder': wrong({ typ: 'DPoP' }),
    'kind null': wrong({ typ: null }),
    'kinds in a list': wrong({ typ: ['Bearer', 'ID'] }),
    'kind empty': wrong({ typ: '' }),
    'an ID token by its hash of an access token': wrong({ at_hash: 'x' }),
    'an ID token by its hash of a code': wrong({ c_hash: 'x' }),
    'an event': wrong({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    'header typ of a logout': header({ typ: 'logout+jwt' }, key),
    'header typ of an event': header({ typ: 'secevent+jwt' }, key),
    'header typ of a proof': header({ typ: 'dpop+jwt' }, key),
    'header typ of a client assertion': header({ typ: 'client-authentication+jwt' }, key),
    'header typ that only begins well': header({ typ: 'at+jwt+x' }, key),
    'no subject': wrong({ sub: undefined }),
    'empty subject': wrong({ sub: '' }),
    'blank subject': wrong({ sub: ' \t ' }),
    'subject in a list': wrong({ sub: ['somebody'] }),
    'subject number': wrong({ sub: 7 }),
    'subject object': wrong({ sub: { toString: 'somebody' } }),
    'subject with NUL': wrong({ sub: 'some\0body' }),
    'subject with a lone surrogate': wrong({ sub: '\ud800' }),
    'other claims under a good signature': bearer(`${head}.${foreignBody}.${signature}`),
    'no signature': bearer(`${head}.${body}.`),
    'two parts': bearer(`${head}.${body}`),
    'four parts': bearer(`${good}.x`),
    'claims that are no object': bearer(forge({ alg: 'RS256', kid: key.kid }, [] as unknown as Json, key)),
    'not a token': bearer('abc'),
    'a token of 12 kB': bearer(Array.from({ length: 3 }, () => 'x'.repeat(4_000)).join('.')),
    'Bearer without a token': { authorization: 'Bearer' },
    'Bearer with a blank': { authorization: 'Bearer ' },
    'empty header': { authorization: '' },
    Basic: { authorization: `Basic ${Buffer.from('user:password').toString('base64')}` },
    'Digest with a good token': { authorization: `Digest ${good}` },
    'no scheme': { authorization: good },
    'two tokens in a header': { authorization: `Bearer ${good}, Bearer ${good}` },
    'two headers': { authorization: [`Bearer ${good}`, `Bearer ${good}`] },
    'two headers, the second bad': { authorization: [`Bearer ${good}`, 'Bearer x'] },
    'the token as an API key': { 'x-api-key': good },
    'the token as an API key beside itself': { ...bearer(good), 'x-api-key': good },
  };
}

test('whatever is wrong with a token, it is refused, and never taken for no token', async () => {
  const outcomes: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const [name, headers] of Object.entries(attacks())) {
    const answer = await ask(headers);
    outcomes[name] = { status: answer.status, codes: codesOf(answer) };
    expected[name] = { status: 401, codes: ['UNAUTHENTICATED'] };
  }
  expect(outcomes).toEqual(expected);
  expect(Object.keys(outcomes).length).toBeGreaterThanOrEqual(60);
});

test('a token without `exp` is refused where the same one with it gets in', async () => {
  const forever = await ask(bearer(issuer.token(key, { exp: undefined })));
  expect([forever.status, codesOf(forever)]).toEqual([401, ['UNAUTHENTICATED']]);
  const good = await ask(bearer(issuer.token(key)));
  expect([good.status, codesOf(good)]).toEqual([200, []]);
});

test('two Authorization headers are refused, whichever of them is good', async () => {
  const good = `Bearer ${issuer.token(key)}`;
  const other = `Bearer ${issuer.token(key, { sub: 'other' })}`;
  const sent = [
    [good, good],
    [good, other],
    [good, 'Bearer x'],
    ['Bearer x', good],
    [good, 'Basic eDp5'],
    [good, ''],
  ];
  for (const authorization of sent) {
    const answer = await ask({ authorization });
    expect([answer.status, codesOf(answer)]).toEqual([401, ['UNAUTHENTICATED']]);
  }
});

test('a token of 100 kB is refused before it is read', async () => {
  const answer = await ask(bearer('x'.repeat(100_000)));
  expect(answer.status).toBe(431);
});

test.each(['access_token', 'token', 'authorization', 'bearer'])(
  'a token in the URL as %s is no credential',
  async (name) => {
    const answer = await ask({}, '{ games { totalCount } }', `?${name}=${issuer.token(key)}`);
    expect([answer.status, codesOf(answer)]).toEqual([401, ['UNAUTHENTICATED']]);
  },
);

test('made-up tokens send the server nowhere but to its issuer, once', () => {
  expect(issuer.requests).toBeLessThanOrEqual(2);
});
