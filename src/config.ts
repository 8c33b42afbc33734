import type { ClientConfig } from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { isIP } from 'node:net';
import type { StrategySettings } from './domain/strategies/strategies.js';
import type { RateSettings } from './rates/rates.js';

/** Where the data is. */
export type DatabaseConfig =
  | { readonly kind: 'embedded'; readonly directory: string }
  | {
      readonly kind: 'postgresql';
      readonly url: string;
      /** Replicas of it, which queries may be answered from. */
      readonly replicaUrls: readonly string[];
      readonly poolMax: number;
      readonly prepareStatements: boolean;
      /** Longest wait for a connection, and for one statement, in ms. */
      readonly connectionTimeoutMs: number;
      readonly statementTimeoutMs: number;
    };

/** Which part of the requests is traced. */
export interface Sampling {
  /** Whether the sender of a request decides, where it sent a `traceparent` header. */
  readonly isParentBased: boolean;
  /** From 0 to 1. */
  readonly ratio: number;
}

/** How traces are sent. Where to, and how to authenticate, the exporter reads from the environment itself. */
export interface TracesConfig {
  readonly sampling: Sampling;
  /** Time between two batches, and longest time for one, in ms. */
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
  /** How many spans wait at most, and how many are sent at a time. */
  readonly maxQueueSize: number;
  readonly maxBatchSize: number;
}

/** Who signs bearer tokens. */
export interface OAuthConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: URL;
  readonly clientId: string;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  /** Whether GraphiQL is served. */
  readonly graphiql: boolean;
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  /** Web pages of these origins may call the API; all, or none. */
  readonly corsOrigins: readonly string[] | 'all';
  readonly database: DatabaseConfig;
  /** Longest time that an operation may take, in ms; moves of games have some more. */
  readonly requestTimeoutMs: number;
  /** How long the server goes on as before when it is told to stop, but for its readiness, in ms. */
  readonly shutdownDelayMs: number;
  /** Maximum size, in bytes, of an answer. */
  readonly maxResponseBytes: number;
  readonly rates: RateSettings;
  /** Null: nothing is traced. */
  readonly traces: TracesConfig | null;
  /** Whose word on the address of a client is taken: addresses and networks of proxies. */
  readonly trustedProxies: readonly string[];
  /** Null: no issuer is configured. */
  readonly oauth: OAuthConfig | null;
  /** Role in a bearer token that makes an admin. */
  readonly adminRole: string;
  readonly strategies: StrategySettings;
  /** What may be a mistake: variables or values that look like settings and are none. */
  readonly warnings: readonly string[];
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What `DATABASE_URL` is to ask for the embedded database by name. */
const EMBEDDED = 'embedded';
/** In which time a rate is counted, in seconds. */
const RATE_WINDOW_S = 60;
/** Where the embedded database lives, below the directory that the server is started in. */
const EMBEDDED_DIRECTORY = '.data';

/** A setting that cannot be used: `message` names every one of them, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What is wrong with a value, e.g. "must be a number". */
class InvalidValue extends Error {}

/**
 * Adds the settings of the file `.env`, in the directory that the process is started in, to its environment, where there
 * is such a file. What is set in the environment already stays.
 *
 * @throws ConfigError when the file cannot be read
 */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw new ConfigError('.env is there, but cannot be read.');
    }
  }
}

