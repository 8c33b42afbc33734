import { Button, Group, Text } from '@mantine/core';
import { useSearchParams } from 'wouter';
import { graphql } from '../gql';
import type { PageFragment } from '../gql/graphql';

graphql(`
  fragment Page on PageInfo {
    hasNextPage
    hasPreviousPage
    startCursor
    endCursor
  }
`);

/** Where a table stands. It is part of the URL, so that the browser's back leads to the page before. */
const POSITION = ['page', 'after', 'before'] as const;

/** The arguments of the page that the URL names, and where to find the pages beside it. */
export function usePage(size: number) {
  const [params] = useSearchParams();
  const page = Number(params.get('page') ?? 1);
  const before = params.get('before');
  const after = params.get('after');
  return {
    page,
    size,
    variables: before === null ? { first: size, after } : { last: size, before },
  };
}

/** Cursors belong to one filter and order: with another one, reading starts at the first page. */
export function toFirstPage(params: URLSearchParams): URLSearchParams {
  const first = new URLSearchParams(params);
  for (const name of POSITION) first.delete(name);
  return first;
}

interface Props {
  of: string;
  at: ReturnType<typeof usePage>;
  shown: number;
  connection: { totalCount: number; pageInfo: PageFragment };
  isLoading: boolean;
}

export function Pages({ of, at, shown, connection, isLoading }: Props) {
  const [, setParams] = useSearchParams();
  const { totalCount, pageInfo } = connection;
  const go = (page: number, position: Record<string, string | null | undefined>) => {
    setParams((params) => {
      const next = toFirstPage(params);
      if (page > 1) {
        next.set('page', String(page));
        for (const [name, cursor] of Object.entries(position)) next.set(name, cursor ?? '');
      }
      return next;
    });
    window.scrollTo({ top: 0 });
  };
  const first = (at.page - 1) * at.size + 1;
  return (
    <Group component="nav" aria-label={`Pages of ${of}`} justify="space-between" mt="md">
      <Text role="status" size="sm">
        {shown === 0 ? `0 of ${totalCount}` : `${first}–${first + shown - 1} of ${totalCount}`}
      </Text>
      <Group gap="xs">
        <Button
          variant="default"
          disabled={isLoading || !pageInfo.hasPreviousPage}
          onClick={() => go(at.page - 1, { before: pageInfo.startCursor })}
        >
          Previous
        </Button>
        <Button
          variant="default"
          disabled={isLoading || !pageInfo.hasNextPage}
          onClick={() => go(at.page + 1, { after: pageInfo.endCursor })}
        >
          Next
        </Button>
      </Group>
    </Group>
  );
}
