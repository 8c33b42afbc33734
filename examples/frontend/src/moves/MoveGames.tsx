import { useMutation } from '@apollo/client/react';
import { Alert, Button, Group, NumberInput, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { graphql } from '../gql';
import { count } from '../shared/format';
import { Failure } from '../shared/states';
import { StrategySelect } from '../strategies/StrategySelect';

/** With `dryRun` it only counts. */
const MOVE_GAMES = graphql(`
  mutation MoveGames($input: BulkUpdateStrategyIdInput!) {
    bulkUpdateStrategyId(input: $input) {
      count
    }
  }
`);

/** Moves the games of one strategy to another: counted first, and then no more than the limit. */
export function MoveGames() {
  const [params] = useSearchParams();
  const [oldStrategyId, setOld] = useState(params.get('from'));
  const [newStrategyId, setNew] = useState<string | null>(null);
  const [limit, setLimit] = useState(0);
  const [preview, previewed] = useMutation(MOVE_GAMES, {
    onCompleted: (data) => setLimit(data.bulkUpdateStrategyId?.count ?? 0),
  });
  const [move, moved] = useMutation(MOVE_GAMES, {
    // Any list may have games that moved: none is kept. The history is on this screen, and is read again.
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    refetchQueries: ['Moves'],
    onCompleted: () => previewed.reset(),
  });

  const matching = previewed.data?.bulkUpdateStrategyId?.count;
  const movedCount = moved.data?.bulkUpdateStrategyId?.count;
  const input = { oldStrategyId: oldStrategyId ?? '', newStrategyId: newStrategyId ?? '' };
  const choose = (set: (id: string | null) => void) => (id: string | null) => {
    set(id);
    previewed.reset();
    moved.reset();
  };
  const failure = moved.error ?? previewed.error;

  return (
    <Paper component="section" aria-label="Move games" withBorder p="md">
      <Stack>
        <Title order={2} size="h4">
          Move games
        </Title>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <StrategySelect
            label="From"
            none="Choose a strategy"
            status={['PUBLISHED', 'ARCHIVED']}
            value={oldStrategyId}
            onChange={choose(setOld)}
          />
          <StrategySelect
            label="To"
            none="Choose a strategy"
            status={['PUBLISHED']}
            value={newStrategyId}
            onChange={choose(setNew)}
          />
        </SimpleGrid>
        {failure && <Failure error={failure} title="Nothing was moved" />}
        {movedCount !== undefined && (
          <Alert color="green" role="status">
            {movedCount === 1 ? '1 game is' : `${movedCount.toLocaleString()} games are`} moved. The history
            has this move.
          </Alert>
        )}
        {matching === undefined ? (
          <Group>
            <Button
              disabled={oldStrategyId === null || newStrategyId === null}
              loading={previewed.loading}
              onClick={() => {
                moved.reset();
                preview({ variables: { input: { ...input, dryRun: true } } }).catch(() => {});
              }}
            >
              Preview
            </Button>
            <Text size="sm" c="dimmed">
              The preview counts the games and moves none.
            </Text>
          </Group>
        ) : matching === 0 ? (
          <Alert color="blue" role="status">
            No game is on this strategy. Choose another one.
          </Alert>
        ) : (
          <>
            <Alert color="blue" role="status">
              {count(matching, 'game')} would move. Tasks stay on their own strategies.
            </Alert>
            <Group align="flex-end">
              <NumberInput
                label="Move at most"
                description="If more games match by then, none moves"
                min={0}
                allowDecimal={false}
                value={limit}
                onChange={(value) => setLimit(Number(value))}
              />
              <Button
                loading={moved.loading}
                onClick={() =>
                  void move({ variables: { input: { ...input, atMost: limit } } }).catch(() => {})
                }
              >
                Move {count(matching, 'game')}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}
