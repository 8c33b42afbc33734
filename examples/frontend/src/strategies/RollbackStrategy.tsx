import { useMutation } from '@apollo/client/react';
import { Button, Group, Stack, Text } from '@mantine/core';
import { useEffect } from 'react';
import { graphql } from '../gql';
import { Dialog } from '../shared/Dialog';
import { count } from '../shared/format';
import { Failure, Waiting } from '../shared/states';

/** With `dryRun` it only counts what would move. */
const ROLLBACK_STRATEGY = graphql(`
  mutation RollbackStrategy($input: RollbackStrategyInput!) {
    rollbackStrategy(input: $input) {
      gameCount
      taskCount
    }
  }
`);

interface Props {
  strategyId: string;
  /** The version that is published. */
  from: string | undefined;
  to: string;
  onClose: () => void;
}

export function RollbackStrategy({ strategyId, from, to, onClose }: Props) {
  const [preview, previewed] = useMutation(ROLLBACK_STRATEGY);
  const [rollBack, { error, loading }] = useMutation(ROLLBACK_STRATEGY, {
    // Other versions have changed than those that the answer could name.
    refetchQueries: ['Strategy'],
    awaitRefetchQueries: true,
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    onCompleted: onClose,
  });
  const input = { strategyId, toVersion: to };
  useEffect(() => {
    preview({ variables: { input: { strategyId, toVersion: to, dryRun: true } } }).catch(() => {});
  }, [preview, strategyId, to]);

  const failure = error ?? previewed.error;
  const moved = previewed.data?.rollbackStrategy;
  return (
    <Dialog onClose={onClose} title={`Roll back to version ${to}?`}>
      <Stack>
        {failure && <Failure error={failure} title="Not rolled back" />}
        {!moved && !failure && <Waiting lines={2} />}
        {moved && (
          <Text size="sm">
            Version {to} is published again{from && `, and version ${from} is archived`}.{' '}
            {count(moved.gameCount, 'game')} and {count(moved.taskCount, 'task')} of all owners move to it. To
            take it back, roll back to {from ? `version ${from}` : 'the other version'}.
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
          <Button
            disabled={!moved || Boolean(failure)}
            loading={loading}
            onClick={() => void rollBack({ variables: { input } }).catch(() => {})}
          >
            Roll back
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