/**
 * Reads the settings from an environment.
 *
 * @throws ConfigError that names every bad value at once, each with an example
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const names = new Set<string>();
  /** The parsed value; an unset or empty variable has its default. */
  const read = <Value>(
    name: string,
    example: string,
    fallback: Value,
    convert: (text: string) => Value,
  ): Value => {
    names.add(name);
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    try {
      return convert(text);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      problems.push(`${name} ${error.message}. Example: ${name}=${example}`);
      return fallback;
    }
  };

  const url = read(
    'DATABASE_URL',
    'postgres://user:password@localhost:5432/game?sslmode=verify-full',
    null,
    (text) => (text === EMBEDDED ? text : databaseUrl(text)),
  );
  const replicaUrls = read(
    'DATABASE_REPLICA_URL',
    'postgres://user:password@replica-1:5432/game,postgres://user:password@replica-2:5432/game',
    [],
    databaseUrls,
  );
  const poolMax = read('DATABASE_POOL_MAX', '10', 10, integer(1, 1_000));
  const prepareStatements = read('DATABASE_PREPARED_STATEMENTS', 'off', true, onOff);
  const connectionTimeout = read('DATABASE_CONNECTION_TIMEOUT', '3', 3, integer(1, 60));
  const statementTimeout = read('DATABASE_STATEMENT_TIMEOUT', '15', 15, integer(1, 600));
  const requestTimeout = read('REQUEST_TIMEOUT', '30', 30, integer(1, 3_600));
  if (connectionTimeout >= statementTimeout || statementTimeout >= requestTimeout) {
    problems.push(
      `Each of these must be less than the next: DATABASE_CONNECTION_TIMEOUT (${connectionTimeout}), DATABASE_STATEMENT_TIMEOUT (${statementTimeout}), REQUEST_TIMEOUT (${requestTimeout}).`,
    );
  }
  const issuer = read('OAUTH_ISSUER', 'https://login.example.org/realms/game', null, String);
  const audience = read('OAUTH_AUDIENCE', 'game-graphql', null, String);
  const jwksUrl = read(
    'OAUTH_JWKS_URL',
    'https://login.example.org/realms/game/protocol/openid-connect/certs',
    null,
    httpUrl,
  );
  const clientId = read('OAUTH_CLIENT_ID', 'game-graphql', audience, String);
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const missing = ['OAUTH_ISSUER', 'OAUTH_AUDIENCE', 'OAUTH_JWKS_URL'].filter((name) => !isSet(name));
  if (missing.length === 1 || missing.length === 2) {
    problems.push(
      `${missing.join(' and ')} must be set too: bearer tokens need OAUTH_ISSUER, OAUTH_AUDIENCE and OAUTH_JWKS_URL.`,
    );
  }
  const isProduction = env['NODE_ENV'] === 'production';
  if (isProduction && !isSet('DATABASE_URL')) {
    problems.push(
      'DATABASE_URL must be set where NODE_ENV is production: to postgres://…, or to embedded for the embedded database with its demo.',
    );
  }
  if (replicaUrls.length > 0 && (url === EMBEDDED || !isSet('DATABASE_URL'))) {
    problems.push('DATABASE_REPLICA_URL needs DATABASE_URL: the embedded database has no replicas.');
  }
  const config: Omit<Config, 'warnings'> = {
    host: read('HOST', '127.0.0.1', '127.0.0.1', String),
    port: read('PORT', '4000', 4000, integer(0, 65_535)),
    logLevel: read('LOG_LEVEL', 'info', 'info', oneOf(LOG_LEVELS)),
    graphiql: read('GRAPHIQL', 'off', true, onOff),
    introspection: read('INTROSPECTION', 'off', true, onOff),
    maxResponseBytes: read('MAX_RESPONSE_BYTES', '10000000', 10_000_000, integer(100_000, 100_000_000)),
    rates: {
      caller: read('RATE_LIMIT', '6000000', 6_000_000, rate),
      address: read('RATE_LIMIT_ADDRESS', '1000000', 1_000_000, rate),
      windowS: RATE_WINDOW_S,
      redisUrl: read('REDIS_URL', 'redis://localhost:6379', null, redisUrl),
    },
    traces: readTraces(read, problems),
    trustedProxies: read('TRUST_PROXY', '10.0.0.0/8,192.0.2.7', [], networks),
    corsOrigins: read('CORS_ORIGINS', 'https://app.example.org,http://localhost:5173', [], origins),
    database:
      url === null || url === EMBEDDED
        ? { kind: 'embedded', directory: EMBEDDED_DIRECTORY }
        : {
            kind: 'postgresql',
            url,
            replicaUrls,
            poolMax,
            prepareStatements,
            connectionTimeoutMs: connectionTimeout * 1_000,
            statementTimeoutMs: statementTimeout * 1_000,
          },
    requestTimeoutMs: requestTimeout * 1_000,
    shutdownDelayMs: read('SHUTDOWN_DELAY', '5', 0, integer(0, 300)) * 1_000,
    oauth:
      issuer === null || audience === null || jwksUrl === null
        ? null
        : { issuer, audience, jwksUrl, clientId: clientId ?? audience },
    adminRole: read('OAUTH_ADMIN_ROLE', 'AdministratorGAME', 'AdministratorGAME', String),
    strategies: {
      realm: read('STRATEGY_REALM', 'GameRealm', 'GameRealm', String),
      furtherBuiltIns: read('BUILT_IN_STRATEGIES', 'myStrategy@1.0.0,other@2.1.0', {}, builtInStrategies),
    },
  };
  const warnings = Object.keys(env).flatMap((name) => warningOf(name, names) ?? []);
  if (/^\s*prod/i.test(env['NODE_ENV'] ?? '') && !isProduction) {
    warnings.push('NODE_ENV has a meaning where it is production, in small letters: no other value has one.');
  }
  if (problems.length > 0) throw new ConfigError([...problems, ...warnings].join('\n'));
  return { ...config, warnings };
}

