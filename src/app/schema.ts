import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { ViewerResolver } from '../domain/viewer/viewer.resolver.js';
import { GatewayResolver } from '../domain/gateways/gateway.resolver.js';
import { GameResolver } from '../domain/games/game.resolver.js';
import { NodeResolver } from '../domain/nodes/node.resolver.js';
import { ReassignmentResolver } from '../domain/reassignments/reassignment.resolver.js';
import { StrategyResolver } from '../domain/strategies/strategy.resolver.js';
import { useDefaultResolvers } from '../graphql/schema/default-resolvers.js';
import { refuseUnstorableStrings } from '../graphql/schema/storable-strings.js';

/** Builds the schema from the list of resolvers. */
export function createSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ViewerResolver,
      GameResolver,
      StrategyResolver,
      ReassignmentResolver,
      NodeResolver,
      GatewayResolver,
    ],
    // Rules on input are the repositories' own: they need the database, and report all at once.
    validate: false,
  });
  return refuseUnstorableStrings(useDefaultResolvers(schema));
}
