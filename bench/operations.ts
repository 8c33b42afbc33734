import type { Contestant, ContestantName, Language, Question } from './contestants.ts';
import { ask, languageOf } from './contestants.ts';
import type { Data, Owner } from './database.ts';

/** Pages of each owner that are asked for, from the first. */
const PAGES = 5;
/** Games of each owner that are asked for one by one. */
const GAMES = 25;

const FIELDS = 'externalGameId platform strategyId createdAt updatedAt';
const PGL_PAGE = 'condition: { apiKeyUsed: $owner }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]';
const PGL_OLDEST_FIRST = 'orderBy: [CREATED_AT_ASC, ROW_ID_ASC]';

/** What is asked of every contestant, whatever its words for it. */
export interface Subject {
  readonly owner: Owner;
  /** Where the page begins, for each of the contestants. */
  readonly after?: Readonly<Record<ContestantName, unknown>>;
  readonly id?: string;
  readonly first?: number;
  readonly platform?: string;
}

/** How a contestant is asked. */
interface Wording {
  readonly query: string;
  /** Of the subject and the cursor before the page, which is the contestant's own. */
  readonly variables: (subject: Omit<Subject, 'after'>, after: unknown) => object;
}

/** The least ratio of requests/s to those of another. */
export type Goals = Readonly<Partial<Record<Exclude<Language, 'ours'>, number>>>;

export interface Operation {
  readonly name: string;
  readonly title: string;
  readonly goals: Goals;
  readonly wording: Readonly<Record<Language, Wording>>;
  /** What is asked, in turn; `round` makes what is written differ from what was. */
  readonly subjects: (round: number) => readonly Subject[];
  /** Whether it changes what it answers. */
  readonly writes?: boolean;
  /** Whether PostgreSQL works on each for a second: then there are fewer clients, and longer rounds. */
  readonly slow?: boolean;
}

export function questionOf(operation: Operation, contestant: ContestantName, subject: Subject): Question {
  const { query, variables } = operation.wording[languageOf(contestant)];
  return { query, variables: variables(subject, subject.after?.[contestant]), owner: subject.owner };
}

/**
 * What an answer says, in words common to all contestants: without what they call the rows, and how they write
 * UTC. Two answers are alike when this is the same text.
 */
export function meaningOf(body: string): string {
  const { data } = JSON.parse(body) as { data: unknown };
  return JSON.stringify(common(data));
}

const COMMON_NAMES: Readonly<Record<string, string>> = {
  rowId: 'id',
  allGames: 'games',
  gameByRowId: 'game',
  gamesparamsByGameId: 'params',
  tasksByGameId: 'tasks',
  tasksparamsByTaskId: 'params',
  updateGameByRowId: 'patchGame',
};

function common(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\dT[\d:.]+)\+00:00$/, '$1Z');
  if (Array.isArray(value)) return value.map(common);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, of]) => [COMMON_NAMES[name] ?? name, of] as const);
  // Lists that have no pages are connections to PostGraphile, and its leaderboard is below no game.
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'nodes') return common(only[1]);
  if (entries.length === 1 && only?.[0] === 'leaderboard') return common(only[1]);
  if (only?.[0] === 'benchLeaderboard') return { game: common(only[1]) };
  return Object.fromEntries(entries.map(([name, of]) => [name, common(of)]));
}

/** The operations that are compared. */
export async function makeOperations(data: Data, contestants: readonly Contestant[]): Promise<Operation[]> {
  const pages = await pagesOf(data.owners, contestants);
  const games = await gamesOf(data);
  return [
    {
      name: 'a',
      title: 'page of 20 games, newest first',
      goals: { PostGraphile: 1.75, baseline: 0.75 },
      wording: pageWording('page', `id ${FIELDS}`, `rowId ${FIELDS}`),
      subjects: () => pages,
    },
    {
      name: 'b',
      title: 'the same with params',
      goals: { PostGraphile: 1.5, baseline: 0.65 },
      wording: pageWording(
        'params',
        `id ${FIELDS} params { id key value }`,
        `rowId ${FIELDS} gamesparamsByGameId(${PGL_OLDEST_FIRST}) { nodes { rowId key value } }`,
      ),
      subjects: () => pages,
    },
    {
      name: 'c',
      title: 'games -> tasks -> params',
      goals: { PostGraphile: 1.35, baseline: 0.65 },
      wording: pageWording(
        'tasks',
        `id externalGameId tasks(first: 10) { nodes { id externalTaskId status params { id key value } } }`,
        `rowId externalGameId tasksByGameId(first: 10, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) {
           nodes { rowId externalTaskId status tasksparamsByTaskId(${PGL_OLDEST_FIRST}) { nodes { rowId key value } } } }`,
      ),
      subjects: () => pages,
    },
    {
      name: 'd',
      title: 'page and totalCount',
      goals: { PostGraphile: 1.25, baseline: 0.85 },
      wording: pageWording('count', `id ${FIELDS}`, `rowId ${FIELDS}`, 'totalCount'),
      subjects: () => pages,
    },
    {
      name: 'e',
      title: 'one game by id',
      goals: { PostGraphile: 1.75, baseline: 0.55 },
      wording: {
        ours: {
          query: `query ($id: ID!) { game(id: $id) { id ${FIELDS} } }`,
          variables: ({ id }) => ({ id }),
        },
        PostGraphile: {
          query: `query ($id: UUID!) { gameByRowId(rowId: $id) { rowId ${FIELDS} } }`,
          variables: ({ id }) => ({ id }),
        },
        baseline: { query: 'game', variables: ({ id, owner }) => ({ id, owner: owner.prefix }) },
      },
      subjects: () => games,
    },
    {
      name: 'f',
      title: 'leaderboard page over 1,000,000 points',
      goals: { PostGraphile: 1 },
      slow: true,
      wording: {
        ours: {
          query: `query ($id: ID!, $first: Int) {
            game(id: $id) { leaderboard(first: $first) { nodes { rank externalUserId points } } } }`,
          variables: ({ id, first }) => ({ id, first }),
        },
        PostGraphile: {
          query: `query ($id: UUID!, $first: Int!) {
            benchLeaderboard(gameId: $id, pageSize: $first) { nodes { rank externalUserId points } } }`,
          variables: ({ id, first }) => ({ id, first }),
        },
        baseline: { query: 'leaderboard', variables: ({ id, first }) => ({ id, first }) },
      },
      subjects: () =>
        Array.from({ length: 10 }, (_, index) => ({
          owner: data.leaderboard.owner,
          id: data.leaderboard.gameId,
          first: 10 + index,
        })),
    },
    {
      name: 'g',
      title: 'patchGame',
      goals: {},
      writes: true,
      wording: {
        ours: {
          query: `mutation ($id: ID!, $platform: String!) {
            patchGame(input: { id: $id, platform: $platform }) { game { id platform } } }`,
          variables: ({ id, platform }) => ({ id, platform }),
        },
        PostGraphile: {
          query: `mutation ($id: UUID!, $platform: String!, $now: Datetime!) {
            updateGameByRowId(input: { rowId: $id, gamePatch: { platform: $platform, updatedAt: $now } }) {
              game { rowId platform } } }`,
          variables: ({ id, platform }) => ({ id, platform, now: new Date().toISOString() }),
        },
        baseline: {
          query: 'patch',
          variables: ({ id, owner, platform }) => ({ id, owner: owner.prefix, platform }),
        },
      },
      // Every game in turn, before any is written again: so each request has something to change.
      subjects: (round) =>
        [0, 1].flatMap((turn) => games.map((game) => ({ ...game, platform: `bench-${round}-${turn}` }))),
    },
  ];
}