/** Reads one setting: see `readConfig`. */
type Read = <Value>(
  name: string,
  example: string,
  fallback: Value,
  convert: (text: string) => Value,
) => Value;

/** The values of OTEL_TRACES_SAMPLER, by what they say of each request that no sender decided about. */
const SAMPLERS: Readonly<Record<string, 'all' | 'none' | 'ratio'>> = {
  always_on: 'all',
  always_off: 'none',
  traceidratio: 'ratio',
  parentbased_always_on: 'all',
  parentbased_always_off: 'none',
  parentbased_traceidratio: 'ratio',
};
const PROTOCOL = 'http/protobuf';

/** Reads those of OpenTelemetry's variables that its exporter does not read. Without an endpoint nothing is traced. */
function readTraces(read: Read, problems: string[]): TracesConfig | null {
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://localhost:4318', null, httpUrl);
  const own = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://localhost:4318/v1/traces', null, httpUrl);
  const isDisabled = read('OTEL_SDK_DISABLED', 'true', false, (text) => text.toLowerCase() === 'true');
  const exporter = read('OTEL_TRACES_EXPORTER', 'otlp', 'otlp', String);
  const protocol = read('OTEL_EXPORTER_OTLP_PROTOCOL', PROTOCOL, PROTOCOL, String);
  const ownProtocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', PROTOCOL, protocol, String);
  const sampler = read(
    'OTEL_TRACES_SAMPLER',
    'parentbased_traceidratio',
    'parentbased_always_on',
    oneOf(Object.keys(SAMPLERS)),
  );
  const ratio = read('OTEL_TRACES_SAMPLER_ARG', '0.1', 1, fraction);
  const scheduleDelayMs = read('OTEL_BSP_SCHEDULE_DELAY', '5000', 5_000, integer(1, 600_000));
  const exportTimeoutMs = read('OTEL_BSP_EXPORT_TIMEOUT', '30000', 30_000, integer(1, 600_000));
  const maxQueueSize = read('OTEL_BSP_MAX_QUEUE_SIZE', '2048', 2_048, integer(1, 100_000));
  const maxBatchSize = read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '512', 512, integer(1, 100_000));
  const isOff = isDisabled || exporter === 'none';
  if ((endpoint === null && own === null) || isOff) return null;
  if (exporter !== 'otlp') {
    problems.push('OTEL_TRACES_EXPORTER must be otlp or none. Example: OTEL_TRACES_EXPORTER=otlp');
  }
  if (ownProtocol !== PROTOCOL) {
    problems.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL must be ${PROTOCOL} for traces. Example: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=${PROTOCOL}`,
    );
  }
  const ratios = { all: 1, none: 0, ratio };
  return {
    sampling: {
      isParentBased: sampler.startsWith('parentbased_'),
      ratio: ratios[SAMPLERS[sampler] ?? 'all'],
    },
    scheduleDelayMs,
    exportTimeoutMs,
    maxQueueSize,
    maxBatchSize: Math.min(maxBatchSize, maxQueueSize),
  };
}

/** Prefixes that hardly anything else uses. */
const OWN_PREFIX = /^(DATABASE|OAUTH)_/;

/** What to say of a variable that looks like one of the settings and is none; null: it does not. */
function warningOf(variable: string, settings: ReadonlySet<string>): string | null {
  if (settings.has(variable)) return null;
  const similar = [...settings].find(
    (name) => name.length > SHORT_NAME && lettersOf(name) === lettersOf(variable),
  );
  if (similar !== undefined) return `${variable} is no setting: did you mean ${similar}?`;
  return OWN_PREFIX.test(variable) ? `${variable} is no setting: .env.example has all that there are.` : null;
}

/** Names up to this length, like PORT, have the letters of too many other words. */
const SHORT_NAME = 5;

/** The letters of a name, each once: swapped, doubled and forgotten ones leave them mostly as they are. */
function lettersOf(name: string): string {
  return [...new Set(name.toUpperCase().replaceAll(/[^A-Z]/g, ''))].toSorted().join('');
}

const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidValue(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };

function fraction(text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw new InvalidValue('must be a number from 0 to 1');
  return value;
}

/** What may be spent in a minute; null: as much as anybody likes. */
function rate(text: string): number | null {
  if (text === 'off' || text === '0') return null;
  try {
    return integer(1, 1_000_000_000)(text);
  } catch {
    throw new InvalidValue('must be a whole number up to 1000000000, or off');
  }
}

function redisUrl(text: string): string {
  // The value may hold a password, so a message never repeats it.
  if (!/^rediss?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new InvalidValue('must begin with redis:// or rediss://');
  }
  return text;
}

/** IP addresses and networks, separated by commas. */
function networks(text: string): readonly string[] {
  return text.split(',').map((part) => {
    const network = part.trim();
    const [address = '', bits, ...rest] = network.split('/');
    const version = isIP(address);
    const isNetwork =
      bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
    if (version !== 0 && isNetwork && rest.length === 0) return network;
    throw new InvalidValue(`holds "${network}", which is neither an IP address nor a network`);
  });
}

const oneOf =
  <Value extends string>(values: readonly Value[]) =>
  (text: string): Value => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new InvalidValue(`must be one of ${values.join(', ')}`);
    return value;
  };

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidValue('must be an http or https URL');
  return url;
}

function onOff(text: string): boolean {
  return oneOf(['on', 'off'])(text) === 'on';
}

/** `prefer` and `allow` would fall back to plain text, which `pg` cannot do: better refused than misread. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

function databaseUrl(text: string): string {
  // The value may hold a password, so a message never repeats it.
  if (!/^postgres(ql)?:\/\//.test(text)) throw new InvalidValue('must begin with postgres://');
  const parameters = URL.parse(text)?.searchParams;
  const mode = parameters?.get('sslmode') ?? null;
  if (mode !== null && !SSL_MODES.includes(mode)) {
    throw new InvalidValue(`has an sslmode other than ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'verify-ca' && !parameters?.has('sslrootcert')) {
    throw new InvalidValue('has sslmode=verify-ca, which needs sslrootcert=<file> beside it');
  }
  try {
    connectionOptions(text);
  } catch (error) {
    throw new InvalidValue(
      error instanceof Error && 'syscall' in error
        ? 'names a certificate or key file that cannot be read'
        : 'is not a URL that can be read; percent-encode special characters in the password',
    );
  }
  return text;
}

