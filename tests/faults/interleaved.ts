import type { Owner } from '../../bench/database.ts';

const REQUESTS = 10_000;
const AT_ONCE = 24;

/** What came of requests of several owners at once, who ask the same in turn. */
export interface Interleaved {
  readonly asked: number;
  readonly failed: number;
  /** Rows of a game that is not of the owner who asked. */
  readonly foreign: number;
}

/** Sends them. Each owner has games, whose names begin with the owner's prefix. */
export async function wrongRows(port: number, owners: readonly Owner[]): Promise<Interleaved> {
  const counts = { asked: 0, failed: 0, foreign: 0 };
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (counts.asked < REQUESTS) {
        const owner = owners[counts.asked++ % owners.length] ?? { secret: '', prefix: '' };
        const query = `{ games(first: ${1 + (counts.asked % 7)}) { nodes { externalGameId } } }`;
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': owner.secret },
          body: JSON.stringify({ query }),
        });
        const { data } = (await response.json()) as {
          data?: { games: { nodes: { externalGameId: string }[] } | null };
        };
        const nodes = data?.games?.nodes ?? [];
        if (nodes.length === 0) counts.failed++;
        counts.foreign += nodes.filter(
          ({ externalGameId }) => !externalGameId.startsWith(`${owner.prefix}-`),
        ).length;
      }
    }),
  );
  return counts;
}
