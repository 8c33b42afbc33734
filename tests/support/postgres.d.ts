type Settings = Readonly<Record<string, string | number>>;

/** A PostgreSQL server of the tests' own. */
export interface PostgresServer {
  /** Without a database. */
  readonly url: string;
  readonly logFile: string;
  /** Ends it by a signal: SIGINT fast, SIGQUIT as in a crash. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again after `end`, with other settings where they are given. */
  begin(settings?: Settings): Promise<void>;
  /** Both. */
  restart(signal: NodeJS.Signals): Promise<void>;
  /** Ends it and removes its data; again, it does nothing. */
  stop(): Promise<void>;
}

/** A primary, and standbys that stream from it. */
export interface PostgresCluster {
  readonly primary: PostgresServer;
  readonly standbys: readonly PostgresServer[];
  stop(): Promise<void>;
}

export function startPostgres(settings?: Settings): Promise<PostgresServer>;

/** @param count of standbys */
export function startCluster(count: number, settings?: Settings): Promise<PostgresCluster>;

/** A port of the loopback address that nobody listens at now. */
export function freePort(): Promise<number>;
