import {
  HeaderMap,
  type ApolloServerPlugin,
  type GraphQLRequest,
  type GraphQLRequestListener,
  type GraphQLResponse,
} from '@apollo/server';
import { OperationTypeNode } from 'graphql';
import type { Context } from '../app/context.js';
import { serviceUnavailable } from '../errors.js';
import { checkCost, isExpensive } from './cost.js';
import type { DocumentErrors, KnownDocument, KnownDocuments, KnownOperation } from './known-documents.js';
import { decodeOutcome, digestOf, encodeOutcome } from './idempotency.js';
import { MEDIA_TYPES } from './media-types.js';
import { runRootFields } from './root-fields.js';

/** Maximum number of errors of an answer. */
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
  return {
    requestDidStart({ request }): Promise<GraphQLRequestListener<Context>> {
      const persistedQuery: unknown = request.extensions?.['persistedQuery'];
      // Apollo takes any value for the hash of a text. No text has an empty one.
      if (typeof persistedQuery === 'object' && persistedQuery !== null) {
        const { sha256Hash } = persistedQuery as { readonly sha256Hash?: unknown };
        if (typeof sha256Hash !== 'string') Object.assign(persistedQuery, { sha256Hash: '' });
      }
      return Promise.resolve(operationHooks(documents));
    },
  };
}

function operationHooks(documents: KnownDocuments): GraphQLRequestListener<Context> {
  let entry: KnownDocument | null = null;
  let documentErrors: DocumentErrors | null = null;
  let operation: KnownOperation | null = null;
  /** When graphql-js began to complete what was read, if it did: by `performance.now()`. */
  let completesSince: number | null = null;
  return {
    didResolveSource({ queryHash, source, contextValue }): Promise<void> {
      const startedAt = performance.now();
      entry = documents.enter(queryHash, source);
      documentErrors = entry.errorsFor(contextValue.viewer.kind === 'anonymous');
      contextValue.budget.workMs += performance.now() - startedAt;
      return Promise.resolve();
    },
    async didResolveOperation({ document, source, request, contextValue }): Promise<void> {
      if (entry === null || documentErrors !== null) return;
      // It was pushed out of memory while it was asked for.
      if (document !== entry.document) throw serviceUnavailable();
      operation = entry.operation(request.operationName);
      if (operation === null) return;
      contextValue.log.operation = operation.label;
      const cost = checkCost(operation, request.variables ?? {});
      contextValue.work.isExpensive = isExpensive(cost);
      await contextValue.budget.charge(cost);
      const { work } = contextValue;
      if (work.idempotencyKey !== null && operation.definition.operation === OperationTypeNode.MUTATION) {
        const { operationName, variables } = request;
        work.idempotentMutation = {
          owner: work.callerKey ?? '',
          key: work.idempotencyKey,
          request: digestOf({ source, operationName, variables }),
          field: '',
          encode: encodeOutcome,
          decode: decodeOutcome,
        };
      }
    },
    async responseForOperation({ request, contextValue }) {
      if (documentErrors !== null) return refusedBy(documentErrors);
      if (operation === null) return null;
      const json =
        contextValue.rootValues === null
          ? await runRootFields(operation, request.variables, contextValue)
          : null;
      if (contextValue.answerError !== null) return refusedBy([contextValue.answerError.toJSON()]);
      if (json === null) {
        // What a mutation waits for meanwhile is measured by its statements.
        if (operation.definition.operation === OperationTypeNode.QUERY) completesSince = performance.now();
        return null;
      }
      // Apollo takes any object for data; `stringifyResult` of the endpoint knows this one.
      const data = new EncodedData(json) as unknown as Record<string, unknown>;
      return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
    },
    willSendResponse({ request, response, queryHash, contextValue }): Promise<void> {
      if (entry !== null) documents.leave(queryHash, entry);
      if (completesSince !== null) contextValue.budget.workMs += performance.now() - completesSince;
      const { body, http } = response;
      if (body.kind !== 'single' || !body.singleResult.errors) return Promise.resolve();
      const { data, errors } = body.singleResult;
      if (data && Object.values(data).some((value) => value !== null)) {
        // GraphQL over HTTP: with data it is a success, whatever some fields say.
        http.status = 200;
      } else if (isFailure(http.status)) {
        // Of an operation that came to nothing the errors tell everything.
        delete body.singleResult.data;
      } else if (data === undefined && acceptsResponseType(request)) {
        http.status = 400;
      }
      body.singleResult.errors = errors.slice(0, MAX_ERRORS);
      contextValue.log.errors = [...new Set(errors.map(({ extensions }) => extensions?.['code']))];
      return Promise.resolve();
    },
  };
}

function isFailure(status = 200): boolean {
  return status >= 400;
}

/** Whether the answer is of the type whose status tells about the operation; clients of the other one may expect 200. */
function acceptsResponseType({ http }: GraphQLRequest): boolean {
  return http?.headers.get('accept') === MEDIA_TYPES[1];
}

/** The answer to a document that was refused. */
function refusedBy(reasons: DocumentErrors): GraphQLResponse {
  const [first] = reasons;
  const { status = 400, headers = [] } = (first?.extensions?.['http'] ?? {}) as {
    readonly status?: number;
    readonly headers?: Iterable<[string, string]>;
  };
  const errors = reasons.map((error) => {
    const { http: _http, ...extensions } = error.extensions ?? {};
    return { ...error, extensions };
  });
  return {
    http: { status, headers: new HeaderMap(headers) },
    body: { kind: 'single', singleResult: { errors } },
  };
}
