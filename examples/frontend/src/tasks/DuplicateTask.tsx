import { useMutation } from '@apollo/client/react';
import { graphql } from '../gql';
import { CopyDialog } from '../shared/CopyDialog';
import { forgetTasks } from './forgetTasks';

const DUPLICATE_TASK = graphql(`
  mutation DuplicateTask($input: DuplicateTaskInput!) {
    duplicateTask(input: $input) {
      task {
        id
      }
    }
  }
`);

interface Props {
  id: string;
  name: string;
  gameId: string;
  onClose: () => void;
}

export function DuplicateTask({ id, name, gameId, onClose }: Props) {
  const [duplicateTask, { error, loading }] = useMutation(DUPLICATE_TASK, {
    update: (cache) => forgetTasks(cache, gameId),
    onCompleted: onClose,
  });

  return (
    <CopyDialog
      title="Duplicate task"
      text="The copy has the params. It has no points, and it is open."
      argument="input.externalTaskId"
      name={name}
      maxLength={200}
      description="1 to 200 characters, once in the game"
      error={error}
      isLoading={loading}
      onCopy={(externalTaskId) => {
        duplicateTask({ variables: { input: { id, externalTaskId } } }).catch(() => {});
      }}
      onClose={onClose}
    />
  );
}
