import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { beforeAll, expect, test } from '@jest/globals';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createHash, randomUUID } from 'node:crypto';
import type { Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let owner: Owner;

beforeAll(async () => {
  owner = await rows.owner();
  await owner.game();
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** A query that the server has not seen yet. */
const newQuery = (): string => `query Q${randomUUID().replaceAll('-', '')} { games { totalCount } }`;

/** What was sent: the method, whether the text was there, and the status of the answer. */
function watch(): { fetch: typeof fetch; sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const url = new URL(String(input instanceof Request ? input.url : input));
      const body = typeof init?.body === 'string' ? init.body : '';
      const hasText = url.searchParams.has('query') || body.includes('"query":"');
      sent.push(`${init?.method ?? 'GET'} ${hasText ? 'text' : 'hash'} ${response.status}`);
      return response;
    },
  };
}

test.each([false, true])("Apollo Client's link sends the text once; by GET: %p", async (byGet) => {
  const query = newQuery();
  for (const expected of [['hash 400', 'text 200'], ['hash 200']]) {
    const { fetch: watched, sent } = watch();
    const apollo = new ApolloClient({
      link: ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries: byGet }),
        new HttpLink({ uri: api.url, fetch: watched, headers: { 'x-api-key': owner.key } }),
      ]),
      cache: new InMemoryCache(),
    });
    const { data } = await apollo.query({ query: gql(query) });
    expect(data).toEqual({ games: { __typename: 'GameConnection', totalCount: 1 } });
    expect(sent.map((line) => line.replace(/^\w+ /, ''))).toEqual(expected);
    expect(sent[0]).toMatch(byGet ? /^GET/ : /^POST/);
  }
});

test.each([false, true])("urql's exchange sends the text once; by GET: %p", async (byGet) => {
  const query = newQuery();
  for (const expected of [['hash 400', 'text 200'], ['hash 200']]) {
    const { fetch: watched, sent } = watch();
    const urql = new Client({
      url: api.url,
      fetch: watched,
      preferGetMethod: byGet,
      fetchOptions: { headers: { 'x-api-key': owner.key } },
      exchanges: [persistedExchange({ preferGetForPersistedQueries: byGet }), fetchExchange],
    });
    const { data, error } = await urql.query<unknown>(query, {}).toPromise();
    expect(error).toBeUndefined();
    expect(data).toEqual({ games: { totalCount: 1 } });
    expect(sent.map((line) => line.replace(/^\w+ /, ''))).toEqual(expected);
    expect(sent[0]).toMatch(byGet ? /^GET/ : /^POST/);
  }
});

test('texts of 5,000,000 characters are known, the most recently used ones', async () => {
  const texts = Array.from({ length: 54 }, () => newQuery().padEnd(99_000, '#'));
  const send = async (text: string, query?: string): Promise<number> => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(text) } };
    const { status } = await fetch(api.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        'x-api-key': owner.key,
      },
      body: JSON.stringify({ query, extensions }),
    });
    return status;
  };
  const [first = '', second = '', ...others] = texts;
  for (const text of [first, second]) expect(await send(text, text)).toBe(200);
  for (const text of others) {
    expect(await send(text, text)).toBe(200);
    expect(await send(first)).toBe(200);
  }
  expect(await send(second)).toBe(400);
  expect(await send(second, second)).toBe(200);
});

test.each([{ 'x-api-key': 'KEY' }, { authorization: 'Bearer x.y.z' }])(
  'urql reads by GET with a credential and no other header: %j',
  async (given) => {
    const { fetch: watched, sent } = watch();
    const urql = new Client({
      url: api.url,
      fetch: watched,
      preferGetMethod: true,
      fetchOptions: { headers: 'x-api-key' in given ? { 'x-api-key': owner.key } : given },
      exchanges: [fetchExchange],
    });
    await urql.query<unknown>(newQuery(), {}).toPromise();
    expect(sent).toEqual([`GET text ${'x-api-key' in given ? 200 : 401}`]);
  },
);
