import { useApolloClient, useMutation } from '@apollo/client/react';
import { Alert, Button, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { isVersionConflict } from '../errors';
import { graphql } from '../gql';
import type { GameSettingsFragment } from '../gql/graphql';
import { Dialog } from '../shared/Dialog';
import { GameForm, type GameValues } from './GameForm';
import { changesOf, merge, type Difference } from './merge';

/** The answer has the id of the game, so Apollo's cache shows the change on every screen. */
const PATCH_GAME = graphql(`
  mutation PatchGame($input: PatchGameInput!) {
    patchGame(input: $input) {
      game {
        ...GameSettings
      }
    }
  }
`);

const GAME_NOW = graphql(`
  query GameNow($id: ID!) {
    game(id: $id) {
      ...GameSettings
    }
  }
`);

interface Props {
  game: GameSettingsFragment;
  onClose: () => void;
}

export function EditGame({ game, onClose }: Props) {
  const client = useApolloClient();
  // What the changes are made to: what was read, with its version.
  const [read, setRead] = useState(game);
  const [values, setValues] = useState(() => valuesOf(game));
  const [differences, setDifferences] = useState<Difference[] | null>(null);
  const [patchGame, { error, loading }] = useMutation(PATCH_GAME, { onCompleted: onClose });

  const save = async () => {
    const input = { id: game.id, expectedVersion: read.version, ...changesOf(valuesOf(read), values) };
    try {
      await patchGame({ variables: { input } });
    } catch (refusal) {
      // The hook holds the error; a conflict needs what is stored now.
      if (!isVersionConflict(refusal)) return;
      const { data } = await client
        .query({ query: GAME_NOW, variables: { id: game.id }, fetchPolicy: 'network-only' })
        .catch(() => ({ data: undefined }));
      if (!data?.game) return;
      const merged = merge(valuesOf(read), values, valuesOf(data.game));
      setRead(data.game);
      setValues(merged.values);
      setDifferences(merged.differences);
    }
  };

  return (
    <Dialog onClose={onClose} title="Edit game">
      <GameForm
        values={values}
        onChange={setValues}
        onSubmit={() => void save()}
        onCancel={onClose}
        submit="Save"
        isLoading={loading}
        error={differences && isVersionConflict(error) ? undefined : error}
      >
        {differences && (
          <Conflict
            differences={differences}
            onTake={(difference) => {
              setValues(difference.take);
              setDifferences(differences.filter((other) => other !== difference));
            }}
          />
        )}
      </GameForm>
    </Dialog>
  );
}

interface ConflictProps {
  differences: Difference[];
  onTake: (difference: Difference) => void;
}

/** What somebody else has stored beside what was typed here. */
function Conflict({ differences, onTake }: ConflictProps) {
  return (
    <Alert color="yellow" title="Not saved yet: somebody else has changed this game">
      {differences.length === 0 ? (
        <Text size="sm">Their changes are in the form, with yours. Save again to store yours.</Text>
      ) : (
        <Stack gap="xs">
          <Text size="sm">
            Your text is still in the form. Save again to store it, or use what is there now.
          </Text>
          {differences.map((difference) => (
            <Table
              key={difference.label}
              variant="vertical"
              layout="fixed"
              aria-label={`${difference.label}, now and yours`}
            >
              <Table.Tbody>
                <Table.Tr>
                  <Table.Th w={90}>{difference.label}</Table.Th>
                  <Table.Td>
                    <Button size="compact-xs" variant="default" onClick={() => onTake(difference)}>
                      Use what is there now
                    </Button>
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th>Now</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{difference.now ?? 'removed'}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th>Yours</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{difference.yours}</Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
          ))}
        </Stack>
      )}
    </Alert>
  );
}

const valuesOf = (game: GameSettingsFragment): GameValues => ({
  externalGameId: game.externalGameId ?? '',
  platform: game.platform ?? '',
  strategyId: game.strategyId ?? null,
  params: game.params.map(({ id, key, value }) => ({ id, row: id, key: key ?? '', value: value ?? '' })),
});
