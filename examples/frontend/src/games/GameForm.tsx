import { TextInput } from '@mantine/core';
import { problemsOf } from '../errors';
import { Form, type FormProps } from '../shared/Form';
import type { Values } from '../shared/merge';
import { ParamFields } from '../shared/ParamFields';
import { StrategySelect } from '../strategies/StrategySelect';

/** Suggestions: the API takes any text, and has no list of the platforms in use. */
export const PLATFORMS = ['android', 'flutter', 'ios', 'moodle', 'telegram', 'unity', 'wear-os', 'web'];

/** What the form holds. */
export interface GameValues extends Values {
  externalGameId: string;
  platform: string;
  strategyId: string | null;
}

const SHOWN = ['input.externalGameId', 'input.platform', 'input.strategyId'];

/** The fields of a game, with what is wrong beside each. */
export function GameForm({ values, onChange, error, children, ...form }: FormProps<GameValues>) {
  const problems = problemsOf(error);
  const set = (change: Partial<GameValues>) => onChange({ ...values, ...change });

  return (
    <Form {...form} error={error} shown={SHOWN}>
      {children}
      <TextInput
        label="Name"
        description="3 to 60 letters, digits, _ or -"
        required
        data-autofocus
        value={values.externalGameId}
        error={problems['input.externalGameId']}
        onChange={({ currentTarget }) => set({ externalGameId: currentTarget.value })}
      />
      <TextInput
        label="Platform"
        required
        list="platforms"
        value={values.platform}
        error={problems['input.platform']}
        onChange={({ currentTarget }) => set({ platform: currentTarget.value })}
      />
      <datalist id="platforms">
        {PLATFORMS.map((platform) => (
          <option key={platform} value={platform} />
        ))}
      </datalist>
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
