import { useState } from 'react';
import { isVersionConflict } from '../errors';
import { changesOf, merge, type Difference, type Fields, type Values } from './merge';

/** What a form is opened on. */
export interface Stored<Of> {
  version: string;
  values: Of;
}

interface Edit<Of extends Values> {
  fields: Fields<Of>;
  stored: Stored<Of>;
  save: (changes: ReturnType<typeof changesOf<Of>> & { expectedVersion: string }) => Promise<unknown>;
  /** Reads what is stored now. */
  readNow: () => Promise<Stored<Of> | undefined>;
}

/**
 * A form that changes something stored. Its changes are made for the version that was read. Where somebody else was
 * faster, it reads what is stored now, brings both together, and keeps what was typed.
 */
export function useEdit<Of extends Values>({ fields, stored, save, readNow }: Edit<Of>) {
  const [read, setRead] = useState(stored);
  const [values, setValues] = useState(stored.values);
  const [differences, setDifferences] = useState<Difference<Of>[] | null>(null);

  const submit = async () => {
    try {
      await save({ expectedVersion: read.version, ...changesOf(fields, read.values, values) });
    } catch (refusal) {
      // The hook of the mutation holds the error; a conflict needs what is stored now.
      if (!isVersionConflict(refusal)) return;
      const now = await readNow().catch(() => undefined);
      if (!now) return;
      const merged = merge(fields, read.values, values, now.values);
      setRead(now);
      setValues(merged.values);
      setDifferences(merged.differences);
    }
  };

  const take = (difference: Difference<Of>) => {
    setValues(difference.take);
    setDifferences((left) => left && left.filter((other) => other !== difference));
  };

  return { values, setValues, differences, submit: () => void submit(), take };
}
