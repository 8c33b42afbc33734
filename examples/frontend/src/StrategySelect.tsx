import { useQuery } from '@apollo/client/react';
import { Select, type SelectProps } from '@mantine/core';
import { STRATEGIES } from './operations';

/** The strategies that a game can be put on. */
export function StrategySelect(props: SelectProps) {
  const { data } = useQuery(STRATEGIES);
  const strategies = data?.strategies?.nodes ?? [];
  return (
    <Select
      {...props}
      searchable
      data={strategies.map(({ id, name, version }) => ({ value: id, label: `${name} ${version}` }))}
    />
  );
}
