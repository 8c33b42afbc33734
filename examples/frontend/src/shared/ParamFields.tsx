import { Button, CloseButton, Fieldset, Group, Stack, TextInput } from '@mantine/core';
import type { Param } from './merge';

interface Props {
  params: Param[];
  onChange: (params: Param[]) => void;
}

/** The params of a game or a task. */
export function ParamFields({ params, onChange }: Props) {
  const set = (row: string, change: Partial<Param>) =>
    onChange(params.map((param) => (param.row === row ? { ...param, ...change } : param)));
  const add = () => onChange([...params, { id: null, row: crypto.randomUUID(), key: '', value: '' }]);

  return (
    <Fieldset legend="Params" variant="unstyled">
      <Stack gap="xs">
        {params.map(({ row, key, value }, index) => (
          <Group key={row} gap="xs" wrap="nowrap">
            <TextInput
              aria-label={`Key of param ${index + 1}`}
              placeholder="Key"
              required
              flex={3}
              value={key}
              onChange={({ currentTarget }) => set(row, { key: currentTarget.value })}
            />
            <TextInput
              aria-label={`Value of param ${index + 1}`}
              placeholder="Value"
              required
              flex={2}
              value={value}
              onChange={({ currentTarget }) => set(row, { value: currentTarget.value })}
            />
            <CloseButton
              aria-label={`Remove param ${index + 1}`}
              onClick={() => onChange(params.filter((param) => param.row !== row))}
            />
          </Group>
        ))}
        <Button variant="subtle" size="xs" style={{ alignSelf: 'flex-start' }} onClick={add}>
          Add param
        </Button>
      </Stack>
    </Fieldset>
  );
}
