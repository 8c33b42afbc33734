import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import { recordWrite } from '../audit/audit.js';
import type { Caller, KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { isUuid } from '../../database/uuid.js';
import { conflict, isMissingOwnTable, notFound, Problems } from '../../errors.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import { reassignmentsVisibleTo } from './reassignment.visibility.js';
import { or } from '../../lists/keyset.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import type { Selection } from '../../sql-json/selection.js';
import { LOOKUP_VALUE } from '../../sql-json/bind.js';
import { callerSql } from '../caller-sql.js';
import type { DomainStatementRunner } from '../domain-context.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { countRows, inMoveTransaction, moveRows, tasksOf, type MoveCounts } from './moves.js';
import { checkReassignmentPage, reassignmentJson, type ReassignmentKind } from './reassignment.json.js';

/** What an undo did, or would do. */
export interface Undone {
  readonly restored: number;
  /** Games that have moved elsewhere since, or are gone: not touched. */
  readonly skipped: number;
  /** As `restored` and `skipped`, of tasks. */
  readonly restoredTasks: number;
  readonly skippedTasks: number;
  /** What was undone; null on a dry run. */
  readonly undone: EncodedJson | null;
  /** The record of the undo; null on a dry run and when nothing was restored. */
  readonly reassignment: EncodedJson | null;
}

/** The record of the moves between strategies. */
export class ReassignmentRepository {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly runner: DomainStatementRunner,
  ) {}

  /** One page of the reassignments that the caller made (an admin: of all), newest first. */
  async getAllReassignments(
    caller: Caller,
    args: PageArguments,
    connection: Selection,
  ): Promise<EncodedJson> {
    const { cacheKey, bindings, compile } = checkReassignmentPage(caller, args);
    return this.runner.runOne(this.em, connection, { caller, ...bindings }, cacheKey, (context) =>
      compile(context, connection),
    );
  }

  /**
   * The reassignments with these ids, in the order of the ids; null for each that is missing or not visible. A
   * database of GAME that was not migrated has none.
   */
  async getReassignmentsByIds(
    caller: Caller,
    ids: readonly (string | null)[],
    selection: Selection,
  ): Promise<(EncodedJson | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const bindings = { caller, lookupValue: wanted };
    const found = await this.runner
      .runById(this.em, selection, bindings, 'ids', (context) => ({
        id: sql`r.id`,
        json: reassignmentJson(context, selection),
        from: sql`game_graphql_reassignments r
          WHERE r.id = ANY(${LOOKUP_VALUE}::uuid[]) AND ${or(reassignmentsVisibleTo(context.caller))}`,
      }))
      .catch((error: unknown) => {
        if (isMissingOwnTable(error, 'game_graphql_reassignments')) return new Map<string, EncodedJson>();
        throw error;
      });
    return ids.map((id) => (id === null ? null : (found.get(id) ?? null)));
  }

  /**
   * Puts back exactly the games and tasks that a reassignment moved and that still carry its new strategy, in one
   * UPDATE of each. A dry run counts, and locks nothing.
   *
   * @param selection what is asked for of the records of both moves
   * @throws NOT_FOUND; CONFLICT when it is undone already, or was a rollback
   */
  async undoReassignment(
    caller: KnownCaller,
    id: string,
    dryRun: boolean,
    selection: Selection,
  ): Promise<Undone> {
    const problems = new Problems();
    problems.checkText('input.id', id);
    problems.throwIfAny();
    if (!isUuid(id)) throw notFound('Strategy reassignment');
    return inMoveTransaction(this.em, caller, { dryRun, tasks: false }, async (em) => {
      // Locked: what was made with a key and a token can be undone with either, and their moves do not wait for
      // each other.
      const [move] = await query<StoredReassignment>(
        em,
        sql`SELECT r.kind, r.old_strategy_id AS "oldStrategyId", r.new_strategy_id AS "newStrategyId",
              r.games, r.tasks, r.undone_at IS NOT NULL AS undone
            FROM game_graphql_reassignments r WHERE r.id = ${id}::uuid AND ${or(reassignmentsVisibleTo(callerSql(caller)))}
            ${dryRun ? sql`` : sql`FOR UPDATE`}`,
      );
      if (move === undefined) throw notFound('Strategy reassignment');
      if (move.undone) throw conflict('This reassignment is undone already.');
      if (move.kind === 'ROLLBACK') {
        throw conflict('A rollback cannot be undone: roll the strategy back again instead.');
      }
      const visible = or(gamesVisibleTo(callerSql(caller)));
      const rows = {
        games: sql`EXISTS (SELECT FROM game_graphql_reassigned_games m
          WHERE m.reassignment_id = ${id}::uuid AND m.game_id = g.id) AND ${visible}`,
        // A database that was not migrated may lack the table.
        tasks:
          move.tasks === 0
            ? null
            : sql`EXISTS (SELECT FROM game_graphql_reassigned_tasks m
                WHERE m.reassignment_id = ${id}::uuid AND m.task_id = t.id) AND ${tasksOf(visible)}`,
      };
      const restoredOf = ({ games, tasks }: MoveCounts): Omit<Undone, 'undone' | 'reassignment'> => ({
        restored: games,
        skipped: move.games - games,
        restoredTasks: tasks,
        skippedTasks: move.tasks - tasks,
      });
      const { newStrategyId: oldStrategyId, oldStrategyId: newStrategyId } = move;
      if (dryRun) {
        const counts = await countRows(em, oldStrategyId, rows);
        return { ...restoredOf(counts), undone: null, reassignment: null };
      }
      const record = { kind: 'UNDO', oldStrategyId, newStrategyId, undoes: id } as const;
      const { reassignmentId, ...counts } = await moveRows(em, caller, record, rows);
      await query(
        em,
        sql`UPDATE game_graphql_reassignments SET undone_at = clock_timestamp() WHERE id = ${id}::uuid`,
      );
      await recordWrite(em, caller, 'Strategy reassignment undone', {
        reassignment_id: reassignmentId,
        undoes: id,
        old_strategy_id: oldStrategyId,
        new_strategy_id: newStrategyId,
        games_reassigned: counts.games,
        tasks_reassigned: counts.tasks,
      });
      const records = new ReassignmentRepository(em, this.runner);
      const [undone = null, reassignment = null] = await records.getReassignmentsByIds(
        caller,
        [id, reassignmentId],
        selection,
      );
      return { ...restoredOf(counts), undone, reassignment };
    });
  }
}

interface StoredReassignment {
  readonly kind: ReassignmentKind;
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly games: number;
  readonly tasks: number;
  readonly undone: boolean;
}
