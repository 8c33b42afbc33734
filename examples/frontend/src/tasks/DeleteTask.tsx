import { useMutation } from '@apollo/client/react';
import { useEffect } from 'react';
import { graphql } from '../gql';
import type { TaskSettingsFragment } from '../gql/graphql';
import { DeleteDialog } from '../shared/DeleteDialog';
import { forgetTasks } from './forgetTasks';

/** With `dryRun` it only counts what would go. */
const DELETE_TASK = graphql(`
  mutation DeleteTask($input: DeleteTaskInput!) {
    deleteTask(input: $input) {
      deletedTaskId
      deleted {
        params
        userPoints
      }
    }
  }
`);

interface Props {
  /** What is deleted is the task that was seen. */
  task: TaskSettingsFragment;
  gameId: string;
  /** Reads the task again. */
  onReload: () => Promise<unknown>;
  onClose: () => void;
}

export function DeleteTask({ task: { id, externalTaskId, version }, gameId, onReload, onClose }: Props) {
  const [preview, previewed] = useMutation(DELETE_TASK);
  const [deleteTask, { error, loading, reset }] = useMutation(DELETE_TASK, {
    // Its points leave the leaderboard of the game, too.
    update: (cache) => {
      forgetTasks(cache, gameId);
      cache.evict({ id: cache.identify({ __typename: 'Game', id: gameId }), fieldName: 'leaderboard' });
      cache.evict({ id: cache.identify({ __typename: 'Task', id }) });
    },
    onCompleted: onClose,
  });
  useEffect(() => {
    preview({ variables: { input: { id, expectedVersion: version, dryRun: true } } }).catch(() => {});
  }, [preview, id, version]);

  const reload = async () => {
    await onReload();
    reset();
  };
  const deleted = previewed.data?.deleteTask?.deleted;
  return (
    <DeleteDialog
      noun="task"
      name={externalTaskId}
      belongings={
        deleted && [
          [deleted.params, 'param'],
          [deleted.userPoints, 'award of points', 'awards of points'],
        ]
      }
      error={error ?? previewed.error}
      isLoading={loading}
      onDelete={() =>
        void deleteTask({ variables: { input: { id, expectedVersion: version } } }).catch(() => {})
      }
      onReload={() => void reload()}
      onClose={onClose}
    />
  );
}