/** Most replicas that one setting names. */
const MAX_REPLICAS = 16;

/** URLs of databases, separated by commas. */
function databaseUrls(text: string): readonly string[] {
  const urls = text.split(',').map((part) => databaseUrl(part.trim()));
  if (urls.length > MAX_REPLICAS) throw new InvalidValue(`must name at most ${MAX_REPLICAS} replicas`);
  return urls;
}

/** Origins as browsers send them, separated by commas; `*` for all. */
function origins(text: string): readonly string[] | 'all' {
  if (text.trim() === '*') return 'all';
  return text.split(',').map((part) => {
    const origin = part.trim();
    if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
    throw new InvalidValue(`holds "${origin}", which is no origin: scheme, host and port, without a path`);
  });
}

/** The parts of a `DATABASE_URL` as `pg` takes them, its `sslmode` with the meaning that libpq gives it. */
export function connectionOptions(url: string): ClientConfig {
  const options = toClientConfig(parse(url, { useLibpqCompat: true }));
  // Of a host that is an address `pg` does not tell the name to look for, and Node then looks for "localhost".
  if (typeof options.ssl === 'object' && options.host) options.ssl = { host: options.host, ...options.ssl };
  return options;
}

function builtInStrategies(text: string): Record<string, string> {
  const entries = text.split(',').map((item) => {
    const match = /^\s*([A-Za-z0-9_-]+)@([A-Za-z0-9._-]+)\s*$/.exec(item);
    if (match === null) throw new InvalidValue('must be a list of id@version, separated by commas');
    return [match[1], match[2]];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}
