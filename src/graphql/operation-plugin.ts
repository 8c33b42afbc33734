import {
  HeaderMap,
  type ApolloServerPlugin,
  type GraphQLRequestListener,
  type GraphQLResponse,
} from '@apollo/server';
import type { GraphQLError } from 'graphql';
import type { Context } from '../app/context.js';
import { serviceUnavailable } from '../errors.js';
import { checkCost } from './cost.js';
import type { KnownDocument, KnownDocuments, KnownOperation } from './known-documents.js';
import { runRootFields } from './root-fields.js';

/** Most errors of an answer. */
const MAX_ERRORS = 100;

/** The `data` of an answer as JSON. */
export class EncodedData {
  constructor(readonly json: string) {}
}

/**
 * What we add to Apollo Server: gives it documents that are parsed, checked and validated, checks the cost of an
 * operation, runs the fields at its root, and notes for the log what was asked for and which errors came of it.
 */
export function operationPlugin(documents: KnownDocuments): ApolloServerPlugin<Context> {
  return { requestDidStart: () => Promise.resolve(operationHooks(documents)) };
}

function operationHooks(documents: KnownDocuments): GraphQLRequestListener<Context> {
  let entry: KnownDocument | null = null;
  let refusal: readonly GraphQLError[] | null = null;
  let operation: KnownOperation | null = null;
  return {
    didResolveSource({ queryHash, source, contextValue }): Promise<void> {
      entry = documents.enter(queryHash, source);
      refusal = entry.errorsFor(contextValue.viewer.kind === 'anonymous');
      return Promise.resolve();
    },
    didResolveOperation({ document, request, contextValue }): Promise<void> {
      if (entry === null || refusal !== null) return Promise.resolve();
      // It was pushed out of memory while it was asked for.
      if (document !== entry.document) throw serviceUnavailable();
      operation = entry.operation(request.operationName);
      if (operation === null) return Promise.resolve();
      contextValue.log.operation = operation.logName;
      checkCost(operation, request.variables ?? {});
      return Promise.resolve();
    },
    async responseForOperation({ request, contextValue }) {
      if (refusal !== null) return refusedBy(refusal);
      if (operation === null) return null;
      const json =
        contextValue.rootValues === null
          ? await runRootFields(operation, request.variables, contextValue)
          : null;
      if (contextValue.refusal !== null) return refusedBy([contextValue.refusal]);
      if (json === null) return null;
      // Apollo takes any object for data; `stringifyResult` of the endpoint knows this one.
      const data = new EncodedData(json) as unknown as Record<string, unknown>;
      return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
    },
    willSendResponse({ response, queryHash, contextValue }): Promise<void> {
      if (entry !== null) documents.leave(queryHash, entry);
      const { body } = response;
      if (body.kind !== 'single' || !body.singleResult.errors) return Promise.resolve();
      const { errors } = body.singleResult;
      body.singleResult.errors = errors.slice(0, MAX_ERRORS);
      contextValue.log.errors = [...new Set(errors.map(({ extensions }) => extensions?.['code']))];
      return Promise.resolve();
    },
  };
}

/** The answer to a document that was refused. */
function refusedBy(refusal: readonly GraphQLError[]): GraphQLResponse {
  const [first] = refusal;
  const { status = 400 } = (first?.extensions['http'] ?? {}) as { readonly status?: number };
  const errors = refusal.map((error) => {
    const { http: _http, ...extensions } = error.extensions;
    return { ...error.toJSON(), extensions };
  });
  return { http: { status, headers: new HeaderMap() }, body: { kind: 'single', singleResult: { errors } } };
}
