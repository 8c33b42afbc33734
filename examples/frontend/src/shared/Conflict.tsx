import { Alert, Button, Stack, Table, Text } from '@mantine/core';
import type { Difference, Values } from './merge';

interface Props<Of extends Values> {
  noun: string;
  differences: Difference<Of>[];
  onTake: (difference: Difference<Of>) => void;
}

/** What somebody else has stored beside what was typed here. */
export function Conflict<Of extends Values>({ noun, differences, onTake }: Props<Of>) {
  return (
    <Alert color="yellow" title={`Not saved yet: somebody else has changed this ${noun}`}>
      {differences.length === 0 ? (
        <Text size="sm">Their changes are in the form, with yours. Save again to store yours.</Text>
      ) : (
        <Stack gap="xs">
          <Text size="sm">
            Your text is still in the form. Save again to store it, or use what is there now.
          </Text>
          {differences.map((difference) => (
            <Table
              key={difference.label}
              variant="vertical"
              layout="fixed"
              aria-label={`${difference.label}, now and yours`}
            >
              <Table.Tbody>
                <Table.Tr>
                  <Table.Th w={90}>{difference.label}</Table.Th>
                  <Table.Td>
                    <Button size="compact-xs" variant="default" onClick={() => onTake(difference)}>
                      Use what is there now
                    </Button>
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th>Now</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{difference.now ?? 'removed'}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th>Yours</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{difference.yours}</Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
          ))}
        </Stack>
      )}
    </Alert>
  );
}
