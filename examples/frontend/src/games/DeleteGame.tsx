import { useMutation } from '@apollo/client/react';
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { graphql } from '../gql';
import { DeleteDialog } from '../shared/DeleteDialog';

/** With `dryRun` it only counts what would go. */
const DELETE_GAME = graphql(`
  mutation DeleteGame($input: DeleteGameInput!) {
    deleteGame(input: $input) {
      deletedGameId
      deleted {
        params
        tasks
        taskParams
        userPoints
        userGameConfigs
      }
    }
  }
`);

interface Props {
  id: string;
  name: string;
  /** What is deleted is the game that was seen. */
  version: string;
  /** Reads the game again. */
  onReload: () => Promise<unknown>;
  onClose: () => void;
}

export function DeleteGame({ id, name, version, onReload, onClose }: Props) {
  const [, navigate] = useLocation();
  const [preview, previewed] = useMutation(DELETE_GAME);
  const [deleteGame, { error, loading, reset }] = useMutation(DELETE_GAME, {
    update: (cache) => {
      cache.evict({ id: cache.identify({ __typename: 'Game', id }) });
      cache.evict({ fieldName: 'games' });
      cache.gc();
    },
    onCompleted: () => navigate('/'),
  });
  const input = { id, expectedVersion: version };
  useEffect(() => {
    preview({ variables: { input: { id, expectedVersion: version, dryRun: true } } }).catch(() => {});
  }, [preview, id, version]);

  const reload = async () => {
    await onReload();
    reset();
  };
  const deleted = previewed.data?.deleteGame?.deleted;
  return (
    <DeleteDialog
      noun="game"
      name={name}
      belongings={
        deleted && [
          [deleted.params, 'param'],
          [deleted.tasks, 'task'],
          [deleted.taskParams, 'param of tasks', 'params of tasks'],
          [deleted.userPoints, 'award of points', 'awards of points'],
          [deleted.userGameConfigs, 'setting of users', 'settings of users'],
        ]
      }
      error={error ?? previewed.error}
      isLoading={loading}
      onDelete={() => void deleteGame({ variables: { input } }).catch(() => {})}
      onReload={() => void reload()}
      onClose={onClose}
    />
  );
}
