import {
  HeaderMap,
  type ApolloServerOptionsWithGateway,
  type ApolloServerPlugin,
  type GraphQLRequestListener,
} from '@apollo/server';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Context } from '../app/context.js';
import type { Execute } from './execution.js';
import { isHarmless } from './limits.js';
import type { RepeatedOperations } from './repeated-operations.js';

/** How Apollo runs operations. */
export interface ApolloExecutor {
  readonly gateway: ApolloServerOptionsWithGateway<Context>['gateway'];
  readonly executorPlugin: ApolloServerPlugin<Context>;
  /** Has Apollo answer with this result, which has errors, when it is asked with this context. */
  readonly fail: (context: Context, result: ExecutionResult) => void;
}

/**
 * Makes Apollo run the operations of a schema by `run`. Apollo takes a foreign executor from a gateway only, and
 * translates each request for it. So a plugin runs the operation, and its answer is sent as it is. An answer with
 * errors goes through the gateway's executor: Apollo then treats the errors as its own.
 */
export function executeBy(schema: GraphQLSchema, run: Execute, repeated: RepeatedOperations): ApolloExecutor {
  /** Results by the logs of their requests: Apollo copies contexts. */
  const failed = new WeakMap<object, ExecutionResult>();
  const hooks: GraphQLRequestListener<Context> = {
    async responseForOperation({ document, source, request, contextValue, operationName: resolvedName }) {
      if (failed.has(contextValue.log)) return null;
      const { operationName, variables } = request;
      if (isHarmless(document, resolvedName)) {
        repeated.pass(source, document, operationName ?? null, contextValue.log.operation ?? '');
      }
      const singleResult = await run({ document, operationName, variables, context: contextValue });
      if (!singleResult.errors) {
        const { data = null } = singleResult;
        return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
      }
      failed.set(contextValue.log, singleResult);
      return null;
    },
  };
  return {
    executorPlugin: { requestDidStart: () => Promise.resolve(hooks) },
    gateway: {
      load: () =>
        Promise.resolve({
          executor: ({ context }) => Promise.resolve(failed.get((context as Context).log) ?? {}),
        }),
      onSchemaLoadOrUpdate: (callback) => {
        callback({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => {};
      },
      stop: () => Promise.resolve(),
    },
    fail: ({ log }, result) => void failed.set(log, result),
  };
}
