import {
  HeaderMap,
  type ApolloServerOptionsWithGateway,
  type ApolloServerPlugin,
  type GraphQLRequestListener,
} from '@apollo/server';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Context } from '../context.js';
import { createExecutor } from './execution.js';

/**
 * Makes Apollo run the operations of a schema by `createExecutor`. Apollo takes a foreign executor from a
 * gateway only, and translates each request for it. So a plugin runs the operation, and its answer is sent as
 * it is. An answer with errors goes through the gateway's executor: Apollo then treats the errors as its own.
 */
export function executeBy(schema: GraphQLSchema): {
  readonly gateway: ApolloServerOptionsWithGateway<Context>['gateway'];
  readonly executorPlugin: ApolloServerPlugin<Context>;
} {
  const run = createExecutor(schema);
  const failed = new WeakMap<object, ExecutionResult>();
  const hooks: GraphQLRequestListener<Context> = {
    async responseForOperation({ document, request, contextValue }) {
      const { operationName, variables } = request;
      const singleResult = await run({ document, operationName, variables, context: contextValue });
      if (!singleResult.errors) {
        const { data = null } = singleResult;
        return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
      }
      failed.set(contextValue, singleResult);
      return null;
    },
  };
  return {
    executorPlugin: { requestDidStart: () => Promise.resolve(hooks) },
    gateway: {
      load: () => Promise.resolve({ executor: ({ context }) => Promise.resolve(failed.get(context) ?? {}) }),
      onSchemaLoadOrUpdate: (callback) => {
        callback({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => {};
      },
      stop: () => Promise.resolve(),
    },
  };
}
