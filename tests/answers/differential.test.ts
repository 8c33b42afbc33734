import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApi, type Answer, type AnswerError, type Api, type Credentials } from '../support/api.js';
import { rowsOf } from '../support/builders.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { Opaque } from '../support/opaque.js';
import { plantRows, readRows } from '../support/oracle-rows.js';
import { Oracle, type Asker, type Expectation, type Question } from '../support/oracle.js';
import { instantTexts, RandomOperations } from '../support/random-operations.js';
import { Random } from '../support/random.js';
import { smaller } from '../support/smaller.js';

// Any operation is answered as graphql-js answers it over the same rows in memory: see oracle.ts. Each is sent several
// times, between others, because the server keeps what it has worked out: plans, statements, checks.
//
//   DIFFERENTIAL_OPERATIONS=5000 DIFFERENTIAL_SEED=1 npm test -- differential

const OPERATIONS = Number(process.env['DIFFERENTIAL_OPERATIONS'] ?? 300);
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 1_000_000_000);
/** Operations that are sent in one mixed order; what the answers teach, such as cursors, is for the next. */
const BATCH = 30;
const MOST_SENDINGS = 5;
/** Differences that are told at once. */
const MOST_DIFFERENCES = Number(process.env['DIFFERENTIAL_DIFFERENCES'] ?? 3);
/** Most attempts at making an operation smaller that is answered wrongly. */
const MOST_TRIES = 400;
/** Tokens are good for five minutes. */
const TOKEN_MS = 120_000;

interface Caller extends Asker {
  /** Names what is sent. */
  readonly key: string | null;
}

/** A question and who asks it. */
interface Way {
  readonly question: Question;
  readonly caller: Caller;
}

/** An operation of one caller, and how it was answered the first time. */
interface Asked extends Way {
  /** All ways in which its document is asked. */
  readonly ways: readonly Way[];
  expectation?: Expectation;
  first?: Answer;
  sendings: number;
}

const ANONYMOUS: Caller = { name: 'anonymous', key: null, apiKey: null, oauthUserId: null, isAdmin: false };

const random = new Random(SEED);
const opaque = new Opaque();
let api: Api;
let issuer: Issuer;
let oracle: Oracle;
let operations: RandomOperations;
let callers: readonly Caller[];

