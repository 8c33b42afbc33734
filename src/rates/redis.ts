import type { Redis } from 'ioredis';

/** Time between two attempts to reach Redis, in ms. */
const RETRY_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
/** Longest wait for an answer of Redis, in ms. */
const TIMEOUT_MS = 50;

/** A client of Redis that never lets anybody wait: what cannot be sent fails at once. */
export async function connectRedis(
  url: string,
  on: { readonly away: () => void; readonly back: () => void },
): Promise<Redis> {
  // Loaded only where it is used.
  const { Redis: Client } = await import('ioredis');
  const redis = new Client(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => RETRY_MS,
  });
  let isAway = false;
  redis.on('error', () => {
    if (!isAway) on.away();
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) on.back();
    isAway = false;
  });
  return redis;
}

/**
 * The same result, if Redis answers in time. ioredis's own `commandTimeout` also fails what has been answered, where this
 * process was too busy to look: here it looks once more.
 */
export function inTime<Result>(result: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error('Redis does not answer.'));
    const late = setTimeout(() => void setImmediate(fail), TIMEOUT_MS);
    result.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
