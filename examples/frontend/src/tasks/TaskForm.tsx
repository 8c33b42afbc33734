import { NativeSelect, TextInput } from '@mantine/core';
import { problemsOf } from '../errors';
import { Form, type FormProps } from '../shared/Form';
import type { Values } from '../shared/merge';
import { ParamFields } from '../shared/ParamFields';
import { StrategySelect } from '../strategies/StrategySelect';

/** The states that a task can be given. GAME's rows have others, which are shown and left. */
const STATUSES = ['open', 'closed'];

/** What the form holds. */
export interface TaskValues extends Values {
  externalTaskId: string;
  status: string;
  strategyId: string | null;
}

const SHOWN = ['input.externalTaskId', 'input.status', 'input.strategyId'];

/** The fields of a task, with what is wrong beside each. */
export function TaskForm({ values, onChange, error, children, ...form }: FormProps<TaskValues>) {
  const problems = problemsOf(error);
  const set = (change: Partial<TaskValues>) => onChange({ ...values, ...change });

  return (
    <Form {...form} error={error} shown={SHOWN}>
      {children}
      <TextInput
        label="Name"
        description="1 to 200 characters, once in the game"
        required
        data-autofocus
        value={values.externalTaskId}
        error={problems['input.externalTaskId']}
        onChange={({ currentTarget }) => set({ externalTaskId: currentTarget.value })}
      />
      <NativeSelect
        label="Status"
        data={STATUSES.includes(values.status) ? STATUSES : [...STATUSES, values.status]}
        value={values.status}
        error={problems['input.status']}
        onChange={({ currentTarget }) => set({ status: currentTarget.value })}
      />
      <StrategySelect
        label="Strategy"
        status={['PUBLISHED']}
        value={values.strategyId}
        error={problems['input.strategyId']}
        onChange={(strategyId) => set({ strategyId })}
      />
      <ParamFields params={values.params} onChange={(params) => set({ params })} />
    </Form>
  );
}
