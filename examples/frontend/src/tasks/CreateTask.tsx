import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { graphql } from '../gql';
import { Dialog } from '../shared/Dialog';
import { newParams } from '../shared/merge';
import { forgetTasks } from './forgetTasks';
import { TaskForm, type TaskValues } from './TaskForm';

const CREATE_TASK = graphql(`
  mutation CreateTask($input: CreateTaskInput!) {
    createTask(input: $input) {
      task {
        id
      }
    }
  }
`);

const EMPTY: TaskValues = { externalTaskId: '', status: 'open', strategyId: 'default', params: [] };

export function CreateTask({ gameId, onClose }: { gameId: string; onClose: () => void }) {
  const [values, setValues] = useState(EMPTY);
  const [createTask, { error, loading }] = useMutation(CREATE_TASK, {
    update: (cache) => forgetTasks(cache, gameId),
    onCompleted: onClose,
  });

  const create = () => {
    const input = { ...values, gameId, params: newParams(values.params) };
    // The hook holds the error.
    createTask({ variables: { input } }).catch(() => {});
  };

  return (
    <Dialog onClose={onClose} title="New task">
      <TaskForm
        values={values}
        onChange={setValues}
        onSubmit={create}
        onCancel={onClose}
        submit="Create task"
        isLoading={loading}
        error={error}
      />
    </Dialog>
  );
}
