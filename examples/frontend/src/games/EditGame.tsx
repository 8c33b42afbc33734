import { useApolloClient, useMutation } from '@apollo/client/react';
import { isVersionConflict } from '../errors';
import { graphql } from '../gql';
import type { GameSettingsFragment } from '../gql/graphql';
import { Conflict } from '../shared/Conflict';
import { Dialog } from '../shared/Dialog';
import { paramValues, type Fields } from '../shared/merge';
import { useEdit, type Stored } from '../shared/useEdit';
import { GameForm, type GameValues } from './GameForm';

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

const FIELDS: Fields<GameValues> = [
  ['externalGameId', 'Name'],
  ['platform', 'Platform'],
  ['strategyId', 'Strategy'],
];

interface Props {
  game: GameSettingsFragment;
  onClose: () => void;
}

export function EditGame({ game, onClose }: Props) {
  const client = useApolloClient();
  const { id } = game;
  const [patchGame, { error, loading }] = useMutation(PATCH_GAME, { onCompleted: onClose });
  const { values, setValues, differences, submit, take } = useEdit({
    fields: FIELDS,
    stored: storedOf(game),
    save: (changes) => patchGame({ variables: { input: { id, ...changes } } }),
    readNow: async () => {
      const options = { query: GAME_NOW, variables: { id }, fetchPolicy: 'network-only' } as const;
      const { data } = await client.query(options);
      return data?.game ? storedOf(data.game) : undefined;
    },
  });

  return (
    <Dialog onClose={onClose} title="Edit game">
      <GameForm
        values={values}
        onChange={setValues}
        onSubmit={submit}
        onCancel={onClose}
        submit="Save"
        isLoading={loading}
        error={differences && isVersionConflict(error) ? undefined : error}
      >
        {differences && <Conflict noun="game" differences={differences} onTake={take} />}
      </GameForm>
    </Dialog>
  );
}

const storedOf = (game: GameSettingsFragment): Stored<GameValues> => ({
  version: game.version,
  values: {
    externalGameId: game.externalGameId ?? '',
    platform: game.platform ?? '',
    strategyId: game.strategyId ?? null,
    params: paramValues(game.params),
  },
});
