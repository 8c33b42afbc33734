/** What GraphiQL opens with, a tab each. They need no variables and run as they stand on any data. */
export const FIRST_OPERATIONS = [
  `# Your games, newest first. Ctrl+Enter runs it.
# The icon of a book explains every field.
# Headers, below, say who you are: an API key,
# or { "Authorization": "Bearer …" }.
query Games {
  games(first: 5) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      externalGameId
      platform
      createdAt
      strategy {
        name
        version
      }
    }
  }
}
`,
  `# Only some of your games, in another order.
query Search {
  games(
    first: 10
    filter: {
      externalGameId: { containsInsensitive: "a" }
      not: { platform: { isNull: true } }
    }
    orderBy: [
      { field: PLATFORM }
      { field: EXTERNAL_GAME_ID }
    ]
  ) {
    totalCount
    nodes {
      externalGameId
      platform
    }
  }
}
`,
  `# The newest game with its settings, its tasks
# and who leads: one statement in the database.
query Details {
  games(first: 1) {
    nodes {
      externalGameId
      version
      params {
        key
        value
      }
      tasks(first: 5) {
        totalCount
        nodes {
          externalTaskId
          status
        }
      }
      leaderboard(first: 3) {
        nodes {
          rank
          externalUserId
          points
        }
      }
    }
  }
}
`,
  `# What would happen if all your games on one
# strategy went to another. Nothing is written.
mutation Preview {
  bulkUpdateStrategyId(
    input: {
      oldStrategyId: "default"
      newStrategyId: "socio_bee"
      dryRun: true
    }
  ) {
    count
  }
}
`,
] as const;
