import { useQuery } from '@apollo/client/react';
import { Select, type SelectProps } from '@mantine/core';
import { graphql } from '../gql';
import type { StrategyLabelFragment, StrategyStatus } from '../gql/graphql';

graphql(`
  fragment StrategyLabel on Strategy {
    id
    name
    version
  }
`);

const STRATEGY_OPTIONS = graphql(`
  query StrategyOptions($status: [StrategyStatus!]!) {
    strategies(first: 100, filter: { status: { in: $status } }) {
      nodes {
        ...StrategyLabel
      }
    }
  }
`);

interface Props extends SelectProps {
  /** Games are put on published strategies; games that are on an archived one stay there until they are moved. */
  status: StrategyStatus[];
}

export function StrategySelect({ status, ...props }: Props) {
  const { data, error } = useQuery(STRATEGY_OPTIONS, { variables: { status } });
  const options = (data?.strategies?.nodes ?? []).map((strategy) => ({
    value: strategy.id,
    label: strategyLabel(strategy, strategy.id),
  }));
  // A game may be on one that is not offered: it is shown all the same.
  const isOffered = !props.value || options.some(({ value }) => value === props.value);
  return (
    <Select
      searchable
      nothingFoundMessage="No strategy has this name"
      {...props}
      data={isOffered ? options : [...options, { value: props.value ?? '', label: props.value ?? '' }]}
      error={props.error ?? (error && 'The strategies could not be read. Open this again.')}
    />
  );
}

/** @param id what is shown of a strategy that is gone */
export const strategyLabel = (
  strategy: StrategyLabelFragment | null | undefined,
  id: string | null | undefined,
): string => (strategy ? `${strategy.name} ${strategy.version}` : (id ?? 'None'));