beforeAll(async () => {
  issuer = await startIssuer();
  api = await startApi({ env: issuer.env });
  const rows = rowsOf(api.database);
  const [alice, bob] = [await rows.owner(), await rows.owner()];
  callers = [
    { ...ANONYMOUS, name: 'key', apiKey: alice.prefix, key: alice.key },
    { ...ANONYMOUS, name: 'token', oauthUserId: 'olga' },
    { ...ANONYMOUS, name: 'both', apiKey: alice.prefix, key: alice.key, oauthUserId: 'omar' },
    { ...ANONYMOUS, name: 'admin', oauthUserId: 'root', isAdmin: true },
  ];
  const owners = { keys: [alice.prefix, bob.prefix], subjects: ['olga', 'omar'] };
  await plantRows(api.database, random, owners);
  const stored = await readRows(api.database);
  oracle = new Oracle(stored, opaque, instantTexts());
  operations = new RandomOperations(oracle.schema, stored, opaque, random);
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

test(
  'any operation, however often it is sent and by whom',
  async () => {
    // Mutations are dry runs, which leave nothing behind.
    const before = await api.database.dump();
    const differences: string[] = [];
    const earlier: Asked[] = [];
    for (let asked = 0; asked < OPERATIONS && differences.length < MOST_DIFFERENCES; asked += BATCH) {
      const batch = drawBatch(Math.min(BATCH, OPERATIONS - asked));
      const again = random.some(earlier, 5);
      const sendings = [...batch, ...again].flatMap((one) =>
        Array<Asked>(1 + random.below(MOST_SENDINGS)).fill(one),
      );
      const wrong = new Set<Asked>();
      for (const one of random.shuffled(sendings)) {
        if (wrong.has(one) || differences.length >= MOST_DIFFERENCES) continue;
        const difference = await send(one);
        if (difference === null) continue;
        wrong.add(one);
        differences.push((await smallest(one)) ?? difference);
      }
      earlier.push(...batch.filter((one) => !wrong.has(one)));
    }
    expect(differences.join('\n\n')).toBe('');
    expect(tooDear.size).toBeLessThan(OPERATIONS / 5);
    expect(await api.database.dump()).toBe(before);
  },
  60_000 + 1_000 * OPERATIONS,
);

/** Some documents, each asked in several ways. */
function drawBatch(size: number): Asked[] {
  const batch: Asked[] = [];
  while (batch.length < size) {
    const document = operations.document();
    // Its cursors are this caller's; the others' are refused them.
    const own = callers.filter(({ name }) => name === document.caller);
    const ways = Array.from({ length: 1 + random.below(3) }, () => ({
      question: document.ask(),
      caller: random.chance(0.04)
        ? ANONYMOUS
        : random.pick(random.chance(0.7) && own.length > 0 ? own : callers),
    }));
    batch.push(...ways.map((way) => ({ ...way, ways, sendings: 0 })));
  }
  return batch.slice(0, size);
}

/** The difference of an operation of which nothing can be left out; null where it does not come again. */
async function smallest({ ways, question: { document: whole } }: Asked): Promise<string | null> {
  // In all ways in turn: what one has left behind may be what another meets.
  const again = async (document: string): Promise<string | null> => {
    const all = ways.map(({ question, caller }): Asked => {
      return { question: { ...question, document }, caller, ways, sendings: 0 };
    });
    for (let sending = 0; sending < MOST_SENDINGS; sending++) {
      for (const one of all) {
        const difference = await send(one);
        if (difference !== null) return difference;
      }
    }
    return null;
  };
  let found: string | null = null;
  let tries = 0;
  const tried = new Set<string>();
  const reduce = async (document: string): Promise<void> => {
    for (const candidate of smaller(document)) {
      if (tries >= MOST_TRIES || tried.has(candidate)) continue;
      tried.add(candidate);
      tries++;
      const difference = oracle.isDocument(candidate) ? await again(candidate) : null;
      if (difference === null) continue;
      found = difference;
      await reduce(candidate);
      return;
    }
  };
  if (oracle.isDocument(whole)) await reduce(whole);
  return found;
}

/** Sends an operation once more; answers what is wrong with the answer, or null. */
/** Operations that were refused for their cost: of these nothing can be compared but that it is always so. */
const tooDear = new Set<Asked>();

async function send(asked: Asked): Promise<string | null> {
  const { question, caller } = asked;
  asked.expectation ??= oracle.answer(question, caller);
  const { expectation } = asked;
  const answer = await ask(question, caller);
  asked.sendings++;
  const isTooDear = answer.status === 400 && answer.text.includes('The operation may cost at most');
  if (isTooDear) tooDear.add(asked);
  const problem =
    (isTooDear ? null : differenceOf(asked, expectation, answer)) ?? changeOf(asked, expectation, answer);
  asked.first ??= answer;
  if (problem === null) return null;
  const used = Object.entries(question.variables).filter(([name]) => question.document.includes(`$${name}`));
  return [
    `DIFFERENTIAL_SEED=${SEED} DIFFERENTIAL_OPERATIONS=${OPERATIONS}: ${problem}`,
    `caller ${caller.name}, sending ${asked.sendings}, operation ${String(question.operationName)}`,
    question.document,
    JSON.stringify(Object.fromEntries(used)),
    `server ${answer.status} ${answer.text}`,
    `oracle ${JSON.stringify(expectation)}`,
    ...(asked.first === answer ? [] : [`first  ${asked.first.status} ${asked.first.text}`]),
  ].join('\n');
}

async function ask({ document, operationName, variables }: Question, caller: Caller): Promise<Answer> {
  const as = await credentialsOf(caller);
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(as.key === undefined ? {} : { 'x-api-key': as.key }),
      ...(as.token === undefined ? {} : { authorization: `Bearer ${as.token}` }),
    },
    body: JSON.stringify({
      ...{ query: document, variables },
      ...(operationName === null ? {} : { operationName }),
    }),
  });
  const text = await response.text();
  return {
    ...{ status: response.status, headers: response.headers, text },
    body: JSON.parse(text) as Answer['body'],
  };
}

