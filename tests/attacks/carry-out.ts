import { setTimeout as delay } from 'node:timers/promises';
import type { Attack } from './attack.ts';
import { HOPELESS, LIMITS } from './limits.ts';
import { isAllowed, nameOf, send, type Outcome } from './send.ts';
import type { Stage } from './stage.ts';
import type { Sight } from './watch.ts';

/** Longest wait for the statements of an attack to end before the next one, in ms. */
const IDLE_PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 100;
/** Between two requests of somebody else, in ms. */
const BESIDE_EVERY_MS = 20;

/** What came of an attack. */
export interface Result {
  readonly attack: Attack;
  /** What was answered, and how often. */
  readonly answers: ReadonlyMap<string, number>;
  readonly bytes: number;
  /** The longest request. */
  readonly ms: number;
  readonly sight: Sight;
  /** CPU time of the server, in s. */
  readonly cpuS: number;
  /** What is broken; nothing: the attack was fended off. */
  readonly failures: readonly string[];
  /** What the server said about it. */
  readonly complaints: readonly string[];
}

/** What somebody else got meanwhile. */
interface Beside {
  readonly longestMs: number;
  readonly bad: Outcome | null;
}

/** Sends an attack and watches what it does. The server may be dead or busy afterwards. */
export async function carryOut(stage: Stage, attack: Attack): Promise<Result> {
  const { server } = stage;
  const logLength = server.logLength;
  const cpuBefore = server.cpuS ?? 0;
  await stage.watch.start(stage.subject);
  const cut = new AbortController();
  const over = new AbortController();
  const guard = guardOf(stage, cut, over.signal);
  const beside = besideOf(stage, attack, over.signal);
  const outcomes = await sendAll(stage, attack, cut.signal);
  const goneMs = await stage.untilIdle(attack.goneWithinMs === undefined ? IDLE_PATIENCE_MS : 5_000);
  over.abort();
  const hopeless = await guard;
  const met = await beside;
  const sight = await stage.watch.stop();
  const failures = [
    ...hopeless,
    ...failuresOf(attack, outcomes),
    ...excesses(sight),
    ...(server.isAlive || hopeless.length > 0 ? [] : ['the process died']),
    ...goneFailures(attack, goneMs),
    ...besideFailures(attack, met),
  ];
  const answers = new Map<string, number>();
  for (const outcome of outcomes) answers.set(nameOf(outcome), (answers.get(nameOf(outcome)) ?? 0) + 1);
  return {
    attack,
    answers,
    bytes: Math.max(0, ...outcomes.map(({ bytes }) => bytes)),
    ms: Math.max(0, ...outcomes.map(({ ms }) => ms)),
    sight,
    cpuS: Math.max(0, (server.cpuS ?? cpuBefore) - cpuBefore),
    failures,
    complaints: server.complaints(logLength),
  };
}

/** Cuts the attack off when it has won beyond doubt; answers why. */
async function guardOf(stage: Stage, cut: AbortController, over: AbortSignal): Promise<string[]> {
  const startedAt = performance.now();
  const isOver = (): boolean => over.aborted;
  while (!isOver()) {
    await delay(LOOK_EVERY_MS);
    const { liveMs, newLiveMs, serverMb, backendsMb } = await stage.watch.look();
    const reason =
      (Math.max(liveMs, newLiveMs) > HOPELESS.liveMs && 'nobody gets an answer') ||
      (serverMb > HOPELESS.serverMb && 'the server takes the memory') ||
      (backendsMb > HOPELESS.backendsMb && 'PostgreSQL takes the memory') ||
      (!stage.server.isAlive && 'nobody is there') ||
      (performance.now() - startedAt > HOPELESS.attackMs && 'it does not end');
    if (reason === false || isOver()) continue;
    cut.abort();
    // Whatever it still does is done for nobody.
    await stage.server.kill();
    return [`cut off: ${reason}`];
  }
  return [];
}

/** All requests of all clients; those that were cut off among them. */
async function sendAll(stage: Stage, attack: Attack, cut: AbortSignal): Promise<Outcome[]> {
  const { clients = 1, rounds = 1, everyMs = 0 } = attack;
  const startedAt = performance.now();
  const client = async (number: number): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (let round = 0; round < rounds && !cut.aborted; round++) {
      await delay(Math.max(0, startedAt + round * everyMs - performance.now()));
      const outcome = await send(attack.shot(round, number), stage.options(attack.as, LIMITS.requestMs, cut));
      outcomes.push(outcome);
      if (outcome.end === 'timeout') break;
    }
    return outcomes;
  };
  const all = await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return all.flat();
}

/** Asks what somebody else asks, again and again, until the attack is over. */
async function besideOf(stage: Stage, { beside }: Attack, over: AbortSignal): Promise<Beside | null> {
  if (beside === undefined) return null;
  let longestMs = 0;
  let bad: Outcome | null = null;
  const isOver = (): boolean => over.aborted;
  while (!isOver()) {
    const outcome = await send(beside.shot(), stage.options(beside.as, LIMITS.requestMs, over));
    // What the end of the attack cut off was no failure, but a wait.
    longestMs = Math.max(longestMs, outcome.ms);
    if (!isOver() && !isAllowed(outcome, ['200'])) bad ??= outcome;
    await delay(BESIDE_EVERY_MS);
  }
  return { longestMs, bad };
}

function failuresOf({ allowed, maxBytes = Infinity }: Attack, outcomes: readonly Outcome[]): string[] {
  const failures = new Set<string>();
  const most = Math.min(maxBytes, LIMITS.answerBytes);
  for (const outcome of outcomes) {
    if (!isAllowed(outcome, allowed)) failures.add(`answered ${nameOf(outcome)}`);
    if (outcome.bytes > most) failures.add(`answers of more than ${most.toLocaleString('en')} bytes`);
  }
  return [...failures];
}

/** What took more than anything may. */
export function excesses({ liveMs, newLiveMs, bareMs, serverMb, backendsMb }: Sight): string[] {
  const failures: string[] = [];
  const longest = Math.max(liveMs, newLiveMs);
  if (longest > LIMITS.liveMs)
    failures.push(`live waits ${Math.round(longest)} ms, a bare server ${Math.round(bareMs)}`);
  if (serverMb > LIMITS.serverMb) failures.push(`server ${Math.round(serverMb)} MB`);
  if (backendsMb > LIMITS.backendsMb) failures.push(`backends ${Math.round(backendsMb)} MB`);
  return failures;
}

function goneFailures({ goneWithinMs }: Attack, goneMs: number | null): string[] {
  if (goneMs === null) return ['statements go on'];
  if (goneWithinMs === undefined || goneMs <= goneWithinMs) return [];
  return [`statements go on for ${Math.round(goneMs)} ms`];
}

function besideFailures({ beside }: Attack, met: Beside | null): string[] {
  if (beside === undefined || met === null) return [];
  return [
    ...(met.bad === null ? [] : [`${beside.as} is answered ${nameOf(met.bad)}`]),
    ...(met.longestMs > beside.withinMs ? [`${beside.as} waits ${Math.round(met.longestMs)} ms`] : []),
  ];
}
