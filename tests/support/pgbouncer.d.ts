/** Whether the program is installed. */
export const PGBOUNCER: { readonly isThere: boolean };

/** Starts PgBouncer in transaction mode before a PostgreSQL server, with so many connections to each database. */
export function startPgbouncer(
  server: string,
  connections: number,
): Promise<{
  /** The same database by way of the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}>;
