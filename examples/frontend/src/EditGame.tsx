import { CombinedGraphQLErrors } from '@apollo/client';
import { useMutation } from '@apollo/client/react';
import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import type { Game } from './Games';
import { PATCH_GAME } from './operations';
import { StrategySelect } from './StrategySelect';

interface Props {
  game: Game;
  onClose: () => void;
  /** Asks for the games again. */
  onReload: () => void;
}

export function EditGame({ game, onClose, onReload }: Props) {
  const [externalGameId, setExternalGameId] = useState(game.externalGameId ?? '');
  const [platform, setPlatform] = useState(game.platform ?? '');
  const [strategyId, setStrategyId] = useState(game.strategyId ?? null);
  const [patchGame, { error, loading }] = useMutation(PATCH_GAME);

  const problems = problemsOf(error);
  const isConflict = codesOf(error).includes('CONFLICT');

  const save = async (event: SyntheticEvent) => {
    event.preventDefault();
    const input = { id: game.id, expectedVersion: game.version, externalGameId, platform, strategyId };
    // The answer has the game's id, so Apollo's cache shows the change in the table by itself.
    const { data } = await patchGame({ variables: { input } }).catch(() => ({ data: null }));
    if (data?.patchGame) onClose();
  };

  const reload = () => {
    onReload();
    onClose();
  };

  return (
    <Modal opened onClose={onClose} title="Edit game" centered>
      <form onSubmit={(event) => void save(event)}>
        <Stack>
          {error && Object.keys(problems).length === 0 && (
            <Alert color="red" title={isConflict ? 'This was not saved' : undefined}>
              {error.message}
              {isConflict && (
                <Button mt="sm" size="xs" variant="light" color="red" onClick={reload}>
                  Show what is there now
                </Button>
              )}
            </Alert>
          )}
          <TextInput
            label="Name"
            value={externalGameId}
            error={problems['input.externalGameId']}
            onChange={({ currentTarget }) => setExternalGameId(currentTarget.value)}
          />
          <TextInput
            label="Platform"
            value={platform}
            error={problems['input.platform']}
            onChange={({ currentTarget }) => setPlatform(currentTarget.value)}
          />
          <StrategySelect
            label="Strategy"
            value={strategyId}
            error={problems['input.strategyId']}
            onChange={setStrategyId}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={loading}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

const codesOf = (error: unknown): unknown[] =>
  CombinedGraphQLErrors.is(error) ? error.errors.map(({ extensions }) => extensions?.['code']) : [];

/** What is wrong with which argument: BAD_USER_INPUT names them all at once. */
function problemsOf(error: unknown): Record<string, string> {
  if (!CombinedGraphQLErrors.is(error)) return {};
  const problems = error.errors.flatMap(
    ({ extensions }) => (extensions?.['problems'] ?? []) as { argument: string; message: string }[],
  );
  return Object.fromEntries(problems.map(({ argument, message }) => [argument, message]));
}
