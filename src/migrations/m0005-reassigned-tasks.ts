import { Migration } from '@mikro-orm/migrations';

/** The record of exactly which tasks a reassignment moved; that of games is in M0002StrategyReassignments. */
export class M0005ReassignedTasks extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql(`CREATE TABLE IF NOT EXISTS game_graphql_reassigned_tasks (
      reassignment_id uuid NOT NULL,
      task_id uuid NOT NULL,
      PRIMARY KEY (reassignment_id, task_id))`);
  }
}
