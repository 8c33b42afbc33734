export function startPostgres(): Promise<{
  /** Without a database. */
  readonly url: string;
  readonly logFile: string;
  stop(): Promise<void>;
}>;
