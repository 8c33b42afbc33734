import { HeaderMap, type ApolloServerPlugin, type GraphQLRequestListener } from '@apollo/server';
import type { Context } from '../app/context.js';
import type { KnownDocuments, KnownOperation } from './known-documents.js';
import { checkLimits } from './limits.js';
import { runRootFields } from './root-fields.js';

/** The `data` of an answer as JSON. */
export class EncodedData {
  constructor(readonly json: string) {}
}

/**
 * What we add to Apollo Server: checks the limits of an operation, runs the fields at its root, and notes for the log
 * what was asked for and which errors came of it.
 */
export function operationPlugin(documents: KnownDocuments): ApolloServerPlugin<Context> {
  return { requestDidStart: () => Promise.resolve(operationHooks(documents)) };
}

function operationHooks(documents: KnownDocuments): GraphQLRequestListener<Context> {
  let operation: KnownOperation | null = null;
  return {
    didResolveOperation({ queryHash, document, request, contextValue }): Promise<void> {
      operation = documents.of(queryHash, document).operation(request.operationName);
      if (operation === null) return Promise.resolve();
      contextValue.log.operation = operation.logName;
      checkLimits(operation, request.variables ?? {});
      return Promise.resolve();
    },
    async responseForOperation({ request, contextValue }) {
      if (operation === null || contextValue.rootValues !== null) return null;
      const json = await runRootFields(operation, request.variables, contextValue);
      if (json === null) return null;
      // Apollo takes any object for data; `stringifyResult` of the endpoint knows this one.
      const data = new EncodedData(json) as unknown as Record<string, unknown>;
      return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
    },
    willSendResponse({ response, contextValue }): Promise<void> {
      const { body } = response;
      if (body.kind === 'single' && body.singleResult.errors) {
        const codes = body.singleResult.errors.map(({ extensions }) => extensions?.['code']);
        contextValue.log.errors = [...new Set(codes)];
      }
      return Promise.resolve();
    },
  };
}
