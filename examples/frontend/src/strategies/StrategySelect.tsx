import { useQuery } from '@apollo/client/react';
import { NativeSelect, type NativeSelectProps } from '@mantine/core';
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

interface Props extends Omit<NativeSelectProps, 'value' | 'onChange'> {
  /** Games are put on published strategies; games that are on an archived one stay there until they are moved. */
  status: StrategyStatus[];
  value: string | null;
  onChange: (id: string | null) => void;
  /** What stands for no strategy; without it, one must be chosen. */
  none?: string;
}

export function StrategySelect({ status, value, onChange, none, ...props }: Props) {
  const { data, error } = useQuery(STRATEGY_OPTIONS, { variables: { status } });
  const strategies = data?.strategies?.nodes ?? [];
  const options = [
    ...(none === undefined ? [] : [{ value: '', label: none }]),
    ...strategies.map((strategy) => ({ value: strategy.id, label: strategyLabel(strategy, strategy.id) })),
  ];
  // A game may be on one that is not offered: it is shown all the same.
  const isOffered = options.some((option) => option.value === (value ?? ''));
  return (
    <NativeSelect
      {...props}
      data={isOffered ? options : [...options, { value: value ?? '', label: value ?? 'None' }]}
      value={value ?? ''}
      error={props.error ?? (error && 'The strategies could not be read. Open this again.')}
      onChange={({ currentTarget }) => onChange(currentTarget.value || null)}
    />
  );
}

/** @param id what is shown of a strategy that is gone */
export const strategyLabel = (
  strategy: StrategyLabelFragment | null | undefined,
  id: string | null | undefined,
): string => (strategy ? `${strategy.name} ${strategy.version}` : (id ?? 'None'));
