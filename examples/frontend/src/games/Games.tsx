import { useQuery } from '@apollo/client/react';
import {
  Anchor,
  Badge,
  Button,
  EmptyState,
  Group,
  Paper,
  NativeSelect,
  SimpleGrid,
  Stack,
  Table,
  Text,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, useSearchParams } from 'wouter';
import { graphql } from '../gql';
import type { GameFilter, GameOrder, GameRowFragment } from '../gql/graphql';
import { day } from '../shared/format';
import { Pages, toFirstPage, usePage } from '../shared/Pages';
import { Failure, ScreenTitle, Waiting } from '../shared/states';
import { strategyLabel, StrategySelect } from '../strategies/StrategySelect';
import { CreateGame } from './CreateGame';
import { PLATFORMS } from './GameForm';
import { Search } from './Search';

const GAMES = graphql(`
  query Games(
    $first: Int
    $after: String
    $last: Int
    $before: String
    $filter: GameFilter
    $orderBy: [GameOrder!]
  ) {
    games(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      pageInfo {
        ...Page
      }
      nodes {
        ...GameRow
      }
    }
  }

  fragment GameRow on Game {
    id
    externalGameId
    platform
    createdAt
    strategyId
    strategy {
      ...StrategyLabel
    }
  }
`);

const ORDERS: Record<string, GameOrder> = {
  'Newest first': { field: 'CREATED_AT', direction: 'DESC' },
  'Oldest first': { field: 'CREATED_AT', direction: 'ASC' },
  'Changed last': { field: 'UPDATED_AT', direction: 'DESC' },
  'Name A to Z': { field: 'EXTERNAL_GAME_ID', direction: 'ASC' },
  'Name Z to A': { field: 'EXTERNAL_GAME_ID', direction: 'DESC' },
  Platform: { field: 'PLATFORM', direction: 'ASC' },
};
const NEWEST_FIRST = 'Newest first';
/** What narrows the list, by its name in the URL. */
const FILTERS = ['search', 'platform', 'strategy'] as const;

export function Games() {
  const [params, setParams] = useSearchParams();
  const [search, platform, strategy] = FILTERS.map((name) => params.get(name));
  const sort = params.get('sort') ?? NEWEST_FIRST;
  const [isCreating, creating] = useDisclosure();

  const filter: GameFilter = {
    externalGameId: search ? { containsInsensitive: search } : null,
    platform: platform ? { eq: platform } : null,
    strategyId: strategy ? { eq: strategy } : null,
  };
  const at = usePage(10);
  const { data, previousData, error, loading, refetch } = useQuery(GAMES, {
    variables: { ...at.variables, filter, orderBy: ORDERS[sort] },
  });
  // The page before stays until the next one is there.
  const games = (data ?? previousData)?.games;
  const isTurning = loading && !data;

  const set = (name: string, value: string | null, options?: { replace: boolean }) =>
    setParams((now) => {
      const next = toFirstPage(now);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    }, options);
  const isFiltered = FILTERS.some((name) => params.has(name));

  return (
    <Stack>
      <Group justify="space-between">
        <Group align="baseline" gap="sm">
          <ScreenTitle tab="Games">Games</ScreenTitle>
        </Group>
        <Button onClick={creating.open}>New game</Button>
      </Group>

      <SimpleGrid role="search" cols={{ base: 2, sm: 4 }} spacing="sm">
        <Search value={search ?? ''} onSearch={(text) => set('search', text, { replace: true })} />
        <NativeSelect
          label="Platform"
          data={[{ value: '', label: 'Any' }, ...PLATFORMS]}
          value={platform ?? ''}
          onChange={({ currentTarget }) => set('platform', currentTarget.value)}
        />
        <StrategySelect
          label="Strategy"
          none="Any"
          status={['PUBLISHED', 'ARCHIVED']}
          value={strategy ?? null}
          onChange={(id) => set('strategy', id)}
        />
        <NativeSelect
          label="Sort by"
          data={Object.keys(ORDERS)}
          value={sort}
          onChange={({ currentTarget }) => set('sort', currentTarget.value)}
        />
      </SimpleGrid>

      {error && (
        <Failure error={error} title="The games could not be read" onRetry={() => void refetch()}>
          {at.page > 1 && (
            <Anchor component="button" type="button" onClick={() => setParams(toFirstPage)}>
              Go to the first page
            </Anchor>
          )}
        </Failure>
      )}
      {!games && !error && <Waiting lines={10} />}
      {games && games.nodes.length > 0 && (
        <div aria-busy={isTurning} style={{ opacity: isTurning ? 0.6 : 1 }}>
          <Paper withBorder>
            <Table verticalSpacing="sm" horizontalSpacing="md">
              <Table.Thead visibleFrom="sm">
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Platform</Table.Th>
                  <Table.Th>Strategy</Table.Th>
                  <Table.Th>Created</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {games.nodes.map((game) => (
                  <GameRow key={game.id} game={game} />
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
          <Pages of="games" at={at} shown={games.nodes.length} connection={games} isLoading={isTurning} />
        </div>
      )}
      {games?.nodes.length === 0 && (
        <EmptyState
          py="xl"
          title={isFiltered ? 'No game matches' : 'You have no games yet'}
          description={
            isFiltered
              ? 'Search for less, or show all games.'
              : 'Create your first game. You can also make games in GAME itself.'
          }
        >
          <EmptyState.Actions>
            {isFiltered ? (
              <Button variant="default" onClick={() => setParams({})}>
                Show all games
              </Button>
            ) : (
              <Button onClick={creating.open}>New game</Button>
            )}
          </EmptyState.Actions>
        </EmptyState>
      )}

      {isCreating && <CreateGame onClose={creating.close} />}
    </Stack>
  );
}

/** On a phone, what stands in columns of its own elsewhere is below the name. */
function GameRow({ game }: { game: GameRowFragment }) {
  const platform = game.platform && <Badge>{game.platform}</Badge>;
  const strategy = strategyLabel(game.strategy, game.strategyId);
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/games/${game.id}`} fw={500} style={{ overflowWrap: 'anywhere' }}>
          {game.externalGameId ?? 'Unnamed'}
        </Anchor>
        <Group hiddenFrom="sm" gap="xs" mt={4}>
          {platform}
          <Text size="sm" c="dimmed">
            {strategy}
          </Text>
        </Group>
      </Table.Td>
      <Table.Td visibleFrom="sm">{platform}</Table.Td>
      <Table.Td visibleFrom="sm">{strategy}</Table.Td>
      <Table.Td visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
        {day(game.createdAt)}
      </Table.Td>
    </Table.Tr>
  );
}
