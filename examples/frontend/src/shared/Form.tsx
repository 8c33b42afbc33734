import { Alert, Button, Group, Stack } from '@mantine/core';
import type { ReactNode, SyntheticEvent } from 'react';
import { messageOf, problemsOf } from '../errors';

/** What a form of something needs: its values, and what may be done with them. */
export interface FormProps<Of> {
  values: Of;
  onChange: (values: Of) => void;
  onSubmit: () => void;
  onCancel: () => void;
  submit: string;
  isLoading: boolean;
  error: unknown;
  /** Stands above the fields. */
  children?: ReactNode;
}

interface Props {
  /** What the button that sends the form says. */
  submit: string;
  onSubmit: () => void;
  onCancel: () => void;
  isLoading: boolean;
  error: unknown;
  /** Title of what went wrong. */
  failed?: string;
  /** Arguments whose problems are shown beside their fields. */
  shown: readonly string[];
  /** The fields. */
  children: ReactNode;
}

/** A form in a dialog. What is wrong with it, and has no field to stand beside, stands above the fields. */
export function Form({
  submit,
  onSubmit,
  onCancel,
  isLoading,
  error,
  failed = 'Not saved',
  shown,
  children,
}: Props) {
  const problems = Object.entries(problemsOf(error));
  const others = problems
    .filter(([argument]) => !shown.includes(argument))
    .map(([argument, message]) => `${argument.replace('input.', '')} ${message}`);
  const isTold = problems.length > 0 && others.length === 0;

  return (
    <form
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <Stack>
        {Boolean(error) && !isTold && (
          <Alert color="red" title={failed}>
            {others.length > 0 ? others.join(' ') : messageOf(error)}
          </Alert>
        )}
        {children}
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
