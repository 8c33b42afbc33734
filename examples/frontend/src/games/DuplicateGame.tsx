import { useMutation } from '@apollo/client/react';
import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { useLocation } from 'wouter';
import { messageOf, problemsOf } from '../errors';
import { graphql } from '../gql';
import { Dialog } from '../shared/Dialog';

const DUPLICATE_GAME = graphql(`
  mutation DuplicateGame($input: DuplicateGameInput!) {
    duplicateGame(input: $input) {
      game {
        id
      }
    }
  }
`);

const LONGEST_NAME = 60;

interface Props {
  id: string;
  name: string;
  onClose: () => void;
}

export function DuplicateGame({ id, name, onClose }: Props) {
  const [, navigate] = useLocation();
  const [externalGameId, setExternalGameId] = useState(`${name.slice(0, LONGEST_NAME - 5)}-copy`);
  const [duplicateGame, { error, loading }] = useMutation(DUPLICATE_GAME, {
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    onCompleted: ({ duplicateGame }) => duplicateGame?.game && navigate(`/games/${duplicateGame.game.id}`),
  });
  const problem = problemsOf(error)['input.externalGameId'];

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    duplicateGame({ variables: { input: { id, externalGameId } } }).catch(() => {});
  };

  return (
    <Dialog onClose={onClose} title="Duplicate game">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">
            The copy has the params and the tasks. It has no points, and its tasks are open.
          </Text>
          {error && !problem && (
            <Alert color="red" title="Not copied">
              {messageOf(error)}
            </Alert>
          )}
          <TextInput
            label="Name of the copy"
            description="3 to 60 letters, digits, _ or -"
            required
            data-autofocus
            value={externalGameId}
            error={problem}
            onChange={({ currentTarget }) => setExternalGameId(currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={loading}>
              Duplicate
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
