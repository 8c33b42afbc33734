/**
 * The least that a server can do for these operations: node:http and pg with prepared statements, written for
 * each of them by hand. No GraphQL, no authentication, no limits, no log. It answers the bytes that ours answers.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const time = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const GAME = `g.id, g."externalGameId", g.platform, g."strategyId",
  ${time('g.created_at')} AS "createdAt", ${time('g.updated_at')} AS "updatedAt"`;
const PARAMS = `ARRAY(SELECT to_json(p) FROM (SELECT p.id, p.key, p.value FROM gamesparams p
  WHERE p."gameId" = g.id ORDER BY p.created_at, p.id) p) AS params`;
const TASKS = `json_build_object('nodes', ARRAY(SELECT to_json(t) FROM (
  SELECT t.id, t."externalTaskId", t.status, ARRAY(SELECT to_json(p) FROM (SELECT p.id, p.key, p.value
    FROM tasksparams p WHERE p."taskId" = t.id ORDER BY p.created_at, p.id) p) AS params
  FROM tasks t WHERE t."gameId" = g.id ORDER BY t.created_at DESC, t.id DESC LIMIT 10) t)) AS tasks`;
// The position is hidden from the planner, which would plan the statement anew for each.
const page = (columns: string): string => `SELECT ${columns} FROM games g
  WHERE g."apiKey_used" = $1 AND (g.created_at, g.id) < ((SELECT $2::timestamptz), (SELECT $3::uuid))
  ORDER BY g.created_at DESC, g.id DESC LIMIT 20`;
export const LEADERBOARD = `SELECT l.rank, (SELECT u."externalUserId" FROM users u WHERE u.id = l."userId") AS "externalUserId",
    l.points FROM (
    SELECT up."userId", coalesce(sum(up.points), 0)::float AS points,
      rank() OVER (ORDER BY coalesce(sum(up.points), 0) DESC)::int AS rank
    FROM userpoints up WHERE up."taskId" = ANY(ARRAY(SELECT t.id FROM tasks t WHERE t."gameId" = $1))
      AND up."userId" IS NOT NULL GROUP BY up."userId") l
  ORDER BY l.points DESC, l."userId" LIMIT $2`;

type Variables = Readonly<Record<string, unknown>>;

interface Statement {
  readonly text: string;
  values(variables: Variables): unknown[];
  data(rows: readonly Variables[]): unknown;
}

/** What an `after` of the baseline holds: the place of a row. */
function pageValues({ owner, after }: Variables): unknown[] {
  return [
    owner,
    ...(after === null ? ['infinity', '00000000-0000-0000-0000-000000000000'] : (after as string[])),
  ];
}
const games = (nodes: unknown): unknown => ({ games: { nodes } });

const STATEMENTS: Readonly<Record<string, Statement>> = {
  page: { text: page(GAME), values: pageValues, data: games },
  params: { text: page(`${GAME}, ${PARAMS}`), values: pageValues, data: games },
  tasks: {
    text: page(`g.id, g."externalGameId", ${TASKS}`),
    values: pageValues,
    data: games,
  },
  count: {
    text: `SELECT (SELECT count(*)::int FROM games g WHERE g."apiKey_used" = $1) AS "totalCount",
      ARRAY(SELECT to_json(g) FROM (${page(GAME)}) g) AS nodes`,
    values: pageValues,
    data: ([row]) => ({ games: row }),
  },
  game: {
    text: `SELECT ${GAME} FROM games g WHERE g.id = $1 AND g."apiKey_used" = $2`,
    values: ({ id, owner }) => [id, owner],
    data: ([game]) => ({ game }),
  },
  leaderboard: {
    text: LEADERBOARD,
    values: ({ id, first }) => [id, first],
    data: (nodes) => ({ game: { leaderboard: { nodes } } }),
  },
  patch: {
    text: `UPDATE games g SET platform = $3, updated_at = now() WHERE g.id = $1 AND g."apiKey_used" = $2
      RETURNING g.id, g.platform`,
    values: ({ id, owner, platform }) => [id, owner, platform],
    data: ([game]) => ({ patchGame: { game } }),
  },
};

if (import.meta.main) {
  const pool = new pg.Pool({
    connectionString: process.env['DATABASE_URL'],
    max: Number(process.env['DATABASE_POOL_MAX']),
  });
  const answer = async (body: string): Promise<string> => {
    const { query: name, variables } = JSON.parse(body) as { query: string; variables: Variables };
    const statement = STATEMENTS[name];
    if (statement === undefined) throw new Error(`There is no statement ${name}.`);
    const { rows } = await pool.query<Variables>({
      name,
      text: statement.text,
      values: statement.values(variables),
    });
    return JSON.stringify({ data: statement.data(rows) });
  };
  const respond = async (body: string, response: ServerResponse): Promise<void> => {
    try {
      const text = await answer(body);
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => void (body += chunk));
    request.on('end', () => void respond(body, response));
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`Ready: at http://127.0.0.1:${port}/graphql\n`);
  });
}
