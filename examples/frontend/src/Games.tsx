import { useQuery } from '@apollo/client/react';
import {
  Alert,
  Badge,
  Button,
  Container,
  Group,
  Loader,
  Paper,
  Select,
  Table,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { EditGame } from './EditGame';
import type { GamesQuery, GamesQueryVariables } from './gql/graphql';
import { GAMES } from './operations';
import { Reassign } from './Reassign';

const PAGE_SIZE = 10;
const FIRST_PAGE = { first: PAGE_SIZE };
const PLATFORMS = ['android', 'flutter', 'ios', 'unity', 'web'];

export type Game = NonNullable<GamesQuery['games']>['nodes'][number];

export function Games({ onSignOut }: { onSignOut: () => void }) {
  const [search, setSearch] = useState('');
  const [platform, setPlatform] = useState<string | null>(null);
  const [page, setPage] = useState<GamesQueryVariables>(FIRST_PAGE);
  const [edited, setEdited] = useState<Game | null>(null);
  const [isReassigning, setReassigning] = useState(false);
  const [containsInsensitive] = useDebouncedValue(search, 200);

  // Cursors belong to one filter: with another one, reading begins anew.
  const filter = {
    externalGameId: containsInsensitive ? { containsInsensitive } : null,
    platform: platform ? { eq: platform } : null,
  };
  const { data, previousData, error, loading, refetch } = useQuery(GAMES, {
    variables: { ...page, filter },
    fetchPolicy: 'cache-and-network',
  });
  const games = (data ?? previousData)?.games;
  const pageInfo = games?.pageInfo;

  return (
    <Container size="lg" py="xl">
      <Group justify="space-between" mb="lg">
        <Group align="baseline">
          <Title order={1}>Games</Title>
          <Text c="dimmed" data-testid="total">
            {games ? `${games.totalCount} found` : ''}
          </Text>
          {loading && <Loader size="xs" />}
        </Group>
        <Group>
          <Button onClick={() => setReassigning(true)}>Move to another strategy</Button>
          <Button variant="default" onClick={onSignOut}>
            Sign out
          </Button>
        </Group>
      </Group>

      <Group mb="md" grow preventGrowOverflow={false}>
        <TextInput
          aria-label="Search"
          placeholder="Search by name"
          value={search}
          onChange={({ currentTarget }) => {
            setSearch(currentTarget.value);
            setPage(FIRST_PAGE);
          }}
        />
        <Select
          aria-label="Platform"
          placeholder="Any platform"
          data={PLATFORMS}
          value={platform}
          clearable
          maw={200}
          onChange={(value) => {
            setPlatform(value);
            setPage(FIRST_PAGE);
          }}
        />
      </Group>

      {error && (
        <Alert color="red" title="The games could not be read" mb="md">
          {error.message}
        </Alert>
      )}

      <Paper withBorder shadow="xs">
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Platform</Table.Th>
              <Table.Th>Strategy</Table.Th>
              <Table.Th>Created</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {games?.nodes.map((game) => (
              <Table.Tr key={game.id}>
                <Table.Td fw={500}>{game.externalGameId}</Table.Td>
                <Table.Td>
                  <Badge variant="light">{game.platform}</Badge>
                </Table.Td>
                <Table.Td>
                  {game.strategy ? `${game.strategy.name} ${game.strategy.version}` : game.strategyId}
                </Table.Td>
                <Table.Td c="dimmed">{game.createdAt?.slice(0, 10)}</Table.Td>
                <Table.Td ta="right">
                  <Button size="compact-sm" variant="subtle" onClick={() => setEdited(game)}>
                    Edit
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Paper>

      <Group justify="flex-end" mt="md">
        <Button
          variant="default"
          disabled={!pageInfo?.hasPreviousPage}
          onClick={() => setPage({ last: PAGE_SIZE, before: pageInfo?.startCursor })}
        >
          Previous
        </Button>
        <Button
          variant="default"
          disabled={!pageInfo?.hasNextPage}
          onClick={() => setPage({ first: PAGE_SIZE, after: pageInfo?.endCursor })}
        >
          Next
        </Button>
      </Group>

      {edited && <EditGame game={edited} onClose={() => setEdited(null)} onReload={() => void refetch()} />}
      {isReassigning && <Reassign onClose={() => setReassigning(false)} onMoved={() => void refetch()} />}
    </Container>
  );
}
