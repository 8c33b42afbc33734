// One GraphQL API of two services: games, from the API, and notes on games, which a service here keeps in memory.
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { stitchSchemas } from '@graphql-tools/stitch';
import { stitchingDirectives } from '@graphql-tools/stitching-directives';
import { buildSchema, GraphQLError, parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { createServer } from 'node:http';

const API = process.env.API ?? 'http://127.0.0.1:4000/graphql';
const PORT = Number(process.env.PORT ?? 4100);

const { stitchingDirectivesTypeDefs, stitchingDirectivesTransformer } = stitchingDirectives();

// Credentials of whoever asks the gateway go on to the API, which then shows them what is theirs.
const games = buildHTTPExecutor({
  endpoint: API,
  headers: ({ context } = {}) => {
    const passedOn = ['x-api-key', 'authorization'].map((name) => [
      name,
      context?.request?.headers.get(name),
    ]);
    return Object.fromEntries(passedOn.filter(([, value]) => value));
  },
});
const { data, errors } = await games({ document: parse('{ _sdl }') });
if (errors) throw new AggregateError(errors, `${API} does not give its schema.`);

const VISIBLE = parse('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }');

// Ids come from anyone: a note is only for callers who see its game.
const visible = async (ids, context) => {
  const { data, errors } = await games({ document: VISIBLE, variables: { ids }, context });
  if (errors) throw new GraphQLError(errors[0].message, { extensions: errors[0].extensions });
  return new Set(data.gamesByIds.filter(Boolean).map(({ id }) => id));
};

const notes = new Map();
const notesService = createSchema({
  typeDefs: `
    ${stitchingDirectivesTypeDefs}
    type Game @key(selectionSet: "{ id }") { id: ID! notes: [String!]! }
    type Query { notedGames(ids: [ID!]!): [Game]! @merge(keyField: "id") }
    type Mutation { addNote(gameId: ID!, text: String!): Game! }
  `,
  resolvers: {
    Query: {
      notedGames: async (_, { ids }, context) => {
        const seen = await visible(ids, context);
        return ids.map((id) => (seen.has(id) ? { id } : null));
      },
    },
    Mutation: {
      addNote: async (_, { gameId, text }, context) => {
        if (!(await visible([gameId], context)).has(gameId)) {
          throw new GraphQLError('Game not found.', { extensions: { code: 'NOT_FOUND' } });
        }
        notes.set(gameId, [...(notes.get(gameId) ?? []), text]);
        return { id: gameId };
      },
    },
    Game: { notes: ({ id }) => notes.get(id) ?? [] },
  },
});

const schema = stitchSchemas({
  subschemaConfigTransforms: [stitchingDirectivesTransformer],
  subschemas: [{ schema: buildSchema(data._sdl), executor: games, batch: true }, { schema: notesService }],
});

const server = createServer(createYoga({ schema }));
server.listen(PORT, '127.0.0.1', () => {
  console.log(`Games and notes at http://127.0.0.1:${server.address().port}/graphql`);
});
