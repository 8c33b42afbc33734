import { graphql } from './gql';

export const GAMES = graphql(`
  query Games($first: Int, $after: String, $last: Int, $before: String, $filter: GameFilter) {
    games(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        externalGameId
        platform
        strategyId
        createdAt
        version
        strategy {
          id
          name
          version
        }
      }
    }
  }
`);

export const STRATEGIES = graphql(`
  query Strategies {
    strategies(first: 100, filter: { status: { eq: PUBLISHED } }) {
      nodes {
        id
        name
        version
      }
    }
  }
`);

/** Fails with CONFLICT when somebody has changed the game since `expectedVersion` was read. */
export const PATCH_GAME = graphql(`
  mutation PatchGame($input: PatchGameInput!) {
    patchGame(input: $input) {
      game {
        id
        externalGameId
        platform
        strategyId
        version
        strategy {
          id
          name
          version
        }
      }
    }
  }
`);

/** With `dryRun` it only counts. */
export const REASSIGN = graphql(`
  mutation Reassign($input: BulkUpdateStrategyIdInput!) {
    bulkUpdateStrategyId(input: $input) {
      count
      reassignment {
        id
      }
    }
  }
`);

export const UNDO = graphql(`
  mutation Undo($id: ID!) {
    undoStrategyReassignment(input: { id: $id }) {
      restored
      skipped
    }
  }
`);
