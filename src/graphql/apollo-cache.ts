import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

type Cache = NonNullable<ApolloServerOptions<BaseContext>['cache']>;
type DocumentStore = NonNullable<ApolloServerOptions<BaseContext>['documentStore']>;

/** Most documents that are kept parsed and validated, and most characters of them: with their plans they take more. */
const MAX_DOCUMENTS = 1_000;
const MAX_DOCUMENTS_LENGTH = 2_000_000;
/** Most documents of which is known that they were sent before. */
const MAX_SEEN = 10_000;
/** Most characters of the texts of persisted queries. */
const MAX_PERSISTED_LENGTH = 5_000_000;

/**
 * Parsed documents, the most recently used ones; kept from the second time on that they are sent. Those that are
 * never sent again then die young, where memory is reclaimed at once, not in the old heap, where they would be
 * collected in hundreds of MB.
 */
export function documentStore(): DocumentStore {
  const documents = new LRUCache<string, DocumentNode>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_DOCUMENTS_LENGTH,
    sizeCalculation: ({ loc }) => (loc?.end ?? MAX_DOCUMENTS_LENGTH) + 1,
  });
  const seen = new LRUCache<string, true>({ max: MAX_SEEN });
  const cache = keyValueCache(documents);
  return {
    ...cache,
    set: (key, document) => {
      if (seen.has(key)) return cache.set(key, document);
      seen.set(key, true);
      return Promise.resolve();
    },
  };
}

/** Texts of persisted queries, by their hashes: those of the most recently used ones. */
export function persistedQueries(): Cache {
  const texts = new LRUCache<string, string>({
    maxSize: MAX_PERSISTED_LENGTH,
    sizeCalculation: (text) => text.length + 1,
  });
  return keyValueCache(texts);
}

/** An LRU cache as Apollo wants to use it. */
function keyValueCache<Value extends object | string>(
  cache: LRUCache<string, Value>,
): {
  get(key: string): Promise<Value | undefined>;
  set(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<boolean>;
} {
  return {
    get: (key) => Promise.resolve(cache.get(key)),
    set: (key, value) => {
      cache.set(key, value);
      return Promise.resolve();
    },
    delete: (key) => Promise.resolve(cache.delete(key)),
  };
}
