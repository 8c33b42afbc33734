import type { Migration } from '@mikro-orm/migrations';

/** Keeps the names of our indexes apart from GAME's. */
const PREFIX = 'game_graphql_';

/** Adds indexes, by name, to a migration that is in no transaction; those that are there already stay. */
export async function addIndexes(
  migration: Migration,
  indexes: Readonly<Record<string, string>>,
): Promise<void> {
  const broken = await invalidIndexes(migration);
  for (const [name, on] of Object.entries(indexes)) {
    const index = PREFIX + name;
    // What a CREATE INDEX CONCURRENTLY leaves behind when it is cut off has the name but serves nothing.
    if (broken.has(index)) migration.addSql(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
    migration.addSql(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${index} ON ${on}`);
  }
}

async function invalidIndexes(migration: Migration): Promise<Set<unknown>> {
  const rows = await migration.execute(
    `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid AND starts_with(c.relname, ?) AND pg_table_is_visible(c.oid)`,
    [PREFIX],
  );
  return new Set(rows.map((row) => (row as { name?: unknown }).name));
}
