import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';

interface Props {
  value: string;
  onSearch: (text: string) => void;
}

/** Searches when the typing pauses. */
export function Search({ value, onSearch }: Props) {
  const [typed, setTyped] = useState(value);
  const [searched, setSearched] = useState(value);
  const search = useDebouncedCallback((text: string) => {
    setSearched(text);
    onSearch(text);
  }, 250);

  // Another value than the one searched for comes from outside: the browser's back, or "Show all games".
  if (value !== searched) {
    setSearched(value);
    setTyped(value);
  }

  return (
    <TextInput
      type="search"
      label="Search"
      placeholder="Part of the name"
      value={typed}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        search(currentTarget.value);
      }}
    />
  );
}