/** A page of games, of which each contestant is asked for these fields of a node. */
function pageWording(
  statement: string,
  ours: string,
  postgraphile: string,
  besides = '',
): Record<Language, Wording> {
  return {
    ours: {
      query: `query ($after: String) { games(first: 20, after: $after) { ${besides} nodes { ${ours} } } }`,
      variables: (_, after) => ({ after }),
    },
    PostGraphile: {
      query: `query ($owner: String!, $after: Cursor) {
        allGames(first: 20, after: $after, ${PGL_PAGE}) { ${besides} nodes { ${postgraphile} } } }`,
      variables: ({ owner }, after) => ({ owner: owner.prefix, after }),
    },
    baseline: {
      query: statement,
      variables: ({ owner }, after) => ({ owner: owner.prefix, after }),
    },
  };
}

const CURSOR = {
  ours: `query ($after: String) { games(first: 20, after: $after) {
    nodes { id createdAt } pageInfo { endCursor } } }`,
  PostGraphile: `query ($owner: String!, $after: Cursor) { allGames(first: 20, after: $after, ${PGL_PAGE}) {
    nodes { id: rowId createdAt } pageInfo { endCursor } } }`,
};

/** The first pages of the owners, one owner after the other on each, with the cursors that lead to them. */
async function pagesOf(owners: readonly Owner[], contestants: readonly Contestant[]): Promise<Subject[]> {
  const pages: Subject[][] = Array.from({ length: PAGES }, () => []);
  const asked = contestants.filter(({ name }) => name !== 'baseline');
  for (const owner of owners) {
    let after = { ours: null, before: null, PostGraphile: null, baseline: null } as Record<
      ContestantName,
      unknown
    >;
    for (const page of pages) {
      page.push({ owner, after });
      const next = { ...after };
      for (const { name, port } of asked) {
        const query = CURSOR[languageOf(name) as keyof typeof CURSOR];
        const body = await ask(port, {
          query,
          variables: { owner: owner.prefix, after: after[name] },
          owner,
        });
        const { data } = JSON.parse(body) as {
          data: Record<
            string,
            { nodes: { id: string; createdAt: string }[]; pageInfo: { endCursor: string } }
          >;
        };
        const [games] = Object.values(data);
        const last = games?.nodes.at(-1);
        next[name] = games?.pageInfo.endCursor;
        next.baseline = [last?.createdAt, last?.id];
      }
      after = next;
    }
  }
  return pages.flat();
}

/** Some games of each owner, from all of its list, no owner twice in a row. */
async function gamesOf({ db, owners }: Data): Promise<Subject[]> {
  const { rows } = await db.query<{ id: string; prefix: string }>(
    `SELECT id, prefix FROM (
       SELECT id, "apiKey_used" AS prefix, row_number() OVER (PARTITION BY "apiKey_used" ORDER BY md5(id::text)) AS n
       FROM games WHERE "apiKey_used" = ANY ($1)) g
     WHERE n <= $2 ORDER BY n, prefix`,
    [owners.map(({ prefix }) => prefix), GAMES],
  );
  const byPrefix = new Map(owners.map((owner) => [owner.prefix, owner]));
  return rows.flatMap(({ id, prefix }) => {
    const owner = byPrefix.get(prefix);
    return owner === undefined ? [] : [{ owner, id }];
  });
}
