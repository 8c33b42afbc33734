import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { graphql } from '../gql';
import type { GameTasksFragment } from '../gql/graphql';
import { count } from '../shared/format';
import { strategyLabel } from '../strategies/StrategySelect';

graphql(`
  fragment GameTasks on Game {
    tasks(first: 5, after: $moreTasksAfter, orderBy: [{ field: EXTERNAL_TASK_ID }]) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        cursor
        node {
          id
          externalTaskId
          status
          strategyId
          strategy {
            ...StrategyLabel
          }
        }
      }
    }
  }
`);

interface Props {
  game: GameTasksFragment;
  /** Reads the tasks that come after a cursor; Apollo's cache joins them to those that are here. */
  onMore: (after: string | null | undefined) => void;
  isLoading: boolean;
}

export function Tasks({ game: { tasks }, onMore, isLoading }: Props) {
  if (tasks.edges.length === 0) return <Text c="dimmed">No tasks yet. GAME's REST API makes them.</Text>;
  return (
    <Stack gap="sm">
      {tasks.edges.map(({ node }) => (
        <Group key={node.id} justify="space-between" wrap="nowrap">
          <div>
            <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
              {node.externalTaskId}
            </Text>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {strategyLabel(node.strategy, node.strategyId)}
            </Text>
          </div>
          <Badge variant="dot" style={{ flexShrink: 0 }} color={node.status === 'open' ? 'green' : 'gray'}>
            {node.status}
          </Badge>
        </Group>
      ))}
      {tasks.pageInfo.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          loading={isLoading}
          style={{ alignSelf: 'flex-start' }}
          onClick={() => onMore(tasks.pageInfo.endCursor)}
        >
          Show more of {count(tasks.totalCount, 'task')}
        </Button>
      )}
    </Stack>
  );
}
