import { setTimeout as delay } from 'node:timers/promises';
import { Client, Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Sql } from 'sql-template-tag';
import { isConnectionLost, isDatabaseUnavailable, sqlState } from '../errors.js';
import { FairSemaphore, type SemaphoreLimits } from './fair-semaphore.js';
import type { BoundedClient } from './prepared-client.js';
import { covers, latest, parseLsn, WAL_START, type WalPosition } from './wal-position.js';
import type { Work } from './work.js';

/**
 * How far behind the primary a replica may be that is asked, in ms: so old is at most what somebody reads who has neither
 * written nor seen anything newer. It is also how long reads go on while the primary is away.
 */
export const MAX_LAG_MS = 10_000;
/** Up to this lag, in ms, a replica is likely to have come far enough meanwhile, so it is asked whether it has. */
const SHORT_LAG_MS = 1_000;

/** Time between two probes, in ms. With a probe that gets no answer, less than a second. */
const PROBE_EVERY_MS = 250;
/** Longest time of a probe, in ms, and of opening its connection. */
const PROBE_TIMEOUT_MS = 500;
const PROBE_CONNECT_MS = 750;

/** What a replica says of itself. Only a member of `pg_read_all_stats` sees the timeline that it receives. */
const REPLICA_STATE = `SELECT pg_is_in_recovery() AS "isReplica", pg_last_wal_replay_lsn() AS replayed,
  coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
    (SELECT min_recovery_end_timeline FROM pg_control_recovery())) AS timeline,
  (SELECT system_identifier::text FROM pg_control_system()) AS cluster, current_database() AS database`;

interface ReplicaState {
  readonly isReplica: boolean;
  /** Null where it is no replica. */
  readonly replayed: string | null;
  readonly timeline: number;
  readonly cluster: string;
  readonly database: string;
}

/** How far a connection's replica is. The columns are evaluated from left to right. */
const PROGRESS = `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS "isReplica",
  pg_last_wal_receive_lsn() AS received, pg_last_wal_replay_lsn() AS replayed`;

interface ProgressRow {
  readonly pid: number;
  readonly isReplica: boolean;
  readonly received: string | null;
  readonly replayed: string | null;
}

/** What was known last of a connection: how far its replica had come, and the process that serves it. */
interface Progress {
  readonly pid: number;
  readonly lsn: bigint;
}

/** How far the primary is. What is visible to anybody by now was inserted before. */
const PRIMARY_POSITION = `SELECT pg_current_wal_insert_lsn() AS inserted,
  left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline`;

/** As that, with what every replica of it shares. What is flushed is what replicas can come to. */
const PRIMARY_STATE = `SELECT pg_current_wal_flush_lsn() AS flushed,
  left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline,
  (SELECT system_identifier::text FROM pg_control_system()) AS cluster, current_database() AS database`;

interface PrimaryState {
  readonly flushed: string;
  readonly timeline: string;
  readonly cluster: string;
  readonly database: string;
}

/** Sends a statement to the primary, on a connection that requests cannot take. */
type AskPrimary = <Row extends object>(text: string) => Promise<Row[]>;

/** How a replica is used, as an operator sees it. */
export interface ReplicaUse {
  /** Its place in the setting, from 1. */
  readonly replica: number;
  /** Why it is left out; null: it is used. */
  readonly problem: string | null;
  /** How far it is behind the primary, in seconds, up to 0.5 too much; null: further than is measured, or unknown. */
  readonly lagS: number | null;
  /** Statements: those that it answered, those that it had not come far enough for, and those that failed on it. */
  readonly answered: number;
  readonly behind: number;
  readonly failed: number;
}

/** A replica has not replayed what its reader must see. */
class BehindError extends Error {}

/** The rows that were read, and a position that covers what they show. */
interface ReadRows<Row> {
  readonly rows: Row[];
  readonly lsn: bigint;
}

/** A statement on a replica, which fails when that is left out. */
interface Running {
  client: BoundedClient | null;
  isGivenUp: boolean;
  readonly fail: (error: Error) => void;
}

