import { Alert, Button, CloseButton, Fieldset, Group, Stack, TextInput } from '@mantine/core';
import type { ReactNode, SyntheticEvent } from 'react';
import { messageOf, problemsOf } from '../errors';
import { StrategySelect } from '../strategies/StrategySelect';

/** Suggestions: the API takes any text, and has no list of the platforms in use. */
export const PLATFORMS = ['android', 'flutter', 'ios', 'moodle', 'telegram', 'unity', 'wear-os', 'web'];

export interface GameParam {
  /** Null for one that is not stored yet. */
  id: string | null;
  /** What React knows the row by. */
  row: string;
  key: string;
  value: string;
}

/** What the form holds. */
export interface GameValues {
  externalGameId: string;
  platform: string;
  strategyId: string | null;
  params: GameParam[];
}

interface Props {
  values: GameValues;
  onChange: (values: GameValues) => void;
  onSubmit: () => void;
  onCancel: () => void;
  submit: string;
  isLoading: boolean;
  error: unknown;
  /** Stands above the fields. */
  children?: ReactNode;
}

/** The fields of a game, with what is wrong beside each. */
export function GameForm({
  values,
  onChange,
  onSubmit,
  onCancel,
  submit,
  isLoading,
  error,
  children,
}: Props) {
  const {
    'input.externalGameId': nameProblem,
    'input.platform': platformProblem,
    'input.strategyId': strategyProblem,
    ...otherProblems
  } = problemsOf(error);
  const others = Object.entries(otherProblems).map(
    ([argument, message]) => `${argument.replace('input.', '')} ${message}`,
  );
  const isTold = others.length === 0 && (nameProblem ?? platformProblem ?? strategyProblem) !== undefined;

  const set = (change: Partial<GameValues>) => onChange({ ...values, ...change });
  const setParam = (row: string, change: Partial<GameParam>) =>
    set({ params: values.params.map((param) => (param.row === row ? { ...param, ...change } : param)) });
  const addParam = () =>
    set({ params: [...values.params, { id: null, row: crypto.randomUUID(), key: '', value: '' }] });

  return (
    <form
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <Stack>
        {children}
        {Boolean(error) && !isTold && (
          <Alert color="red" title="Not saved">
            {others.length > 0 ? others.join(' ') : messageOf(error)}
          </Alert>
        )}
        <TextInput
          label="Name"
          description="3 to 60 letters, digits, _ or -"
          required
          data-autofocus
          value={values.externalGameId}
          error={nameProblem}
          onChange={({ currentTarget }) => set({ externalGameId: currentTarget.value })}
        />
        <TextInput
          label="Platform"
          required
          list="platforms"
          value={values.platform}
          error={platformProblem}
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
          error={strategyProblem}
          onChange={(strategyId) => set({ strategyId })}
        />
        <Fieldset legend="Params" variant="unstyled">
          <Stack gap="xs">
            {values.params.map(({ row, key, value }, index) => (
              <Group key={row} gap="xs" wrap="nowrap">
                <TextInput
                  aria-label={`Key of param ${index + 1}`}
                  placeholder="Key"
                  required
                  flex={3}
                  value={key}
                  onChange={({ currentTarget }) => setParam(row, { key: currentTarget.value })}
                />
                <TextInput
                  aria-label={`Value of param ${index + 1}`}
                  placeholder="Value"
                  required
                  flex={2}
                  value={value}
                  onChange={({ currentTarget }) => setParam(row, { value: currentTarget.value })}
                />
                <CloseButton
                  aria-label={`Remove param ${index + 1}`}
                  onClick={() => set({ params: values.params.filter((param) => param.row !== row) })}
                />
              </Group>
            ))}
            <Button variant="subtle" size="xs" style={{ alignSelf: 'flex-start' }} onClick={addParam}>
              Add param
            </Button>
          </Stack>
        </Fieldset>
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={isLoading}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
