export function startPostgres(settings?: Readonly<Record<string, string | number>>): Promise<{
  /** Without a database. */
  readonly url: string;
  readonly logFile: string;
  /** Ends it by a signal (SIGINT: fast, SIGQUIT: as in a crash) and starts it again. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}>;

/** A port of the loopback address that nobody listens at now. */
export function freePort(): Promise<number>;
