import type { Api } from './api.js';

/** How many requests wait in the server for a turn on its connections. */
export async function queued({ origin }: Pick<Api, 'origin'>): Promise<number> {
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  return Number(/^database_connections\{state="waiting"\} (\d+)$/m.exec(metrics)?.[1]);
}
