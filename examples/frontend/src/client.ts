import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { ErrorLink } from '@apollo/client/link/error';
import { relayStylePagination } from '@apollo/client/utilities';
import { codesOf } from './errors';
import { graphql } from './gql';
import { keyLink, retryLink } from './retry';

export const VIEWER = graphql(`
  query Viewer {
    viewer {
      apiKey
      oauthUserId
      isAdmin
    }
  }
`);

/**
 * @param credential an API key, or a bearer token
 * @param onRefused called when the API does not accept the credential
 */
export function createClient(credential: string, onRefused: () => void): ApolloClient {
  const isToken = credential.split('.').length === 3;
  const headers: Record<string, string> = isToken
    ? { authorization: `Bearer ${credential}` }
    : { 'x-api-key': credential };

  const signOut = new ErrorLink(({ error }) => {
    if (codesOf(error).includes('UNAUTHENTICATED')) onRefused();
  });

  return new ApolloClient({
    link: ApolloLink.from([signOut, keyLink, retryLink, new HttpLink({ uri: '/graphql', headers })]),
    cache: new InMemoryCache({
      typePolicies: {
        // Query.games needs none: each page of a table is kept by its own arguments. Tasks grow by "Show more".
        Game: { fields: { tasks: relayStylePagination(['filter', 'orderBy']) } },
      },
    }),
    defaultOptions: {
      // A screen shows at once what is known, and asks again when it is opened: others write too.
      watchQuery: { fetchPolicy: 'cache-and-network', nextFetchPolicy: 'cache-first' },
    },
  });
}
