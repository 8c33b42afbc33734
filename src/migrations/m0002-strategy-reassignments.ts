import { Migration } from '@mikro-orm/migrations';

/**
 * The record of every time that games were moved from one strategy to another, and of exactly which games. No
 * foreign key leads to GAME's tables: a record outlives its games, and must never keep GAME from writing.
 */
export class M0002StrategyReassignments extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql(`CREATE TABLE IF NOT EXISTS game_graphql_reassignments (
      id uuid PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('BULK', 'ROLLBACK', 'UNDO')),
      old_strategy_id text NOT NULL,
      new_strategy_id text NOT NULL,
      games integer NOT NULL,
      tasks integer NOT NULL DEFAULT 0,
      api_key text NULL,
      oauth_user_id text NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      undone_at timestamptz NULL,
      undoes uuid NULL REFERENCES game_graphql_reassignments (id))`);
    this.addSql(`CREATE TABLE IF NOT EXISTS game_graphql_reassigned_games (
      reassignment_id uuid NOT NULL,
      game_id uuid NOT NULL,
      PRIMARY KEY (reassignment_id, game_id))`);
    for (const [name, columns] of [
      ['created', 'created_at, id'],
      ['key', 'api_key, created_at, id'],
      ['subject', 'oauth_user_id, created_at, id'],
    ]) {
      this.addSql(
        `CREATE INDEX IF NOT EXISTS game_graphql_reassignments_${name} ON game_graphql_reassignments (${columns})`,
      );
    }
  }
}
