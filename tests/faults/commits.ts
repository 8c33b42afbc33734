import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { addOwner, makeDatabase } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { Owner, rowsOf, type Rows } from '../support/builders.ts';
import { startIssuer, type Issuer } from '../support/issuer.ts';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../support/postgres.js';
import { CommitProxy, CUTS, type Cut } from './commit-proxy.ts';
import { MUTATION_NAMES, prepareMutation, type PreparedMutation } from './mutations.ts';
import { atLeast, exactly, type Figure, type Scenario } from './scenario.ts';

/** How many COMMITs are cut. */
const TIMES = 1_000;
/** Those after which the server must wait for five or fifteen seconds are a few of them. */
const SLOW: readonly Cut[] = ['answer lost', 'never arrives', 'nobody to ask'];
const SLOW_EVERY = 100;
/** How often a request with a key is sent at most, and how long it waits between, in ms. */
const ATTEMPTS = 20;
const PAUSE_MS = 100;

/** What was told of a write: done, not done, that nobody knows, or something that is none of these. */
type Told = 'done' | 'not done' | 'unknown' | 'other';

export const commits: Scenario = {
  name: 'commits',
  title: `${TIMES} COMMITs are cut off, of every mutation: what is told against what was done`,
  run: async (say) => {
    const postgres = await startPostgres({
      fsync: 'on',
      shared_preload_libraries: '',
      log_statement: 'none',
    });
    const issuer = await startIssuer();
    const { url, db } = await makeDatabase(
      { databaseUrl: (name) => `${postgres.url}/${name}`, stop: () => postgres.stop() },
      'commits',
    );
    const proxy = await CommitProxy.start(url);
    const server = await Server.start(proxy.url, issuer.env);
    try {
      const { secret, prefix } = await addOwner(db, 'cut-owner1');
      const rows = rowsOf({
        query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
          (await db.query<Row>(text, [...values])).rows,
      });
      const place = { db, rows, owner: new Owner(rows, secret, prefix), issuer, proxy, server };
      return await cutAll(place, say);
    } finally {
      await server.kill();
      server.forget();
      await proxy.close();
      await issuer.close();
      await db.end();
      await postgres.stop();
    }
  },
};

interface Place {
  readonly db: pg.Client;
  readonly rows: Rows;
  readonly owner: Owner;
  readonly issuer: Issuer;
  readonly proxy: CommitProxy;
  readonly server: Server;
}

async function cutAll(place: Place, say: (text: string) => void): Promise<Figure[]> {
  const counts = { told: 0, lies: 0, others: 0, doubled: 0, lost: 0, slowest: 0 };
  const byCut = new Map<string, number>();
  for (let time = 0; time < TIMES; time++) {
    const cuts = time % SLOW_EVERY === 0 ? SLOW : CUTS.filter((cut) => !SLOW.includes(cut));
    const cut = cuts[Math.floor(time / (time % SLOW_EVERY === 0 ? SLOW_EVERY : 1)) % cuts.length] ?? 'after';
    const name = MUTATION_NAMES[time % MUTATION_NAMES.length] ?? 'createGame';
    const mutation = await prepareMutation(name, place.rows, place.owner);
    const key = `cut-${time}`;
    const before = await writes(place);
    place.proxy.cutNext(cut);
    const start = performance.now();
    const told = await send(place, mutation, key);
    counts.slowest = Math.max(counts.slowest, performance.now() - start);
    place.proxy.heal();
    const done = (await writes(place)) - before;
    byCut.set(`${cut}: ${told}, ${done}`, (byCut.get(`${cut}: ${told}, ${done}`) ?? 0) + 1);
    counts.told++;
    if ((told === 'done' && done !== 1) || (told === 'not done' && done !== 0)) counts.lies++;
    if (told === 'other') counts.others++;
    if (done > 1) counts.doubled++;
    let again: Told = told;
    for (let attempt = 0; again !== 'done' && attempt < ATTEMPTS; attempt++) {
      await delay(PAUSE_MS);
      again = await send(place, mutation, key);
    }
    const inTheEnd = (await writes(place)) - before;
    if (inTheEnd > 1) counts.doubled++;
    if (again !== 'done' || inTheEnd < 1) counts.lost++;
  }
  for (const [what, count] of [...byCut].toSorted(([a], [b]) => a.localeCompare(b))) {
    say(`${String(count).padStart(5)}  ${what}`);
  }
  say(`the longest answer took ${(counts.slowest / 1_000).toFixed(1)} s`);
  return [
    atLeast('COMMITs cut', counts.told, TIMES),
    exactly('told wrongly', counts.lies, 0),
    exactly('answers that are neither done, not done nor unknown', counts.others, 0),
    exactly('done twice, retries with the key included', counts.doubled, 0),
    exactly('not done in the end, retries with the key included', counts.lost, 0),
  ];
}

async function writes({ db }: Place): Promise<number> {
  const { rows } = await db.query<{ count: string }>('SELECT count(*) FROM logs');
  return Number(rows[0]?.count);
}

async function send(
  { server, owner, issuer }: Place,
  { document, variables, needsAdmin }: PreparedMutation,
  key: string,
): Promise<Told> {
  // Tokens end after some minutes.
  const { token } = needsAdmin ? await issuer.admin('operator') : {};
  const credential = token === undefined ? { 'x-api-key': owner.key } : { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${server.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, ...credential },
    body: JSON.stringify({ query: document, variables }),
  });
  const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  const code = errors[0]?.extensions.code;
  if (code === undefined) return 'done';
  if (code === 'SERVICE_UNAVAILABLE') return 'not done';
  return code === 'OUTCOME_UNKNOWN' ? 'unknown' : 'other';
}
