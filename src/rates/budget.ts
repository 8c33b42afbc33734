import type { GraphQLError } from 'graphql';
import { rateLimited } from '../errors.js';
import type { LimitedBy, RateLimit, Spending } from './rate-limit.js';

/** One of the units that costs are counted in stands for so many ms of work: a hundred are one ms. */
const UNIT_MS = 0.01;
/** What a request costs beyond what is measured: to be read, looked at and answered. */
const REQUEST_COST = 30;
/** An estimate up to this is not charged before: what runs at a time could not spend much more than is left. */
const SMALL_COST = 5_000;
/** The most that one request is charged with: a statement may wait long for what others do. */
const MAX_CHARGE = 250_000;

/**
 * What one request spends of what its sender may. It is charged with an estimate before anything is done, and settled
 * with what it took afterwards.
 */
export class Budget {
  /** What the operation was estimated to cost; null: it was not known. */
  requested: number | null = null;
  /** What the request has cost, once it is settled. */
  actual = 0;
  /** How long the request kept this process busy with what only some requests need, in ms. */
  workMs = 0;
  #spending: Spending | null = null;
  #refusal: { readonly error: GraphQLError; readonly resetAt: number } | null = null;
  #isSettled = false;

  /** @param limit null: there is none */
  constructor(
    private readonly limit: RateLimit | null,
    private readonly key: string,
  ) {}

  /** Who is limited, once the request was refused. */
  get refusedBy(): LimitedBy | null {
    return this.#refusal === null ? null : (this.limit?.by ?? null);
  }

  /** Whether all is known to be spent. */
  get isSpent(): boolean {
    return this.limit !== null && this.limit.spentUntil(this.key) !== null;
  }

  /** Why the request is refused: all is spent, as far as this process knows it without asking. Null: it is not. */
  check(): GraphQLError | null {
    const resetAt = this.limit?.spentUntil(this.key) ?? null;
    return resetAt === null ? null : this.#refuse(resetAt);
  }

  /**
   * Charges an estimate, once. Who has anything left may spend more than that. A small one is left to the settlement.
   *
   * @throws RATE_LIMITED where all is spent
   */
  async charge(cost: number): Promise<void> {
    if (this.#refusal !== null) throw this.#refusal.error;
    if (this.requested !== null) return;
    this.requested = cost;
    if (this.limit === null) return;
    const refusal = this.check();
    if (refusal !== null) throw refusal;
    if (cost <= SMALL_COST) return;
    const charged = Math.min(cost, MAX_CHARGE);
    const spending = await this.limit.spend(this.key, charged);
    this.#spending = spending;
    if (spending.spent - charged < this.limit.limit) return;
    this.limit.giveBack(this.key, charged, spending);
    throw this.#refuse(spending.resetAt);
  }

  /** Settles with what the request took, of this process and of the database. */
  settle(databaseMs: number): Promise<void> {
    return this.settleAt(REQUEST_COST + Math.round((databaseMs + this.workMs) / UNIT_MS));
  }

  /** Settles with a cost. Only the first settlement of a request counts. */
  async settleAt(cost: number): Promise<void> {
    if (this.#isSettled || this.#refusal !== null) return;
    this.#isSettled = true;
    this.actual = Math.min(cost, MAX_CHARGE);
    if (this.limit === null) return;
    const spending = this.#spending;
    if (spending === null) {
      this.#spending = await this.limit.spend(this.key, this.actual);
      return;
    }
    const more = this.actual - Math.min(this.requested ?? 0, MAX_CHARGE);
    if (more < 0) this.limit.giveBack(this.key, -more, spending);
    // Nobody waits for it: the answer tells what it comes to.
    else if (more > 0) void this.limit.spend(this.key, more);
    this.#spending = { ...spending, spent: spending.spent + more };
  }

  /** What is left, and in how many seconds all is there again; null where there is no limit, or nothing was charged. */
  get left(): { readonly limit: number; readonly remaining: number; readonly resetS: number } | null {
    if (this.limit === null) return null;
    const { limit } = this.limit;
    if (this.#refusal !== null) return { limit, remaining: 0, resetS: secondsUntil(this.#refusal.resetAt) };
    if (this.#spending === null) return null;
    const { spent, resetAt } = this.#spending;
    return { limit, remaining: Math.max(0, limit - spent), resetS: secondsUntil(resetAt) };
  }

  /** The headers that tell of the limit (draft-ietf-httpapi-ratelimit-headers-10). */
  get headers(): readonly (readonly [name: string, value: string])[] {
    if (this.limit === null) return [];
    const policy = ['ratelimit-policy', this.limit.policy] as const;
    const { left } = this;
    if (left === null) return [policy];
    return [policy, ['ratelimit', `"${this.limit.by}";r=${left.remaining};t=${left.resetS}`]];
  }

  #refuse(resetAt: number): GraphQLError {
    const error = rateLimited(this.limit?.by ?? 'caller', secondsUntil(resetAt));
    this.#refusal = { error, resetAt };
    return error;
  }
}

/** Rounded up: who waits so long has waited long enough. */
function secondsUntil(resetAt: number): number {
  return Math.max(1, Math.ceil((resetAt - Date.now()) / 1_000));
}
