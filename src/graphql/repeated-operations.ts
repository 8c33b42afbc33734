import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Request } from './execution.js';

/** Most documents that are known by their texts, and most characters of these. */
const MAX_DOCUMENTS = 1_000;
const MAX_TEXTS_LENGTH = 2_000_000;
/** Most operations of one document: names that requests give. */
const MAX_NAMES = 10;
/** Most `accept` headers whose content type is known. */
const MAX_ACCEPTED = 100;

/** An HTTP request, as far as it decides what is run. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: { readonly accept?: string | undefined };
  readonly body: unknown;
}

/** An operation that needs no further check. */
export interface RepeatedOperation extends Omit<Request, 'context'> {
  /** As the log names it. */
  readonly logName: string;
  /** Of the answer, when it has no errors. */
  readonly contentType: string;
}

interface Known {
  readonly document: DocumentNode;
  /** What the log calls the operations that passed all checks, by the names that requests gave. */
  readonly logNames: Map<string | null, string>;
}

/**
 * Operations that Apollo Server has checked and answered before, so that it need not be asked again: the same text,
 * validated, within the limits whatever its variables are, wanted in a form that Apollo has answered. Anything else,
 * and every answer with errors, is Apollo's.
 *
 * An operation is known once it was answered three times: documents are kept from the second (see `documentStore`).
 */
export class RepeatedOperations {
  readonly #answered = new WeakSet<DocumentNode>();
  readonly #known = new LRUCache<string, Known>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_TEXTS_LENGTH,
    sizeCalculation: (_known, text) => text.length + 1,
  });
  readonly #contentTypes = new LRUCache<string, string>({ max: MAX_ACCEPTED });

  /** Notes that Apollo lets this operation pass, and will whatever its variables are. */
  pass(text: string, document: DocumentNode, operationName: string | null, logName: string): void {
    if (!this.#answered.has(document)) {
      this.#answered.add(document);
      return;
    }
    let known = this.#known.get(text);
    if (known?.document !== document) {
      known = { document, logNames: new Map() };
      this.#known.set(text, known);
    }
    if (known.logNames.size < MAX_NAMES) known.logNames.set(operationName, logName);
  }

  /** Notes what content type Apollo chose for an answer without errors. */
  accept(accept: string | undefined, contentType: string | undefined): void {
    if (contentType !== undefined) this.#contentTypes.set(accept ?? '', contentType);
  }

  /** The operation of this request, where it is known; null sends it to Apollo. */
  find({ method, headers, body }: HttpRequest): RepeatedOperation | null {
    // Only JSON becomes an object, which no page of another site can send unasked.
    if (method !== 'POST' || !isObject(body)) return null;
    const { query, variables = null, operationName = null, extensions = null } = body;
    if (typeof query !== 'string' || !(operationName === null || typeof operationName === 'string'))
      return null;
    if (!(variables === null || isObject(variables))) return null;
    if (!(extensions === null || (isObject(extensions) && !('persistedQuery' in extensions)))) return null;
    const known = this.#known.get(query);
    const logName = known?.logNames.get(operationName);
    const contentType = this.#contentTypes.get(headers.accept ?? '');
    if (known === undefined || logName === undefined || contentType === undefined) return null;
    return {
      document: known.document,
      operationName,
      variables,
      logName,
      contentType,
    };
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
