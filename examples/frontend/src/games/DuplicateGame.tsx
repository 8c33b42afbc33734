import { useMutation } from '@apollo/client/react';
import { useLocation } from 'wouter';
import { graphql } from '../gql';
import { CopyDialog } from '../shared/CopyDialog';

const DUPLICATE_GAME = graphql(`
  mutation DuplicateGame($input: DuplicateGameInput!) {
    duplicateGame(input: $input) {
      game {
        id
      }
    }
  }
`);

interface Props {
  id: string;
  name: string;
  onClose: () => void;
}

export function DuplicateGame({ id, name, onClose }: Props) {
  const [, navigate] = useLocation();
  const [duplicateGame, { error, loading }] = useMutation(DUPLICATE_GAME, {
    update: (cache) => void cache.evict({ fieldName: 'games' }),
    onCompleted: ({ duplicateGame }) => duplicateGame?.game && navigate(`/games/${duplicateGame.game.id}`),
  });

  return (
    <CopyDialog
      title="Duplicate game"
      text="The copy has the params and the tasks. It has no points, and its tasks are open."
      argument="input.externalGameId"
      name={name}
      maxLength={60}
      description="3 to 60 letters, digits, _ or -"
      error={error}
      isLoading={loading}
      onCopy={(externalGameId) => {
        duplicateGame({ variables: { input: { id, externalGameId } } }).catch(() => {});
      }}
      onClose={onClose}
    />
  );
}
