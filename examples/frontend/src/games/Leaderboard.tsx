import { Group, Progress, Stack, Text } from '@mantine/core';
import { graphql } from '../gql';
import type { GameLeaderboardFragment } from '../gql/graphql';
import { count } from '../shared/format';

graphql(`
  fragment GameLeaderboard on Game {
    leaderboard(first: 10) {
      totalCount
      nodes {
        rank
        externalUserId
        points
        timesAwarded
      }
    }
  }
`);

/** The top ten as bars: how far the first is ahead is seen at a glance. The numbers are beside them as text. */
export function Leaderboard({ game }: { game: GameLeaderboardFragment }) {
  const { totalCount, nodes } = game.leaderboard;
  const most = Math.max(...nodes.map(({ points }) => points));
  if (nodes.length === 0)
    return <Text c="dimmed">Nobody has points yet. They come with the first award in GAME.</Text>;
  return (
    <Stack gap="sm">
      <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
        {nodes.map(({ rank, externalUserId, points, timesAwarded }, index) => (
          <li key={index}>
            <Group justify="space-between" wrap="nowrap" align="baseline">
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {rank}. {externalUserId}
              </Text>
              <Text size="sm" fw={500} style={{ whiteSpace: 'nowrap' }}>
                {count(points, 'point')} in {count(timesAwarded, 'award')}
              </Text>
            </Group>
            <Progress
              aria-hidden
              value={most > 0 ? (Math.max(points, 0) / most) * 100 : 0}
              size="sm"
              mt={4}
            />
          </li>
        ))}
      </Stack>
      {totalCount > nodes.length && (
        <Text size="sm" c="dimmed">
          The first {nodes.length} of {count(totalCount, 'user')}
        </Text>
      )}
    </Stack>
  );
}
