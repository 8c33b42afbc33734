import { Migration } from '@mikro-orm/migrations';

/** What mutations with an Idempotency-Key came to. Each row is of one mutation, and is deleted after a day. */
export class M0004IdempotencyKeys extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql(`CREATE TABLE IF NOT EXISTS game_graphql_idempotency_keys (
      owner text NOT NULL,
      key text NOT NULL,
      field text NOT NULL,
      request text NOT NULL,
      outcome text NOT NULL,
      created_at timestamptz NOT NULL,
      PRIMARY KEY (owner, key, field))`);
    this.addSql(
      `CREATE INDEX IF NOT EXISTS game_graphql_idempotency_keys_created ON game_graphql_idempotency_keys (created_at)`,
    );
  }
}
