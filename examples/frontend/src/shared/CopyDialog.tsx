import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { problemsOf } from '../errors';
import { Dialog } from './Dialog';
import { Form } from './Form';

const END = '-copy';

interface Props {
  title: string;
  /** What the copy has. */
  text: string;
  /** Name of what is copied. */
  name: string;
  /** Maximum number of characters of a name. */
  maxLength: number;
  /** What a name may be. */
  description: string;
  /** Argument of the mutation that has the name. */
  argument: string;
  error: unknown;
  isLoading: boolean;
  onCopy: (name: string) => void;
  onClose: () => void;
}

/** Asks for the name of a copy. */
export function CopyDialog({
  title,
  text,
  name,
  maxLength,
  description,
  argument,
  error,
  isLoading,
  onCopy,
  onClose,
}: Props) {
  const [copy, setCopy] = useState(`${name.slice(0, maxLength - END.length)}${END}`);
  return (
    <Dialog onClose={onClose} title={title}>
      <Form
        submit="Duplicate"
        failed="Not copied"
        shown={[argument]}
        error={error}
        isLoading={isLoading}
        onSubmit={() => onCopy(copy)}
        onCancel={onClose}
      >
        <Text size="sm">{text}</Text>
        <TextInput
          label="Name of the copy"
          description={description}
          required
          data-autofocus
          value={copy}
          error={problemsOf(error)[argument]}
          onChange={({ currentTarget }) => setCopy(currentTarget.value)}
        />
      </Form>
    </Dialog>
  );
}
