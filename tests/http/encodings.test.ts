import { beforeAll, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Owner } from '../support/builders.js';
import { send, type RawAnswer } from '../support/http.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let owner: Owner;

beforeAll(async () => {
  owner = await rows.owner();
});

const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { platform } } }';
let number = 0;
const createAt = (platform: string): string =>
  JSON.stringify({
    query: CREATE,
    variables: { input: { externalGameId: `encoded-${number++}`, platform } },
  });

const post = (body: Buffer, type: string, more: Record<string, string> = {}): Promise<RawAnswer> =>
  send(api.url, {
    method: 'POST',
    headers: { 'content-type': type, 'x-api-key': owner.key, ...more },
    body,
  });

function codeOf({ text }: RawAnswer): unknown {
  return (JSON.parse(text) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;
}

describe('a body', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; Charset=utf8',
  ])('of type %s is read as UTF-8', async (type) => {
    const answer = await post(Buffer.from(createAt('Αθήνα 🏛')), type);
    expect(JSON.parse(answer.text)).toEqual({ data: { createGame: { game: { platform: 'Αθήνα 🏛' } } } });
  });

  test('may begin with a byte order mark', async () => {
    const answer = await post(Buffer.from(`\uFEFF${createAt('marked')}`), 'application/json');
    expect(answer.text).toContain('marked');
  });

  test.each<[encoding: string, change: (body: Buffer) => Buffer]>([
    ['Windows-1252', (body) => Buffer.from(body.toString().replace('@', '\u0080'), 'latin1')],
    ['half a character', (body) => replace(body, [0xe2, 0x82])],
    ['a surrogate', (body) => replace(body, [0xed, 0xa0, 0x80])],
    ['an overlong form', (body) => replace(body, [0xc0, 0xaf])],
    ['UTF-16 with its mark', (body) => Buffer.from(`\uFEFF${body.toString()}`, 'utf16le')],
  ])('of other bytes than UTF-8 is 400, and nothing is stored: %s', async (_encoding, change) => {
    const before = await api.database.dump();
    for (const type of ['application/json', 'application/json; charset=utf-8']) {
      const answer = await post(change(Buffer.from(createAt('a@b'))), type);
      expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 400, code: 'BAD_REQUEST' });
    }
    expect(await api.database.dump()).toBe(before);
  });

  test.each([
    'application/json; charset=utf-16',
    'application/json; charset=windows-1252',
    'application/json;profile=x;CHARSET="us-latin"',
    'application/json; charset=utf-8; charset=utf-16le',
    'application/json; charset=',
  ])('of type %s is 415', async (type) => {
    const answer = await post(Buffer.from(createAt('plain')), type);
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 415, code: 'BAD_REQUEST' });
  });

  test('that is compressed is 415', async () => {
    const answer = await post(gzipSync(createAt('zipped')), 'application/json', {
      'content-encoding': 'gzip',
    });
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 415, code: 'BAD_REQUEST' });
    const plain = await post(Buffer.from(createAt('plain')), 'application/json', {
      'content-encoding': 'identity',
    });
    expect(plain.status).toBe(200);
  });

  test('keeps what JSON may not hold out: __proto__ and constructor.prototype', async () => {
    for (const key of ['"__proto__":{"a":1}', '"constructor":{"prototype":{"a":1}}']) {
      const answer = await post(Buffer.from(`{"query":"{ __typename }",${key}}`), 'application/json');
      expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 400, code: 'BAD_REQUEST' });
    }
  });
});

describe('a query string', () => {
  const ask = (search: string): Promise<RawAnswer> =>
    send(`${api.url}?${search}`, { headers: { 'x-api-key': owner.key, 'apollo-require-preflight': '1' } });
  const games = (platform: string): string =>
    `query=${encodeURIComponent('query ($p: String) { games(filter: { platform: { eq: $p } }) { totalCount } }')}&variables=${platform}`;

  test('is read as UTF-8', async () => {
    await owner.game({ platform: 'Zürich' });
    const answer = await ask(games(encodeURIComponent('{"p":"Zürich"}')));
    expect(JSON.parse(answer.text)).toEqual({ data: { games: { totalCount: 1 } } });
  });

  test.each(['%22Z%FCrich%22', '%22%ED%A0%80%22', '%22%C3%22', '%22%u00fc%22'])(
    'of other bytes is 400: %s',
    async (value) => {
      for (const search of [games(`%7B%22p%22:${value}%7D`), `query=%7B__typename%20%23${value}%7D`]) {
        const answer = await ask(search);
        expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 400, code: 'BAD_REQUEST' });
      }
    },
  );

  test.each([
    'operationName=',
    'variables=',
    'extensions=',
    'variables=null',
    'extensions=null',
    'operationName=&variables=&extensions=',
  ])('says nothing where a parameter is empty, or null as JSON: %s', async (more) => {
    expect(await ask(`query=%7B__typename%7D&${more}`)).toMatchObject({ status: 200 });
  });

  test('names an operation where it says so', async () => {
    const two = encodeURIComponent('query A { __typename } query B { viewer { isAdmin } }');
    expect((await ask(`query=${two}&operationName=B`)).text).toContain('isAdmin');
    expect((await ask(`query=${two}&operationName=C`)).status).toBe(400);
  });
});

function replace(body: Buffer, bytes: readonly number[]): Buffer {
  const at = body.indexOf('@');
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + 1)]);
}
