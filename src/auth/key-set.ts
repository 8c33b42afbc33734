import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** Shortest time between two fetches, in ms, whether they succeed or fail. A new key is known this soon. */
const FETCH_INTERVAL_MS = 30_000;
/** Age at which keys in use are looked up again, in ms, so that one that was withdrawn stops working. */
const REFRESH_MS = 5 * 60_000;
/** Longest time that a fetch may take, in ms, and largest answer, in bytes. */
const FETCH_TIMEOUT_MS = 3_000;
const MAX_BYTES = 256 * 1024;

/** The issuer's keys could not be fetched, so it cannot be told whether a token is good. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
}

type KeyFinder = ReturnType<typeof createLocalJWKSet>;

/**
 * The keys of an issuer, fetched from its JWKS URL.
 *
 * Keys that are known go on working while the issuer is down, for however long. A key id that is not known
 * causes a fetch, but one per 30 seconds at most, also while the issuer is down (jose's own remote set
 * counts from the last success only), so that made-up key ids cannot be turned into traffic.
 */
export class RemoteKeySet {
  #keys: KeyFinder | null = null;
  #fetchedAt = -Infinity;
  #lastFailed = false;
  #fetching: Promise<void> | null = null;

  constructor(
    private readonly url: URL,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** For `jwtVerify`. @throws IssuerUnavailableError; jose's own errors for a key that does not exist */
  readonly getKey: JWTVerifyGetKey = async (header, token): Promise<CryptoKey> => {
    const known = await this.#find(header, token);
    if (known !== null) {
      // In the background: a token whose key is known never waits for the issuer.
      if (this.now() - this.#fetchedAt > REFRESH_MS) void this.#fetch();
      return known;
    }
    if (this.now() - this.#fetchedAt >= FETCH_INTERVAL_MS) await this.#fetch();
    else await this.#fetching;
    const found = await this.#find(header, token);
    if (found !== null) return found;
    if (this.#lastFailed) throw new IssuerUnavailableError('The keys of the issuer cannot be fetched.');
    throw new errors.JWKSNoMatchingKey();
  };

  async #find(...[header, token]: Parameters<KeyFinder>): Promise<CryptoKey | null> {
    try {
      return (await this.#keys?.(header, token)) ?? null;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return null;
      throw error;
    }
  }

  /** Fetches the keys; keeps those it has when that fails. Callers share one fetch. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    this.#fetchedAt = this.now();
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(this.url));
      this.#lastFailed = false;
    } catch {
      this.#lastFailed = true;
    }
  }
}

async function fetchKeySet(url: URL): Promise<JSONWebKeySet> {
  // A redirect could lead anywhere, also into the network that the server stands in.
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (response.status !== 200 || response.body === null) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error('The key set is too large.');
    chunks.push(chunk);
  }
  // createLocalJWKSet checks the shape.
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as JSONWebKeySet;
}