const tokens = new Map<string, { readonly token: string | undefined; readonly time: number }>();

async function credentialsOf({ name, key, oauthUserId, isAdmin }: Caller): Promise<Credentials> {
  const given = key === null ? {} : { key };
  if (oauthUserId === null) return given;
  const now = performance.now();
  let known = tokens.get(name);
  if (known === undefined || now - known.time > TOKEN_MS) {
    const { token } = await (isAdmin ? issuer.admin(oauthUserId) : issuer.caller({ sub: oauthUserId }));
    known = { token, time: now };
    tokens.set(name, known);
  }
  return known.token === undefined ? given : { ...given, token: known.token };
}

/** What is wrong with an answer, or null. */
function differenceOf({ caller }: Asked, expectation: Expectation, { body }: Answer): string | null {
  const { data, errors, someErrors, mayBeRefused } = expectation;
  const told = body.errors ?? [];
  const codes = [...told.map(({ extensions }) => extensions.code), ...errors.map(({ code }) => code)];
  if (codes.includes('INTERNAL_SERVER_ERROR')) return 'an internal error';
  const isRefused = told.length > 0 && body.data === undefined;
  if (mayBeRefused && isRefused && told.every(({ extensions }) => extensions.code === 'BAD_USER_INPUT'))
    return null;
  // Without a credential an operation that asks for nothing public is refused before it is looked at.
  const isUnauthenticated = told.every(({ extensions }) => extensions.code === 'UNAUTHENTICATED');
  if (isRefused && isUnauthenticated && caller === ANONYMOUS) return null;
  // Where nothing came of an operation, the answer has no data, and the status of its errors.
  const isNothing = Object.values(data ?? {}).every((value) => value === null);
  const isLeftOut = isNothing && told.length > 0 && body.data === undefined;
  if (!isLeftOut && JSON.stringify([opaque.filledIn(data, body.data)]) !== JSON.stringify([body.data]))
    return 'other data';
  const paths = (list: readonly string[]): string => JSON.stringify([...new Set(list)].sort());
  const given = told.map(({ path, extensions }) => placed(path, extensions.code));
  const wanted = errors.map(({ path, code }) => `${path} ${code}`);
  // What is wrong with an argument is told once, not at each object of a list.
  const fields = (list: readonly string[]): string =>
    paths(list.map((error) => error.replaceAll(/\d+/g, 'n')));
  const isRight =
    given.every((error) => wanted.includes(error)) &&
    (someErrors ? given.length > 0 : fields(given) === fields(wanted));
  if (!isRight) return 'other errors';
  return told.every((error) => isWorded(error, errors)) ? null : 'other words';
}

function placed(path: AnswerError['path'], code: string): string {
  return `${path === undefined ? null : JSON.stringify(path)} ${code}`;
}

/** Whether an error has the words of one that was expected in its place, where they are known. */
function isWorded({ path, message, extensions }: AnswerError, errors: Expectation['errors']): boolean {
  const place = placed(path, extensions.code);
  const words = errors
    .filter((error) => `${error.path} ${error.code}` === place)
    .map((error) => error.message);
  // Of long values the beginning is quoted.
  const parts = message.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  const shortened = new RegExp(`^${parts.join('[^]*')}$`);
  return words.some((known) => known === null || shortened.test(known));
}

/** What has changed since the first answer, or null. */
function changeOf({ first }: Asked, { errors, someErrors }: Expectation, answer: Answer): string | null {
  if (first === undefined || someErrors) return null;
  if (first.status !== answer.status) return 'another status than the first time';
  // Root fields fail at the same time: their errors come in any order.
  const places = new Set(
    errors.map(({ path }) => JSON.stringify((JSON.parse(path ?? '[]') as unknown[])[0])),
  );
  const text = ({ text: whole, body }: Answer): string =>
    places.size > 1
      ? JSON.stringify([body.data, body.errors?.map((error) => JSON.stringify(error)).sort()])
      : whole;
  return text(first) === text(answer) ? null : 'another text than the first time';
}
