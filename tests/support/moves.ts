import type { Api, Answer, Credentials, Refusal, Variables } from './api.js';

/** A strategy reassignment as the tests ask for it. */
export interface Reassignment {
  readonly id: string;
  readonly kind: 'BULK' | 'ROLLBACK' | 'UNDO';
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly count: number;
  readonly taskCount: number;
  readonly madeBy: { readonly apiKey: string | null; readonly oauthUserId: string | null };
  readonly createdAt: string;
  readonly undoneAt: string | null;
  readonly undoes: { readonly id: string } | null;
}

export interface BulkPayload {
  readonly count: number;
  readonly taskCount: number;
  readonly reassignment: Reassignment | null;
}
export interface UndoPayload {
  readonly restored: number;
  readonly skipped: number;
  readonly restoredTasks: number;
  readonly skippedTasks: number;
  readonly undone: Reassignment | null;
  readonly reassignment: Reassignment | null;
}
export interface RollbackPayload {
  readonly gameCount: number;
  readonly taskCount: number;
  readonly strategy: {
    readonly id: string;
    readonly version: string;
    readonly status: string;
    readonly publishedAt: string | null;
  } | null;
  readonly reassignment: Reassignment | null;
}

export const REASSIGNMENT = `id kind oldStrategyId newStrategyId count taskCount madeBy { apiKey oauthUserId }
  createdAt undoneAt undoes { id }`;
export const BULK = `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) {
  count taskCount reassignment { ${REASSIGNMENT} } } }`;
export const UNDO = `mutation ($input: UndoStrategyReassignmentInput!) { undoStrategyReassignment(input: $input) {
  restored skipped restoredTasks skippedTasks undone { ${REASSIGNMENT} } reassignment { ${REASSIGNMENT} } } }`;
export const ROLLBACK = `mutation ($input: RollbackStrategyInput!) { rollbackStrategy(input: $input) {
  gameCount taskCount strategy { id version status publishedAt } reassignment { ${REASSIGNMENT} } } }`;

/** The mutations that move games between strategies, of one API. */
export class Moves {
  constructor(private readonly api: Api) {}

  async bulk(input: Variables, as: Credentials): Promise<BulkPayload> {
    type Data = { bulkUpdateStrategyId: BulkPayload };
    return (await this.api.data<Data>(BULK, { input }, as)).bulkUpdateStrategyId;
  }

  /** A bulk update that moves something; answers its record. */
  async moved(input: Variables, as: Credentials): Promise<Reassignment> {
    const { reassignment } = await this.bulk(input, as);
    if (reassignment === null) throw new Error('The bulk update moved nothing.');
    return reassignment;
  }

  async undo(id: string, as: Credentials, input: Variables = {}): Promise<UndoPayload> {
    type Data = { undoStrategyReassignment: UndoPayload };
    return (await this.api.data<Data>(UNDO, { input: { id, ...input } }, as)).undoStrategyReassignment;
  }

  async rollback(input: Variables, as: Credentials): Promise<RollbackPayload> {
    type Data = { rollbackStrategy: RollbackPayload };
    return (await this.api.data<Data>(ROLLBACK, { input }, as)).rollbackStrategy;
  }

  refusedBulk(input: Variables, as: Credentials): Promise<Refusal> {
    return this.api.errors(BULK, { input }, as);
  }

  refusedUndo(id: string, as: Credentials): Promise<Refusal> {
    return this.api.errors(UNDO, { input: { id } }, as);
  }

  refusedRollback(input: Variables, as: Credentials): Promise<Refusal> {
    return this.api.errors(ROLLBACK, { input }, as);
  }
}

/** All that tells two answers apart, but when each was sent and the id that each has. */
export function bytesOf({ status, headers, text }: Answer): string {
  return JSON.stringify([
    status,
    [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
    text,
  ]);
}