/** The connections to one replica. */
class Replica {
  /** Why it cannot be asked, by its own word; null: it can. */
  problem: string | null = 'it was not asked yet';
  /** What it said last; null: nothing yet. */
  state: ReplicaState | null = null;
  /** How far it had come when it was last heard of. */
  replayed = 0n;
  readonly counts = { answered: 0, behind: 0, failed: 0 };
  readonly #pool: Pool;
  readonly #probes: Pool;
  readonly #semaphore: FairSemaphore;
  readonly #running = new Set<Running>();
  /** What is known of each connection. A replica that restarts may go back, but ends its connections. */
  readonly #progress = new WeakMap<PoolClient, Progress>();

  constructor(options: PoolConfig, limits: SemaphoreLimits) {
    this.#pool = new Pool({ ...options, max: limits.total });
    this.#probes = new Pool({
      ...options,
      // A statement that takes too long ends with its connection at once, without a request to cancel it.
      Client,
      max: 1,
      query_timeout: PROBE_TIMEOUT_MS,
      connectionTimeoutMillis: PROBE_CONNECT_MS,
    });
    this.#semaphore = new FairSemaphore(limits);
    // An idle connection that the server ended: the pool has dropped it already.
    for (const pool of [this.#pool, this.#probes]) pool.on('error', () => {});
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Asks how it is. What runs on one that does not answer is given up. */
  async probe(): Promise<void> {
    try {
      const { rows } = await this.#probes.query<ReplicaState>(REPLICA_STATE);
      const [state] = rows;
      if (state === undefined) throw new Error('PostgreSQL returned no row.');
      this.state = state;
      this.replayed = state.replayed === null ? 0n : parseLsn(state.replayed);
      this.problem = state.isReplica ? null : 'it is no replica (any more)';
    } catch (error) {
      this.problem = 'it does not answer';
      for (const running of this.#running) {
        running.isGivenUp = true;
        running.fail(error as Error);
        void running.client?.giveUp();
      }
    }
  }

  /**
   * Runs a statement, on a replica that has come to `required`.
   *
   * @throws when that is not so, and whatever else goes wrong: the primary is to be asked then
   */
  async query<Row extends object>(
    statement: Pick<Sql, 'text' | 'values'>,
    required: bigint,
    work: Work,
  ): Promise<ReadRows<Row>> {
    const leaving = Promise.withResolvers<never>();
    const running: Running = { client: null, isGivenUp: false, fail: leaving.reject };
    this.#running.add(running);
    try {
      const read = await Promise.race([this.#run<Row>(statement, required, work, running), leaving.promise]);
      this.counts.answered++;
      return read;
    } catch (error) {
      if (!work.isAbandoned) this.#note(error);
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }

  async #run<Row extends object>(
    { text, values }: Pick<Sql, 'text' | 'values'>,
    required: bigint,
    work: Work,
    running: Running,
  ): Promise<ReadRows<Row>> {
    const permit = await this.#semaphore.acquire(work.callerKey ?? '', work);
    try {
      const client = await this.#pool.connect();
      let isBroken = true;
      try {
        // The class that the pool is given.
        running.client = client as unknown as BoundedClient;
        work.throwIfAbandoned();
        if (running.isGivenUp) throw new Error('The replica was left out.');
        // On this connection, and before the snapshot of the statement.
        const known = this.#progress.get(client);
        const before =
          known !== undefined && known.lsn >= required ? known : (await this.#ask(client)).progress;
        if (before.lsn < required) throw new BehindError('The replica is behind.');
        const { rows } = await client.query<Row>(text, values);
        const { progress, covering } = await this.#ask(client);
        // Behind a pooler, another connection of the pooler: nobody knows how far that was.
        if (progress.pid !== before.pid)
          throw new Error('A connection to a replica changed between statements.');
        isBroken = false;
        return { rows, lsn: covering };
      } catch (error) {
        isBroken =
          !(error instanceof BehindError || sqlState(error) !== undefined) || isConnectionLost(error);
        throw error;
      } finally {
        client.release(isBroken);
      }
    } finally {
      permit.release();
    }
  }

  /**
   * Asks how far the replica of a connection is.
   *
   * `covering` covers all that was visible on the connection before. A commit is visible just before PostgreSQL says that it
   * is replayed. So where anything is left to be replayed, one more byte is asked for: whoever has come there has replayed the
   * record that was at work.
   */
  async #ask(client: PoolClient): Promise<{ readonly progress: Progress; readonly covering: bigint }> {
    const { rows } = await client.query<ProgressRow>(PROGRESS);
    const [row] = rows;
    if (row === undefined || !row.isReplica || row.replayed === null) throw new Error('It is no replica.');
    const lsn = parseLsn(row.replayed);
    const progress = { pid: row.pid, lsn };
    this.#progress.set(client, progress);
    if (lsn > this.replayed) this.replayed = lsn;
    return { progress, covering: row.received === row.replayed ? lsn : lsn + 1n };
  }

  /** What a failure says of the replica: one that does not answer is left out until a probe says otherwise. */
  #note(error: unknown): void {
    if (error instanceof BehindError) {
      this.counts.behind++;
      return;
    }
    this.counts.failed++;
    // Collisions with what is replayed, and other statements that were cancelled, are of the statement.
    const isOfStatement = /^(40|55|57014)/.test(sqlState(error) ?? '');
    if (isDatabaseUnavailable(error) && !isOfStatement) this.problem ??= 'it does not answer';
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#probes.end()]);
  }
}

/**
 * The replicas of the primary, and which of them may be asked. Each is probed four times a second, and so is the primary:
 * how long ago the primary was where a replica is now is the replica's lag.
 */
export class Replicas {
  readonly #replicas: readonly Replica[];
  /** What the primary said last. */
  #primary: PrimaryState | null = null;
  #timeline = 0;
  /** Where the primary was in the last seconds, the latest last; by `performance.now()`. */
  readonly #history: { readonly at: number; readonly lsn: bigint }[] = [];
  #turn = 0;
  readonly #closing = new AbortController();
  #probing: Promise<unknown> = Promise.resolve();

  /** @param connections to each replica: how they are opened, of which `limits.total` are for statements */
  constructor(
    connections: readonly PoolConfig[],
    limits: SemaphoreLimits,
    private readonly askPrimary: AskPrimary,
  ) {
    this.#replicas = connections.map((options) => new Replica(options, limits));
  }

  /** Begins to probe. @param warn is told when a replica is left out, and when it is used again */
  start(warn: (message: string) => void): void {
    this.#probing = Promise.all([
      this.#repeat(() => this.#probePrimary()),
      ...this.#replicas.map((replica, index) => {
        let told: string | null | undefined;
        return this.#repeat(async () => {
          await replica.probe();
          const problem = this.#problemOf(replica);
          // Without the primary, nobody knows.
          if (problem === told || this.#primary === null || this.#closing.signal.aborted) return;
          told = problem;
          warn(`Replica ${index + 1} ${problem === null ? 'is used.' : `is left out: ${problem}.`}`);
        });
      }),
    ]);
  }

  /**
   * How a request reads.
   *
   * @param known what its caller is remembered to have written or seen
   * @param required how far a replica must have come for it; null: only the primary will do
   */
  reads(known: WalPosition, required: WalPosition | null): ReplicaReads {
    return new ReplicaReads(this, known, required);
  }

  /** The replica that has the least to do of those that have come so far, or may have; null: there is none. */
  choose(required: WalPosition): Replica | null {
    if (required.timeline > this.#timeline) return null;
    const usable = this.#replicas.filter((replica) => this.#problemOf(replica) === null);
    const isThere = (replica: Replica): boolean => replica.replayed >= required.lsn;
    const isNear = (replica: Replica): boolean => (this.#lagOf(replica) ?? Infinity) <= SHORT_LAG_MS;
    const fitting = usable.some(isThere) ? usable.filter(isThere) : usable.filter(isNear);
    // Of equals the next in turn.
    const first = fitting.length === 0 ? 0 : ++this.#turn % fitting.length;
    const inTurn = [...fitting.slice(first), ...fitting.slice(0, first)];
    return inTurn.toSorted((one, other) => one.runningCount - other.runningCount)[0] ?? null;
  }

  /** A position as a read of the current replicas has it. */
  positionOf(lsn: bigint): WalPosition {
    return { timeline: this.#timeline, lsn };
  }

  /** Where the primary is: it covers all that anybody has written or seen there. */
  async primaryPosition(): Promise<WalPosition> {
    const [row] = await this.askPrimary<{ inserted: string; timeline: string }>(PRIMARY_POSITION);
    if (row === undefined) throw new Error('PostgreSQL returned no row.');
    return { timeline: this.#noteTimeline(row.timeline), lsn: parseLsn(row.inserted) };
  }

  /** How each replica is used. */
  use(): readonly ReplicaUse[] {
    return this.#replicas.map((replica, index) => {
      const lagMs = replica.problem === null ? this.#lagOf(replica) : null;
      const lagS = lagMs === null ? null : Math.round(lagMs) / 1_000;
      return { replica: index + 1, problem: this.#problemOf(replica), lagS, ...replica.counts };
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#probing;
    await Promise.all(this.#replicas.map((replica) => replica.close()));
  }

  async #repeat(probe: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await probe();
      await delay(PROBE_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #probePrimary(): Promise<void> {
    try {
      const at = performance.now();
      const [state] = await this.askPrimary<PrimaryState>(PRIMARY_STATE);
      if (state === undefined) return;
      this.#primary = state;
      this.#noteTimeline(state.timeline);
      this.#history.push({ at, lsn: parseLsn(state.flushed) });
      while ((this.#history[0]?.at ?? at) < at - MAX_LAG_MS) this.#history.shift();
    } catch {
      // Readiness tells of it. Replicas are left out once nobody knows for too long where the primary is.
    }
  }

  /** @param text eight hexadecimal digits */
  #noteTimeline(text: string): number {
    const timeline = Number.parseInt(text, 16);
    this.#timeline = Math.max(this.#timeline, timeline);
    return timeline;
  }

  /** Why a replica is left out; null: it may be asked. */
  #problemOf(replica: Replica): string | null {
    const { problem, state } = replica;
    if (problem !== null || state === null) return problem;
    const primary = this.#primary;
    if (primary === null) return 'the primary was not asked yet';
    if (state.cluster !== primary.cluster)
      return 'it is a replica of another cluster than that of DATABASE_URL';
    if (state.database !== primary.database) return 'it names another database than DATABASE_URL';
    if (state.timeline !== this.#timeline)
      return 'it does not follow the primary: its timeline is another one';
    const lag = this.#lagOf(replica);
    return lag === null || lag > MAX_LAG_MS
      ? `it is more than ${MAX_LAG_MS / 1_000} s behind the primary`
      : null;
  }

  /** How long ago the primary was where a replica is, in ms; null: longer than is remembered. */
  #lagOf({ replayed }: Replica): number | null {
    const passed = this.#history.findLast(({ lsn }) => lsn <= replayed);
    return passed === undefined ? null : performance.now() - passed.at;
  }
}

/** How one request uses replicas: all its statements go to one of them, or to the primary. */
export class ReplicaReads {
  /** Whether its statements are those of a query: others are for the primary. */
  isQuery = false;
  /** Whether the primary was asked. */
  usesPrimary = false;
  /** Covers all that it was shown by a replica; null: nothing. */
  seen: WalPosition | null = null;
  /** Null: none of them. */
  #replica: Replica | null | undefined;

  constructor(
    private readonly replicas: Replicas,
    readonly known: WalPosition,
    private readonly required: WalPosition | null,
  ) {}

  /**
   * The rows that a replica reads; null where the primary is to be asked: because the statement is not for replicas, because
   * none has come far enough, or because it failed there.
   *
   * @throws what the work was abandoned with
   */
  async query<Row extends object>(
    statement: Pick<Sql, 'text' | 'values'>,
    work: Work,
  ): Promise<Row[] | null> {
    const { required } = this;
    if (this.#replica === undefined) {
      this.#replica = required !== null && this.isQuery ? this.replicas.choose(required) : null;
    }
    const replica = this.#replica;
    if (replica !== null && required !== null) {
      try {
        const { rows, lsn } = await replica.query<Row>(statement, required.lsn, work);
        this.seen = latest(this.seen ?? WAL_START, this.replicas.positionOf(lsn));
        return rows;
      } catch {
        work.throwIfAbandoned();
        this.#replica = null;
      }
    }
    this.usesPrimary = true;
    return null;
  }

  /** Covers all that the request has written and was shown; null: it has asked no database. @throws the driver's error */
  async position(): Promise<WalPosition | null> {
    if (!this.usesPrimary) return this.seen;
    return latest(this.seen ?? WAL_START, await this.replicas.primaryPosition());
  }

  /** Whether the caller is remembered to be there already. */
  isKnown(position: WalPosition): boolean {
    return covers(this.known, position);
  }
}
