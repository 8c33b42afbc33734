import { useQuery } from '@apollo/client/react';
import { Badge, Button, EmptyState, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../gql';
import type { MoveFragment } from '../gql/graphql';
import { gamesAndTasks, time } from '../shared/format';
import { Pages, usePage } from '../shared/Pages';
import { Failure, ScreenTitle, Waiting } from '../shared/states';
import { strategyLabel } from '../strategies/StrategySelect';
import { MoveGames } from './MoveGames';
import { UndoMove } from './UndoMove';

const MOVES = graphql(`
  query Moves($first: Int, $after: String, $last: Int, $before: String) {
    strategyReassignments(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo {
        ...Page
      }
      nodes {
        ...Move
      }
    }
  }

  fragment Move on StrategyReassignment {
    id
    kind
    createdAt
    oldStrategyId
    newStrategyId
    count
    taskCount
    undoneAt
    undoes {
      id
      createdAt
    }
  }
`);

/** The names of the strategies that the moves tell the ids of, archived ones included. */
const STRATEGY_NAMES = graphql(`
  query StrategyNames($ids: [ID!]!) {
    nodes(ids: $ids) {
      ...StrategyLabel
    }
  }
`);

/** Moves of games between strategies: a new one, and those that were made. */
export function Moves() {
  const at = usePage(10);
  const { data, previousData, error, loading, refetch } = useQuery(MOVES, { variables: at.variables });
  const moves = (data ?? previousData)?.strategyReassignments;
  const [undoing, setUndoing] = useState<MoveFragment | null>(null);

  const ids = [...new Set(moves?.nodes.flatMap((move) => [move.oldStrategyId, move.newStrategyId]))].sort();
  const named = useQuery(STRATEGY_NAMES, { variables: { ids }, skip: ids.length === 0 });
  const names = new Map(
    (named.data ?? named.previousData)?.nodes.flatMap((node) =>
      node?.__typename === 'Strategy' ? [[node.id, strategyLabel(node, node.id)]] : [],
    ),
  );
  const nameOf = (id: string) => names.get(id) ?? id;

  return (
    <Stack gap="lg">
      <ScreenTitle tab="Moves">Moves between strategies</ScreenTitle>
      <MoveGames />
      <Stack component="section" aria-label="History">
        <Title order={2} size="h4">
          History
        </Title>
        {error && (
          <Failure error={error} title="The history could not be read" onRetry={() => void refetch()} />
        )}
        {!moves && !error && <Waiting lines={3} />}
        {moves?.nodes.length === 0 && (
          <EmptyState
            title="No moves yet"
            description="A move of games appears here. You can take it back here, too."
          />
        )}
        {moves && moves.nodes.length > 0 && (
          <div>
            <Paper withBorder>
              <Table verticalSpacing="sm" horizontalSpacing="md">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Move</Table.Th>
                    <Table.Th visibleFrom="sm">When</Table.Th>
                    <Table.Th>State</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {moves.nodes.map((move) => (
                    <Table.Tr key={move.id}>
                      <Table.Td style={{ overflowWrap: 'anywhere' }}>
                        <Text size="sm" fw={500}>
                          {gamesAndTasks(move.count, move.taskCount)}
                          {move.kind === 'UNDO' && ' back'}
                          {move.kind === 'ROLLBACK' && ' by a rollback'}
                        </Text>
                        <Text size="sm">
                          {nameOf(move.oldStrategyId)} → {nameOf(move.newStrategyId)}
                        </Text>
                        <Text size="sm" c="dimmed" hiddenFrom="sm">
                          {time(move.createdAt)}
                        </Text>
                      </Table.Td>
                      <Table.Td visibleFrom="sm">{time(move.createdAt)}</Table.Td>
                      <Table.Td>
                        <State move={move} onUndo={() => setUndoing(move)} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Paper>
            <Pages
              of="moves"
              at={at}
              shown={moves.nodes.length}
              connection={moves}
              isLoading={loading && !data}
            />
          </div>
        )}
      </Stack>
      {undoing && (
        <UndoMove
          move={undoing}
          from={nameOf(undoing.newStrategyId)}
          to={nameOf(undoing.oldStrategyId)}
          onClose={() => setUndoing(null)}
        />
      )}
    </Stack>
  );
}

function State({ move, onUndo }: { move: MoveFragment; onUndo: () => void }) {
  if (move.undoneAt) return <Badge>taken back</Badge>;
  if (move.kind === 'ROLLBACK') return <Text size="sm">Roll the strategy back instead</Text>;
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={onUndo}>
        Undo
      </Button>
    </Group>
  );
}
