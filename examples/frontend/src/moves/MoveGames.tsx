import { useMutation } from '@apollo/client/react';
import {
  Alert,
  Button,
  Checkbox,
  Group,
  NumberInput,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { graphql } from '../gql';
import { gamesAndTasks } from '../shared/format';
import { Failure } from '../shared/states';
import { StrategySelect } from '../strategies/StrategySelect';

/** With `dryRun` it only counts. */
const MOVE_GAMES = graphql(`
  mutation MoveGames($input: BulkUpdateStrategyIdInput!) {
    bulkUpdateStrategyId(input: $input) {
      count
      taskCount
    }
  }
`);

/** Moves the games of one strategy to another, and tasks if wanted: counted first, and then no more than the limit. */
export function MoveGames() {
  const [params] = useSearchParams();
  const [oldStrategyId, setOld] = useState(params.get('from'));
  const [newStrategyId, setNew] = useState<string | null>(null);
  const [tasks, setTasks] = useState(false);
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

  const matching = previewed.data?.bulkUpdateStrategyId;
  const done = moved.data?.bulkUpdateStrategyId;
  const input = { oldStrategyId: oldStrategyId ?? '', newStrategyId: newStrategyId ?? '', tasks };
  const choose =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
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
        <Checkbox
          label="Tasks too"
          description="Those of your games that are on the same strategy"
          checked={tasks}
          onChange={(event) => choose(setTasks)(event.currentTarget.checked)}
        />
        {failure && <Failure error={failure} title="Nothing was moved" />}
        {done && (
          <Alert color="green" role="status">
            {gamesAndTasks(done.count, done.taskCount)} {done.count + done.taskCount === 1 ? 'is' : 'are'}{' '}
            moved. The history has this move.
          </Alert>
        )}
        {!matching ? (
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
              The preview counts, and moves nothing.
            </Text>
          </Group>
        ) : matching.count + matching.taskCount === 0 ? (
          <Alert color="blue" role="status">
            {tasks ? 'No game and no task' : 'No game'} is on this strategy. Choose another one.
          </Alert>
        ) : (
          <>
            <Alert color="blue" role="status">
              {gamesAndTasks(matching.count, matching.taskCount)} would move.
              {!tasks && ' Tasks stay on their own strategies.'}
            </Alert>
            <Group align="flex-end">
              <NumberInput
                label="Move at most"
                description="If more games match by then, nothing moves"
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
                Move {gamesAndTasks(matching.count, matching.taskCount)}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}
