import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { graphql } from '../gql';
import { Dialog } from '../shared/Dialog';
import { newParams } from '../shared/merge';
import { GameForm, type GameValues } from './GameForm';

const CREATE_GAME = graphql(`
  mutation CreateGame($input: CreateGameInput!) {
    createGame(input: $input) {
      game {
        id
      }
    }
  }
`);

const EMPTY: GameValues = { externalGameId: '', platform: '', strategyId: 'default', params: [] };

export function CreateGame({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  const [values, setValues] = useState(EMPTY);
  const [createGame, { error, loading }] = useMutation(CREATE_GAME, {
    // Which pages the game is on depends on their filters and orders: they are read again when they are needed.
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    onCompleted: ({ createGame }) => createGame?.game && navigate(`/games/${createGame.game.id}`),
  });

  const create = () => {
    // The hook holds the error.
    createGame({ variables: { input: { ...values, params: newParams(values.params) } } }).catch(() => {});
  };

  return (
    <Dialog onClose={onClose} title="New game">
      <GameForm
        values={values}
        onChange={setValues}
        onSubmit={create}
        onCancel={onClose}
        submit="Create game"
        isLoading={loading}
        error={error}
      />
    </Dialog>
  );
}
