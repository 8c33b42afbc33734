import { useApolloClient, useMutation } from '@apollo/client/react';
import { isVersionConflict } from '../errors';
import { graphql } from '../gql';
import type { TaskSettingsFragment } from '../gql/graphql';
import { Conflict } from '../shared/Conflict';
import { Dialog } from '../shared/Dialog';
import { paramValues, type Fields } from '../shared/merge';
import { useEdit, type Stored } from '../shared/useEdit';
import { TaskForm, type TaskValues } from './TaskForm';

export const PATCH_TASK = graphql(`
  mutation PatchTask($input: PatchTaskInput!) {
    patchTask(input: $input) {
      task {
        ...TaskSettings
      }
    }
  }
`);

const TASK_NOW = graphql(`
  query TaskNow($id: ID!) {
    node(id: $id) {
      ...TaskSettings
    }
  }
`);

const FIELDS: Fields<TaskValues> = [
  ['externalTaskId', 'Name'],
  ['status', 'Status'],
  ['strategyId', 'Strategy'],
];

interface Props {
  task: TaskSettingsFragment;
  onClose: () => void;
}

export function EditTask({ task, onClose }: Props) {
  const client = useApolloClient();
  const { id } = task;
  const [patchTask, { error, loading }] = useMutation(PATCH_TASK, { onCompleted: onClose });
  const { values, setValues, differences, submit, take } = useEdit({
    fields: FIELDS,
    stored: storedOf(task),
    save: (changes) => patchTask({ variables: { input: { id, ...changes } } }),
    readNow: async () => {
      const options = { query: TASK_NOW, variables: { id }, fetchPolicy: 'network-only' } as const;
      const { data } = await client.query(options);
      return data?.node?.__typename === 'Task' ? storedOf(data.node) : undefined;
    },
  });

  return (
    <Dialog onClose={onClose} title="Edit task">
      <TaskForm
        values={values}
        onChange={setValues}
        onSubmit={submit}
        onCancel={onClose}
        submit="Save"
        isLoading={loading}
        error={differences && isVersionConflict(error) ? undefined : error}
      >
        {differences && <Conflict noun="task" differences={differences} onTake={take} />}
      </TaskForm>
    </Dialog>
  );
}

const storedOf = ({
  version,
  externalTaskId,
  status,
  strategyId,
  params,
}: TaskSettingsFragment): Stored<TaskValues> => ({
  version,
  values: { externalTaskId, status, strategyId, params: paramValues(params) },
});
