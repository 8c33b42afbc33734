import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { ViewerResolver } from './auth/viewer.resolver.js';
import { GatewayResolver } from './gateways/gateway.resolver.js';
import { GameResolver } from './games/game.resolver.js';
import { NodeResolver } from './nodes/node.resolver.js';
import { ReassignmentResolver } from './reassignments/reassignment.resolver.js';
import { StrategyResolver } from './strategies/strategy.resolver.js';
import { handOut } from './graphql/hand-out.js';
import { refuseBrokenText } from './graphql/text-guard.js';

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
  return refuseBrokenText(handOut(schema));
}
