import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import { LRUCache } from 'lru-cache';

/** Maximum length, in characters, of the texts of persisted queries. */
const MAX_LENGTH = 5_000_000;

/** Texts of persisted queries by their hashes: the most recently used ones, as a cache of Apollo Server. */
export function persistedQueries(): NonNullable<ApolloServerOptions<BaseContext>['cache']> {
  const texts = new LRUCache<string, string>({
    maxSize: MAX_LENGTH,
    sizeCalculation: (text) => text.length + 1,
  });
  return {
    get: (key) => Promise.resolve(texts.get(key)),
    set: (key, text) => {
      texts.set(key, text);
      return Promise.resolve();
    },
    delete: (key) => Promise.resolve(texts.delete(key)),
  };
}
