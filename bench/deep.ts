import { ask, startContestant, type Contestant, type Question } from './contestants.ts';
import type { Data, Owner } from './database.ts';
import { drive, Load } from './measure.ts';
import { median, ratios, say, short, spread } from './report.ts';

/** Most that a deep page may cost, in times the first. */
const GOAL = 1.2;
/** How deep, as a share of the list. */
const DEPTH = 0.95;
/** Deep pages that are asked for. */
const PAGES = 20;

const STEP = `query ($after: String) { games(first: 100, after: $after) { pageInfo { endCursor } } }`;
export const PAGE = `query ($after: String) { games(first: 20, after: $after) {
  nodes { id externalGameId platform strategyId createdAt updatedAt } } }`;

/** Cursors of pages of the owner's games, as deep as its list allows. */
export async function deepCursors(server: Contestant, owner: Owner, games: number): Promise<string[]> {
  const cursors: string[] = [];
  let after: string | null = null;
  for (let row = 0; row < games * DEPTH; row += 100) {
    const body: string = await ask(server.port, { query: STEP, variables: { after }, owner });
    const { data } = JSON.parse(body) as { data: { games: { pageInfo: { endCursor: string } } } };
    after = data.games.pageInfo.endCursor;
    cursors.push(after);
  }
  return cursors.slice(-PAGES);
}

export const pageAfter = (after: string | null, owner: Owner): Question => ({
  query: PAGE,
  variables: { after },
  owner,
});

/** Operation (i): a page deep in a list, against the first one. */
export async function compareDepths(
  { url, deepOwner }: Data,
  games: number,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<void> {
  const load = new Load();
  const server = await startContestant('ours', url);
  try {
    const deep = (await deepCursors(server, deepOwner, games)).map((after) => pageAfter(after, deepOwner));
    const first = [pageAfter(null, deepOwner)];
    const rates: Record<'first' | 'deep', number[]> = { first: [], deep: [] };
    for (let round = 0; round <= rounds; round++) {
      for (const [which, questions] of [
        ['first', first],
        ['deep', deep],
      ] as const) {
        const { perSecond } = await drive(load, server, questions, seconds * 1_000);
        if (round > 0) rates[which].push(perSecond);
      }
    }
    const cost = ratios(rates.first, rates.deep);
    say(`(i) a page ${short(games * DEPTH)} rows deep, against the first page\n`);
    say(
      `first ${spread(rates.first)} requests/s, deep ${spread(rates.deep)}, cost deep / first ${spread(cost)}`,
    );
    say(`goal ${GOAL} ${median(cost) <= GOAL ? 'met' : 'NOT MET'}\n`);
  } finally {
    load.stop();
    await server.stop();
  }
}
