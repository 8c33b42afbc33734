import { useQuery } from '@apollo/client/react';
import {
  Anchor,
  Badge,
  Button,
  DataList,
  Grid,
  Group,
  Paper,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { codesOf } from '../errors';
import { graphql } from '../gql';
import type { GameSettingsFragment } from '../gql/graphql';
import { time } from '../shared/format';
import { Failure, ScreenTitle, Waiting } from '../shared/states';
import { strategyLabel } from '../strategies/StrategySelect';
import { Tasks } from '../tasks/Tasks';
import { DeleteGame } from './DeleteGame';
import { DuplicateGame } from './DuplicateGame';
import { EditGame } from './EditGame';
import { Leaderboard } from './Leaderboard';

const GAME = graphql(`
  query Game($id: ID!, $moreTasksAfter: String) {
    game(id: $id) {
      ...GameSettings
      ...GameTasks
      ...GameLeaderboard
    }
  }

  fragment GameSettings on Game {
    id
    version
    externalGameId
    platform
    createdAt
    updatedAt
    strategyId
    strategy {
      ...StrategyLabel
      status
      description
    }
    params {
      id
      key
      value
    }
  }
`);

/** A game's page: one operation reads all of it. */
export function Game({ id }: { id: string }) {
  const [dialog, setDialog] = useState<'edit' | 'duplicate' | 'delete' | null>(null);
  const { data, error, loading, refetch, fetchMore } = useQuery(GAME, { variables: { id } });
  const game = data?.game;
  const close = () => setDialog(null);

  if (!game) {
    const isGone = codesOf(error).includes('NOT_FOUND');
    return (
      <Stack>
        <Back />
        <ScreenTitle tab="Game">Game</ScreenTitle>
        {error ? (
          <Failure
            error={error}
            title={isGone ? 'There is no such game' : 'The game could not be read'}
            onRetry={isGone ? undefined : () => void refetch()}
          >
            {isGone && 'It was deleted, or it belongs to somebody else. Go back to your games.'}
          </Failure>
        ) : (
          <Waiting />
        )}
      </Stack>
    );
  }

  const name = game.externalGameId ?? 'Unnamed';
  return (
    <Stack>
      <Back />
      <Group justify="space-between">
        <ScreenTitle tab={name}>{name}</ScreenTitle>
        <Group gap="xs">
          <Button onClick={() => setDialog('edit')}>Edit</Button>
          <Button variant="default" onClick={() => setDialog('duplicate')}>
            Duplicate
          </Button>
          <Button variant="default" onClick={() => setDialog('delete')}>
            Delete
          </Button>
        </Group>
      </Group>
      {error && (
        <Failure error={error} title="The game could not be read again" onRetry={() => void refetch()} />
      )}

      <Grid>
        <Grid.Col span={{ base: 12, sm: 6 }}>
          <Stack>
            <Section title="Settings">
              <Settings game={game} />
            </Section>
            <Section title="Leaderboard">
              <Leaderboard game={game} />
            </Section>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, sm: 6 }}>
          <Stack>
            <Section title="Strategy">
              <GameStrategy game={game} />
            </Section>
            <Section title="Tasks">
              <Tasks
                game={game}
                isLoading={loading}
                onReload={refetch}
                onMore={(moreTasksAfter) => void fetchMore({ variables: { moreTasksAfter } })}
              />
            </Section>
          </Stack>
        </Grid.Col>
      </Grid>

      {dialog === 'edit' && <EditGame game={game} onClose={close} />}
      {dialog === 'duplicate' && <DuplicateGame id={id} name={name} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteGame id={id} name={name} version={game.version} onReload={refetch} onClose={close} />
      )}
    </Stack>
  );
}

const Back = () => (
  <Anchor component={Link} href="/" size="sm">
    All games
  </Anchor>
);

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper component="section" aria-label={title} withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

function Settings({ game }: { game: GameSettingsFragment }) {
  return (
    <>
      <DataList>
        <DataList.Item>
          <DataList.ItemLabel>Platform</DataList.ItemLabel>
          <DataList.ItemValue>{game.platform ?? 'None'}</DataList.ItemValue>
        </DataList.Item>
        <DataList.Item>
          <DataList.ItemLabel>Created</DataList.ItemLabel>
          <DataList.ItemValue>{time(game.createdAt)}</DataList.ItemValue>
        </DataList.Item>
        <DataList.Item>
          <DataList.ItemLabel>Changed</DataList.ItemLabel>
          <DataList.ItemValue>{time(game.updatedAt)}</DataList.ItemValue>
        </DataList.Item>
      </DataList>
      {game.params.length === 0 ? (
        <Text c="dimmed" mt="md">
          No params. Edit the game to add some.
        </Text>
      ) : (
        <Table mt="md" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Param</Table.Th>
              <Table.Th>Value</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody style={{ overflowWrap: 'anywhere' }}>
            {game.params.map(({ id, key, value }) => (
              <Table.Tr key={id}>
                <Table.Td>{key}</Table.Td>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </>
  );
}

function GameStrategy({ game: { strategy, strategyId } }: { game: GameSettingsFragment }) {
  if (!strategy) {
    return (
      <Text>
        {strategyId ? `${strategyId} does not exist any more. Edit the game to choose another one.` : 'None'}
      </Text>
    );
  }
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Anchor component={Link} href={`/strategies/${encodeURIComponent(strategy.id)}`} fw={500}>
          {strategyLabel(strategy, strategyId)}
        </Anchor>
        <Badge>{strategy.status.toLowerCase()}</Badge>
      </Group>
      <Text size="sm">{strategy.description ?? 'Built into GAME.'}</Text>
    </Stack>
  );
}
