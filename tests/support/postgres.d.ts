export function startPostgres(): Promise<{
  /** Without a database. */
  readonly url: string;
  readonly logFile: string;
  stop(): Promise<void>;
}>;

/** A port of the loopback address that nobody listens at now. */
export function freePort(): Promise<number>;
