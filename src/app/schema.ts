import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { ViewerResolver } from '../domain/viewer/viewer.resolver.js';
import { GatewayResolver } from '../domain/gateways/gateway.resolver.js';
import { GameResolver } from '../domain/games/game.resolver.js';
import { NodeResolver } from '../domain/nodes/node.resolver.js';
import { ReassignmentResolver } from '../domain/reassignments/reassignment.resolver.js';
import { StrategyResolver } from '../domain/strategies/strategy.resolver.js';
import { TaskResolver } from '../domain/tasks/task.resolver.js';
import { useDefaultResolvers } from '../graphql/schema/default-resolvers.js';
import { refuseUnstorableStrings } from '../graphql/schema/storable-strings.js';

/** Builds the schema from the list of resolvers. */
export function createSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ViewerResolver,
      GameResolver,
      TaskResolver,
      StrategyResolver,
      ReassignmentResolver,
      NodeResolver,
      GatewayResolver,
    ],
    // Rules on input are the repositories' own: they need the database, and report all at once.
    validate: false,
  });
  // TypeGraphQL has no option for it.
  schema.description = `Reads and writes the games of GAME (Goals And Motivation Engine): their params, tasks, leaderboards and
strategies. Say who you are by an API key (header \`X-API-Key\`) or by a bearer token (header \`Authorization\`).`;
  return refuseUnstorableStrings(useDefaultResolvers(schema));
}
