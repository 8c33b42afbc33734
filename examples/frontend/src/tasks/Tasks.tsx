import { useMutation } from '@apollo/client/react';
import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../gql';
import type { GameTasksFragment, TaskSettingsFragment } from '../gql/graphql';
import { count } from '../shared/format';
import { Failure } from '../shared/states';
import { strategyLabel } from '../strategies/StrategySelect';
import { CreateTask } from './CreateTask';
import { DeleteTask } from './DeleteTask';
import { DuplicateTask } from './DuplicateTask';
import { EditTask, PATCH_TASK } from './EditTask';

graphql(`
  fragment GameTasks on Game {
    id
    tasks(first: 5, after: $moreTasksAfter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        cursor
        node {
          ...TaskSettings
        }
      }
    }
  }

  fragment TaskSettings on Task {
    id
    version
    externalTaskId
    status
    strategyId
    strategy {
      ...StrategyLabel
    }
    params {
      id
      key
      value
    }
  }
`);

/** A dialog about a task, by its id: the task may change while it is open. */
type Open = 'create' | { kind: 'edit' | 'duplicate' | 'delete'; id: string };

interface Props {
  game: GameTasksFragment;
  /** Reads the tasks that come after a cursor; Apollo's cache joins them to those that are here. */
  onMore: (after: string | null | undefined) => void;
  /** Reads the game again. */
  onReload: () => Promise<unknown>;
  isLoading: boolean;
}

/** The tasks of a game, newest first, and what can be done with them. */
export function Tasks({ game: { id: gameId, tasks }, onMore, onReload, isLoading }: Props) {
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const kind = open === 'create' ? open : open?.kind;
  const task = tasks.edges.find(({ node }) => open !== 'create' && node.id === open?.id)?.node;

  return (
    <Stack gap="md">
      {tasks.edges.length === 0 && <Text c="dimmed">No tasks yet. Add one for users to collect points.</Text>}
      {tasks.edges.map(({ node }) => (
        <TaskRow key={node.id} task={node} onOpen={(kind) => setOpen({ kind, id: node.id })} />
      ))}
      <Group gap="xs">
        <Button size="xs" onClick={() => setOpen('create')}>
          Add task
        </Button>
        {tasks.pageInfo.hasNextPage && (
          <Button
            variant="default"
            size="xs"
            loading={isLoading}
            onClick={() => onMore(tasks.pageInfo.endCursor)}
          >
            Show more of {count(tasks.totalCount, 'task')}
          </Button>
        )}
      </Group>

      {kind === 'create' && <CreateTask gameId={gameId} onClose={close} />}
      {kind === 'edit' && task && <EditTask task={task} onClose={close} />}
      {kind === 'duplicate' && task && (
        <DuplicateTask id={task.id} name={task.externalTaskId} gameId={gameId} onClose={close} />
      )}
      {kind === 'delete' && task && (
        <DeleteTask task={task} gameId={gameId} onReload={onReload} onClose={close} />
      )}
    </Stack>
  );
}

interface RowProps {
  task: TaskSettingsFragment;
  onOpen: (kind: 'edit' | 'duplicate' | 'delete') => void;
}

function TaskRow({ task, onOpen }: RowProps) {
  const { id, externalTaskId: name, status, strategy, strategyId, params } = task;
  const isOpen = status === 'open';
  const [patchTask, { error, loading }] = useMutation(PATCH_TASK);
  // Whoever closes a task that is closed changes nothing, so no version is expected.
  const toggle = () => {
    const input = { id, status: isOpen ? 'closed' : 'open' };
    patchTask({ variables: { input } }).catch(() => {});
  };

  return (
    <Stack role="group" gap={4} aria-label={`Task ${name}`}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Text>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {[
              strategyLabel(strategy, strategyId),
              ...params.map(({ key, value }) => `${key}: ${value}`),
            ].join(' · ')}
          </Text>
        </div>
        <Badge variant="dot" style={{ flexShrink: 0 }} color={isOpen ? 'green' : 'gray'}>
          {status}
        </Badge>
      </Group>
      {error && <Failure error={error} title="Not saved" />}
      <Group gap={4} ml={-8}>
        <Action label="Edit" of={name} onClick={() => onOpen('edit')} />
        <Action label={isOpen ? 'Close' : 'Open'} of={name} isLoading={loading} onClick={toggle} />
        <Action label="Duplicate" of={name} onClick={() => onOpen('duplicate')} />
        <Action label="Delete" of={name} onClick={() => onOpen('delete')} />
      </Group>
    </Stack>
  );
}

interface ActionProps {
  label: string;
  /** Name of the task: a screen reader tells the buttons apart by it. */
  of: string;
  isLoading?: boolean;
  onClick: () => void;
}

const Action = ({ label, of, isLoading = false, onClick }: ActionProps) => (
  <Button
    variant="subtle"
    size="compact-sm"
    aria-label={`${label} task ${of}`}
    loading={isLoading}
    onClick={onClick}
  >
    {label}
  </Button>
);
