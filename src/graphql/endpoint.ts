import { ApolloServer, HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from '../app/context.js';
import { badRequest } from '../errors.js';
import { isExpensive, knownCost } from './cost.js';
import { KnownDocuments } from './known-documents.js';
import { formatError, maskingPlugin, type Mask } from './masking.js';
import { MEDIA_TYPES, preferredMediaType, type MediaType } from './media-types.js';
import { EncodedData, operationPlugin } from './operation-plugin.js';
import { persistedQueries } from './persisted-queries.js';
import { returnRootValues, runRootFields } from './root-fields.js';

/** Maximum number of errors of the variables of one operation that are reported: each quotes all of the variable. */
const MAX_ERRORS = 5;
/** Maximum number of `Accept` headers of which the content type is known. */
const MAX_ACCEPT_HEADERS = 100;

/** An HTTP request to the endpoint. */
export interface EndpointRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The query string with its question mark, or empty. */
  readonly search: string;
  /** Parsed, where it was JSON. */
  readonly body: unknown;
}

/** The answer to it. */
export interface EndpointAnswer {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: string;
}

export interface EndpointOptions {
  readonly introspection: boolean;
  /** Hides what clients must not see: see `masking.ts`. */
  readonly mask: Mask;
  readonly logger: NonNullable<ConstructorParameters<typeof ApolloServer>[0]['logger']>;
}

/**
 * Answers GraphQL requests over HTTP.
 *
 * Documents are parsed, checked and validated here (`KnownDocuments`); Apollo Server does what else GraphQL over HTTP
 * needs, and executes by graphql-js. Apollo is not asked about a query that was let through before: a POST with the
 * same text, within the limits whatever its few variables are, with an Accept header that Apollo has negotiated before,
 * all of whose root fields are finished JSON. Such a query is run at once (`runRootFields`). Where that leaves anything
 * to graphql-js, Apollo answers after all, with what was read. Anonymous callers always go through Apollo, where
 * `errorsFor` checks what they may ask for.
 */
export class Endpoint {
  /** Content types of answers, by `Accept` header. */
  readonly #mediaTypes = new LRUCache<string, { readonly preferred: MediaType | null }>({
    max: MAX_ACCEPT_HEADERS,
  });

  private constructor(
    private readonly apollo: ApolloServer<Context>,
    private readonly documents: KnownDocuments,
  ) {}

  /** @param schema its resolvers are wrapped: see `returnRootValues` */
  static async start(
    schema: GraphQLSchema,
    { introspection, mask, logger }: EndpointOptions,
  ): Promise<Endpoint> {
    const documents = new KnownDocuments(schema, introspection);
    const apollo = new ApolloServer<Context>({
      schema: returnRootValues(schema),
      documentStore: documents.store,
      cache: persistedQueries(),
      introspection,
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      executionOptions: { maxCoercionErrors: MAX_ERRORS },
      csrfPrevention: { requestHeaders: PREFLIGHTED_HEADERS },
      logger,
      stringifyResult: (result) =>
        result.data instanceof EncodedData ? bodyOf(result.data) : `${JSON.stringify(result)}\n`,
      formatError: formatError(mask),
      plugins: [
        // It would look at every field of every answer.
        ApolloServerPluginCacheControlDisabled(),
        ApolloServerPluginInlineTraceDisabled(),
        ApolloServerPluginLandingPageDisabled(),
        maskingPlugin(mask, introspection),
        operationPlugin(documents),
      ],
    });
    await apollo.start();
    return new Endpoint(apollo, documents);
  }

  /** @param makeContext called at most once; what it throws is an error of the answer */
  async answer(request: EndpointRequest, makeContext: () => Promise<Context>): Promise<EndpointAnswer> {
    let made: Promise<Context> | undefined;
    const context = (): Promise<Context> => (made ??= makeContext());
    const mediaType = this.#mediaTypeFor(request.headers.accept ?? '');
    if (mediaType === null) {
      throw badRequest(
        `The Accept header takes none of the types of answers: ${MEDIA_TYPES.join(', ')}.`,
        406,
      );
    }
    const known = await this.#answerKnown(request, context);
    if (known !== null) return { status: 200, headers: [['content-type', mediaType]], body: known };
    const {
      status = 200,
      headers,
      body,
    } = await this.apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: apolloRequest(request, mediaType),
      context,
    });
    if (body.kind === 'chunked') throw new Error('Incremental delivery is not served.');
    return { status, headers, body: body.string };
  }

  #mediaTypeFor(accept: string): MediaType | null {
    let known = this.#mediaTypes.get(accept);
    if (known === undefined) {
      known = { preferred: preferredMediaType(accept) };
      this.#mediaTypes.set(accept, known);
    }
    return known.preferred;
  }

  /** The answer to a known operation; null where it is for Apollo to answer. */
  async #answerKnown(request: EndpointRequest, context: () => Promise<Context>): Promise<string | null> {
    const { query, operationName, variables } = plainRequest(request) ?? {};
    if (query === undefined) return null;
    const operation = this.documents.operation(query, operationName);
    if (operation === null) return null;
    const cost = knownCost(operation, variables);
    if (cost === null) return null;
    let made: Context;
    try {
      made = await context();
    } catch {
      return null;
    }
    // What needs no credential is not finished JSON; whether anything else is asked for is looked at by `errorsFor`.
    if (made.viewer.kind === 'anonymous') return null;
    made.log.operation = operation.label;
    made.work.isExpensive = isExpensive(cost);
    try {
      await made.budget.charge(cost);
    } catch {
      return null;
    }
    const data = await runRootFields(operation, variables, made);
    if (data === null) return null;
    return bodyOf(new EncodedData(data));
  }
}

function bodyOf({ json }: EncodedData): string {
  return `{"data":${json}}\n`;
}

/** A request for an operation, as far as nothing about it needs to be checked. */
interface PlainRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
}

/** Null where Apollo has to look at the request: at its form, or at the hash of a persisted query. */
function plainRequest({ method, body }: EndpointRequest): PlainRequest | null {
  // Only JSON becomes an object, which no page of another site can send without a preflight.
  if (method !== 'POST' || !isObject(body)) return null;
  const { query, variables = null, operationName = null, extensions = null } = body;
  if (typeof query !== 'string' || !(operationName === null || typeof operationName === 'string'))
    return null;
  if (!(variables === null || isObject(variables))) return null;
  if (!(extensions === null || (isObject(extensions) && !('persistedQuery' in extensions)))) return null;
  return { query, operationName, variables };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Headers that a page of another site cannot send without a preflight: one of them must be there, where the content type
 * does not show it. Credentials are among them, because no browser sends ours by itself.
 */
const PREFLIGHTED_HEADERS = [
  'x-api-key',
  'authorization',
  'apollo-require-preflight',
  'x-apollo-operation-name',
];

function apolloRequest(
  { method, headers: given, search, body }: EndpointRequest,
  accept: MediaType,
): HTTPGraphQLRequest {
  // Without the header Apollo answers with the first type, and need not negotiate.
  const headers = new HeaderMap(accept === MEDIA_TYPES[0] ? [] : [['accept', accept]]);
  for (const name of ['content-type', ...PREFLIGHTED_HEADERS]) {
    const value = given[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  return { method, headers, search, body };
}
