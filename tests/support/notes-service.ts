import { buildSchema, graphql } from 'graphql';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A note that somebody has made on a game, in a service that knows nothing of games but their ids. */
export interface Note {
  readonly text: string;
  readonly gameId: string;
}

/** A second service behind a gateway. */
export interface NotesService {
  readonly url: string;
  /** For gateways that stitch, and for federated ones. */
  readonly stitchingSdl: string;
  readonly federationSdl: string;
  close(): Promise<void>;
}

const TYPES = 'type Note { text: String! game: Game }';
const STITCHING = `
  directive @key(selectionSet: String!) on OBJECT
  directive @merge(keyField: String, keyArg: String, additionalArgs: String, key: [String!], argsExpr: String) on FIELD_DEFINITION
  ${TYPES}
  type Game @key(selectionSet: "{ id }") { id: ID! notes: [String!]! }
  type Query { recentNotes: [Note!]! notedGames(ids: [ID!]!): [Game]! @merge(keyField: "id") }
`;
const FEDERATION = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  ${TYPES}
  type Game @key(fields: "id") { id: ID! notes: [String!]! }
  type Query { recentNotes: [Note!]! }
`;

/** Starts the service over HTTP, with these notes. */
export async function startNotesService(notes: readonly Note[]): Promise<NotesService> {
  const schema = buildSchema(`
    ${TYPES}
    type Game { id: ID! notes: [String!]! }
    scalar _Any
    union _Entity = Game
    type Query { recentNotes: [Note!]! notedGames(ids: [ID!]!): [Game]! _entities(representations: [_Any!]!): [_Entity]! }
  `);
  const gameOf = (id: string): object => ({
    __typename: 'Game',
    id,
    notes: notes.filter(({ gameId }) => gameId === id).map(({ text }) => text),
  });
  const rootValue = {
    recentNotes: notes.map(({ text, gameId }) => ({ text, game: gameOf(gameId) })),
    notedGames: ({ ids }: { ids: string[] }) => ids.map(gameOf),
    _entities: ({ representations }: { representations: { id: string }[] }) =>
      representations.map(({ id }) => gameOf(id)),
  };
  const answer = async (body: string, response: ServerResponse): Promise<void> => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(result));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void answer(Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stitchingSdl: STITCHING,
    federationSdl: FEDERATION,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
