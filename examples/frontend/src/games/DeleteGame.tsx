import { useMutation } from '@apollo/client/react';
import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { isVersionConflict } from '../errors';
import { graphql } from '../gql';
import type { DeleteGameMutation } from '../gql/graphql';
import { Dialog } from '../shared/Dialog';
import { count } from '../shared/format';
import { Failure, Waiting } from '../shared/states';

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

  const failure = error ?? previewed.error;
  const reload = async () => {
    await onReload();
    reset();
  };
  const deleted = previewed.data?.deleteGame?.deleted;
  return (
    <Dialog onClose={onClose} title={`Delete ${name}?`}>
      <Stack>
        {failure && (
          <Failure
            error={failure}
            title="Not deleted"
            onRetry={isVersionConflict(failure) ? () => void reload() : undefined}
          >
            {isVersionConflict(failure) && 'Somebody else has changed this game. Look at it again first.'}
          </Failure>
        )}
        {!deleted && !failure && <Waiting lines={3} />}
        {deleted && <Deleted deleted={deleted} />}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
          <Button
            color="red.9"
            disabled={!deleted || Boolean(failure)}
            loading={loading}
            onClick={() => void deleteGame({ variables: { input } }).catch(() => {})}
          >
            Delete game
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

function Deleted({ deleted }: Pick<NonNullable<DeleteGameMutation['deleteGame']>, 'deleted'>) {
  const belongings = [
    [deleted.params, 'param'],
    [deleted.tasks, 'task'],
    [deleted.taskParams, 'param of tasks', 'params of tasks'],
    [deleted.userPoints, 'award of points', 'awards of points'],
    [deleted.userGameConfigs, 'setting of users', 'settings of users'],
  ] as const;
  const present = belongings.filter(([n]) => n > 0);
  return (
    <>
      {present.length > 0 ? (
        <>
          <Text size="sm">This goes with the game:</Text>
          <List size="sm">
            {present.map(([n, one, many]) => (
              <List.Item key={one}>{count(n, one, many)}</List.Item>
            ))}
          </List>
        </>
      ) : (
        <Text size="sm">Nothing belongs to the game.</Text>
      )}
      <Text size="sm" fw={500}>
        Nobody can bring it back.
      </Text>
    </>
  );
}
