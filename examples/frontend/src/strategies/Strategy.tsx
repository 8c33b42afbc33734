import { useQuery } from '@apollo/client/react';
import { Anchor, Badge, Button, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { VIEWER } from '../client';
import { codesOf } from '../errors';
import { graphql } from '../gql';
import type { StrategyVersionFragment } from '../gql/graphql';
import { count, day } from '../shared/format';
import { Failure, ScreenTitle, Waiting } from '../shared/states';
import { RollbackStrategy } from './RollbackStrategy';

const STRATEGY = graphql(`
  query Strategy($id: ID!) {
    strategy(id: $id) {
      ...StrategyVersion
      name
      kind
      description
      versions {
        ...StrategyVersion
      }
    }
  }

  fragment StrategyVersion on Strategy {
    id
    version
    status
    publishedAt
    games {
      totalCount
    }
    tasks {
      totalCount
    }
  }
`);

export function Strategy({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(STRATEGY, { variables: { id } });
  const isAdmin = useQuery(VIEWER).data?.viewer.isAdmin ?? false;
  const [target, setTarget] = useState<StrategyVersionFragment | null>(null);
  const strategy = data?.strategy;

  if (!strategy) {
    const isGone = codesOf(error).includes('NOT_FOUND');
    return (
      <Stack>
        <Back />
        <ScreenTitle tab="Strategy">Strategy</ScreenTitle>
        {error ? (
          <Failure
            error={error}
            title={isGone ? 'There is no such strategy' : 'The strategy could not be read'}
            onRetry={isGone ? undefined : () => void refetch()}
          >
            {isGone && 'It does not exist, or it is for others. Go back to your strategies.'}
          </Failure>
        ) : (
          <Waiting />
        )}
      </Stack>
    );
  }

  const isCustom = strategy.kind === 'CUSTOM';
  const published = strategy.versions.find(({ status }) => status === 'PUBLISHED');
  return (
    <Stack>
      <Back />
      <Group>
        <ScreenTitle tab={strategy.name}>
          {strategy.name} {strategy.version}
        </ScreenTitle>
        <Status status={strategy.status} />
      </Group>
      <Text>{strategy.description ?? (isCustom ? 'No description.' : 'Built into GAME.')}</Text>

      <Paper component="section" aria-label="Usage" withBorder p="md">
        <Title order={2} size="h4" mb="sm">
          Usage
        </Title>
        <Group justify="space-between">
          <Text size="sm">
            Version {strategy.version} scores {count(strategy.games.totalCount, 'game')} and{' '}
            {count(strategy.tasks.totalCount, 'task')}.
          </Text>
          <Group gap="xs">
            {strategy.games.totalCount > 0 && (
              <>
                <Button
                  variant="default"
                  size="xs"
                  component={Link}
                  href={`/?${new URLSearchParams({ strategy: id })}`}
                >
                  Show the games
                </Button>
                <Button
                  variant="default"
                  size="xs"
                  component={Link}
                  href={`/moves?${new URLSearchParams({ from: id })}`}
                >
                  Move the games
                </Button>
              </>
            )}
          </Group>
        </Group>
      </Paper>

      <Paper component="section" aria-label="Versions" withBorder p="md">
        <Title order={2} size="h4" mb="sm">
          Versions
        </Title>
        <Table verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Version</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th visibleFrom="sm">Published</Table.Th>
              <Table.Th>Games</Table.Th>
              <Table.Th>Tasks</Table.Th>
              {isAdmin && <Table.Th>Roll back</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {strategy.versions.map((version) => (
              <Table.Tr key={version.id}>
                <Table.Td>
                  <Anchor
                    component={Link}
                    href={`/strategies/${encodeURIComponent(version.id)}`}
                    aria-label={`Version ${version.version}`}
                    aria-current={version.id === id ? 'page' : undefined}
                  >
                    {version.version}
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <Status status={version.status} />
                </Table.Td>
                <Table.Td visibleFrom="sm">{version.publishedAt ? day(version.publishedAt) : '–'}</Table.Td>
                <Table.Td>{version.games.totalCount}</Table.Td>
                <Table.Td>{version.tasks.totalCount}</Table.Td>
                {isAdmin && (
                  <Table.Td>
                    {version.status === 'ARCHIVED' && (
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label={`Roll back to version ${version.version}`}
                        onClick={() => setTarget(version)}
                      >
                        To {version.version}
                      </Button>
                    )}
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {isCustom && !isAdmin && (
          <Text size="sm" c="dimmed" mt="sm">
            An admin can roll back to an archived version.
          </Text>
        )}
      </Paper>
      {target && (
        <RollbackStrategy
          strategyId={id}
          from={published?.version}
          to={target.version}
          onClose={() => setTarget(null)}
        />
      )}
    </Stack>
  );
}

const Back = () => (
  <Anchor component={Link} href="/strategies" size="sm">
    All strategies
  </Anchor>
);

const COLORS = { PUBLISHED: 'green', DRAFT: 'yellow', ARCHIVED: 'gray' };

const Status = ({ status }: Pick<StrategyVersionFragment, 'status'>) => (
  <Badge variant="dot" color={COLORS[status]}>
    {status.toLowerCase()}
  </Badge>
);
