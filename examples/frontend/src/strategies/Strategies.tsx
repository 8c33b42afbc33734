import { useQuery } from '@apollo/client/react';
import { Anchor, Badge, EmptyState, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import { graphql } from '../gql';
import { count } from '../shared/format';
import { Failure, ScreenTitle, Waiting } from '../shared/states';
import { strategyLabel } from './StrategySelect';

const STRATEGIES = graphql(`
  query Strategies {
    strategies(first: 100, filter: { status: { eq: PUBLISHED } }) {
      nodes {
        ...StrategyLabel
        kind
        description
        games {
          totalCount
        }
        tasks {
          totalCount
        }
      }
    }
  }
`);

export function Strategies() {
  const { data, error, refetch } = useQuery(STRATEGIES);
  const strategies = data?.strategies?.nodes;
  return (
    <Stack>
      <ScreenTitle tab="Strategies">Strategies</ScreenTitle>
      {error && (
        <Failure error={error} title="The strategies could not be read" onRetry={() => void refetch()} />
      )}
      {!strategies && !error && <Waiting />}
      {strategies?.length === 0 && (
        <EmptyState
          py="xl"
          title="No strategy is published"
          description="Publish one in GAME's editor, then come back."
        />
      )}
      {strategies && strategies.length > 0 && (
        <Paper withBorder>
          <Table verticalSpacing="sm" horizontalSpacing="md">
            <Table.Thead visibleFrom="sm">
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Kind</Table.Th>
                <Table.Th>Your games</Table.Th>
                <Table.Th>Their tasks</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {strategies.map((strategy) => {
                const kind = <Badge>{strategy.kind === 'CUSTOM' ? 'custom' : 'built-in'}</Badge>;
                return (
                  <Table.Tr key={strategy.id}>
                    <Table.Td>
                      <Anchor
                        component={Link}
                        href={`/strategies/${encodeURIComponent(strategy.id)}`}
                        fw={500}
                        style={{ overflowWrap: 'anywhere' }}
                      >
                        {strategyLabel(strategy, strategy.id)}
                      </Anchor>
                      {strategy.description && (
                        <Text size="sm" c="dimmed">
                          {strategy.description}
                        </Text>
                      )}
                      <Group hiddenFrom="sm" gap="xs" mt={4}>
                        {kind}
                        <Text size="sm" c="dimmed">
                          {count(strategy.games.totalCount, 'game')},{' '}
                          {count(strategy.tasks.totalCount, 'task')}
                        </Text>
                      </Group>
                    </Table.Td>
                    <Table.Td visibleFrom="sm">{kind}</Table.Td>
                    <Table.Td visibleFrom="sm">{strategy.games.totalCount}</Table.Td>
                    <Table.Td visibleFrom="sm">{strategy.tasks.totalCount}</Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
    </Stack>
  );
}
