import type { ApolloCache } from '@apollo/client';

/** Which page of its game's tasks a task is on, only the API knows: they are read again. */
export function forgetTasks(cache: ApolloCache, gameId: string): void {
  cache.evict({ id: cache.identify({ __typename: 'Game', id: gameId }), fieldName: 'tasks' });
}
