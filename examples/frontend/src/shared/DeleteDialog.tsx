import { Button, Group, List, Stack, Text } from '@mantine/core';
import { isVersionConflict } from '../errors';
import { Dialog } from './Dialog';
import { count } from './format';
import { Failure, Waiting } from './states';

/** How many there are of something, and what one and many of them are called. */
export type Belonging = readonly [n: number, one: string, many?: string];

interface Props {
  noun: string;
  name: string;
  /** What a dry run has counted; undefined while it is counting. */
  belongings: readonly Belonging[] | undefined;
  error: unknown;
  isLoading: boolean;
  onDelete: () => void;
  /** Reads again what has changed meanwhile. */
  onReload: () => void;
  onClose: () => void;
}

/** Asks before something is deleted, and tells what goes along. */
export function DeleteDialog({
  noun,
  name,
  belongings,
  error,
  isLoading,
  onDelete,
  onReload,
  onClose,
}: Props) {
  const isStale = isVersionConflict(error);
  const present = belongings?.filter(([n]) => n > 0);
  return (
    <Dialog onClose={onClose} title={`Delete ${name}?`}>
      <Stack>
        {Boolean(error) && (
          <Failure error={error} title="Not deleted" onRetry={isStale ? onReload : undefined}>
            {isStale && `Somebody else has changed this ${noun}. Look at it again first.`}
          </Failure>
        )}
        {!present && !error && <Waiting lines={3} />}
        {present && (
          <>
            {present.length > 0 ? (
              <>
                <Text size="sm">This goes with the {noun}:</Text>
                <List size="sm">
                  {present.map(([n, one, many]) => (
                    <List.Item key={one}>{count(n, one, many)}</List.Item>
                  ))}
                </List>
              </>
            ) : (
              <Text size="sm">Nothing belongs to the {noun}.</Text>
            )}
            <Text size="sm" fw={500}>
              Nobody can bring it back.
            </Text>
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
          <Button color="red.9" disabled={!present || Boolean(error)} loading={isLoading} onClick={onDelete}>
            Delete {noun}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
