import { useMutation } from '@apollo/client/react';
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { REASSIGN, UNDO } from './operations';
import { StrategySelect } from './StrategySelect';

interface Props {
  onClose: () => void;
  /** Called whenever games have moved. */
  onMoved: () => void;
}

/** Moves all games of one strategy to another: first counted, then moved, then perhaps taken back. */
export function Reassign({ onClose, onMoved }: Props) {
  const [oldStrategyId, setOld] = useState<string | null>(null);
  const [newStrategyId, setNew] = useState<string | null>(null);
  const [preview, previewed] = useMutation(REASSIGN);
  const [move, moved] = useMutation(REASSIGN);
  const [undo, undone] = useMutation(UNDO);

  const count = previewed.data?.bulkUpdateStrategyId?.count;
  const reassignment = moved.data?.bulkUpdateStrategyId?.reassignment;
  const error = previewed.error ?? moved.error ?? undone.error;
  const choose = (set: (id: string | null) => void) => (id: string | null) => {
    set(id);
    previewed.reset();
  };

  const input = { oldStrategyId: oldStrategyId ?? '', newStrategyId: newStrategyId ?? '' };
  const isChosen = oldStrategyId !== null && newStrategyId !== null;
  const ignore = () => {}; // The hooks hold the error.

  return (
    <Modal opened onClose={onClose} title="Move games to another strategy" centered>
      <Stack>
        <StrategySelect
          label="From"
          value={oldStrategyId}
          onChange={choose(setOld)}
          disabled={moved.called}
        />
        <StrategySelect label="To" value={newStrategyId} onChange={choose(setNew)} disabled={moved.called} />
        {error && <Alert color="red">{error.message}</Alert>}
        {count !== undefined && !moved.data && (
          <Alert color="blue">{count === 1 ? '1 game would move.' : `${count} games would move.`}</Alert>
        )}
        {moved.data && !undone.data && (
          <Alert color="green">
            <Group justify="space-between">
              <Text size="sm">{moved.data.bulkUpdateStrategyId?.count} moved.</Text>
              {reassignment && (
                <Button
                  size="xs"
                  variant="light"
                  color="green"
                  loading={undone.loading}
                  onClick={() => void undo({ variables: { id: reassignment.id } }).then(onMoved, ignore)}
                >
                  Undo
                </Button>
              )}
            </Group>
          </Alert>
        )}
        {undone.data && (
          <Alert color="gray">
            {undone.data.undoStrategyReassignment?.restored} are back
            {undone.data.undoStrategyReassignment?.skipped
              ? `, ${undone.data.undoStrategyReassignment.skipped} have moved on since.`
              : '.'}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          {!moved.data &&
            (count === undefined ? (
              <Button
                disabled={!isChosen}
                loading={previewed.loading}
                onClick={() =>
                  void preview({ variables: { input: { ...input, dryRun: true } } }).catch(ignore)
                }
              >
                Preview
              </Button>
            ) : (
              <Button
                disabled={count === 0}
                loading={moved.loading}
                // No more than were shown: if others have joined them since, nothing moves.
                onClick={() =>
                  void move({ variables: { input: { ...input, atMost: count } } }).then(onMoved, ignore)
                }
              >
                Move {count}
              </Button>
            ))}
        </Group>
      </Stack>
    </Modal>
  );
}
