import { useMutation } from '@apollo/client/react';
import { Button, Group, Stack, Text } from '@mantine/core';
import { useEffect } from 'react';
import { graphql } from '../gql';
import type { MoveFragment } from '../gql/graphql';
import { Dialog } from '../shared/Dialog';
import { gamesAndTasks } from '../shared/format';
import { Failure, Waiting } from '../shared/states';

/** With `dryRun` it only counts. */
const UNDO_MOVE = graphql(`
  mutation UndoMove($input: UndoStrategyReassignmentInput!) {
    undoStrategyReassignment(input: $input) {
      restored
      skipped
      restoredTasks
      skippedTasks
      undone {
        id
        undoneAt
      }
    }
  }
`);

interface Props {
  move: MoveFragment;
  /** Names of strategies. */
  from: string;
  to: string;
  onClose: () => void;
}

export function UndoMove({ move, from, to, onClose }: Props) {
  const [preview, previewed] = useMutation(UNDO_MOVE);
  const counted = previewed.data?.undoStrategyReassignment;
  const [undo, { error, loading }] = useMutation(UNDO_MOVE, {
    // The preview has told what the answer will be, so the history shows it at once. If the API refuses, Apollo takes it back.
    optimisticResponse: {
      undoStrategyReassignment: {
        __typename: 'UndoStrategyReassignmentPayload',
        restored: counted?.restored ?? 0,
        skipped: counted?.skipped ?? 0,
        restoredTasks: counted?.restoredTasks ?? 0,
        skippedTasks: counted?.skippedTasks ?? 0,
        undone: { __typename: 'StrategyReassignment', id: move.id, undoneAt: new Date().toISOString() },
      },
    },
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    // The undo is a move of its own.
    refetchQueries: ['Moves'],
    onCompleted: onClose,
  });
  const { id } = move;
  useEffect(() => {
    preview({ variables: { input: { id, dryRun: true } } }).catch(() => {});
  }, [preview, id]);

  const failure = error ?? previewed.error;
  return (
    <Dialog onClose={onClose} title="Undo this move?">
      <Stack>
        {failure && <Failure error={failure} title="Not undone" />}
        {!counted && !failure && <Waiting lines={2} />}
        {counted && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {gamesAndTasks(counted.restored, counted.restoredTasks)} would go back from {from} to {to}.
            {counted.skipped + counted.skippedTasks > 0 &&
              ` ${gamesAndTasks(counted.skipped, counted.skippedTasks)} moved elsewhere since or are gone, and stay.`}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
          <Button
            disabled={!counted || Boolean(failure)}
            loading={loading}
            onClick={() => void undo({ variables: { input: { id } } }).catch(() => {})}
          >
            Undo the move
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
