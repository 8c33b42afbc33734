import type { PatchGameInput } from '../gql/graphql';
import type { GameParam, GameValues } from './GameForm';

/** What was typed, as changes to what was read. */
export function changesOf(read: GameValues, typed: GameValues): Omit<PatchGameInput, 'id' | 'dryRun'> {
  const changed = <T>(before: T, after: T): T | undefined => (before === after ? undefined : after);
  return {
    externalGameId: changed(read.externalGameId, typed.externalGameId),
    platform: changed(read.platform, typed.platform),
    strategyId: changed(read.strategyId, typed.strategyId),
    params: {
      add: typed.params.filter(({ id }) => id === null).map(({ key, value }) => ({ key, value })),
      update: typed.params.flatMap(({ id, key, value }) => {
        const before = paramOf(read, id);
        return id !== null && before && !isSame(before, { key, value }) ? [{ id, key, value }] : [];
      }),
      remove: read.params.flatMap(({ id }) => (id !== null && !paramOf(typed, id) ? [id] : [])),
    },
  };
}

/** Something that was typed here and changed elsewhere. */
export interface Difference {
  label: string;
  /** What is stored now; null where it was removed. */
  now: string | null;
  yours: string;
  /** The form with what is stored now. */
  take: (typed: GameValues) => GameValues;
}

/**
 * Brings together what was typed and what somebody else has stored meanwhile. What was typed stays; what was left alone
 * becomes what is stored now.
 */
export function merge(
  read: GameValues,
  typed: GameValues,
  now: GameValues,
): { values: GameValues; differences: Difference[] } {
  const values: GameValues = { ...typed, params: [] };
  const differences: Difference[] = [];

  for (const [field, label] of FIELDS) {
    if (typed[field] === read[field]) Object.assign(values, { [field]: now[field] });
    else if (now[field] !== read[field] && now[field] !== typed[field]) {
      differences.push({
        label,
        now: now[field],
        yours: typed[field] ?? '',
        take: (form) => ({ ...form, [field]: now[field] }),
      });
    }
  }

  for (const param of typed.params) {
    const before = paramOf(read, param.id);
    const after = paramOf(now, param.id);
    const isTyped = !before || !isSame(before, param);
    if (!isTyped) values.params.push(...(after ? [after] : []));
    else values.params.push(after || param.id === null ? param : { ...param, id: null });
    if (isTyped && before && !(after && (isSame(after, before) || isSame(after, param)))) {
      differences.push({
        label: `Param ${before.key}`,
        now: after ? textOf(after) : null,
        yours: textOf(param),
        take: (form) => ({
          ...form,
          params: form.params.flatMap((other) => (other.row === param.row ? (after ?? []) : other)),
        }),
      });
    }
  }
  values.params.push(...now.params.filter(({ id }) => !paramOf(read, id)));
  return { values, differences };
}

const FIELDS = [
  ['externalGameId', 'Name'],
  ['platform', 'Platform'],
  ['strategyId', 'Strategy'],
] as const;

const paramOf = ({ params }: GameValues, id: string | null): GameParam | undefined =>
  id === null ? undefined : params.find((param) => param.id === id);

type Setting = Pick<GameParam, 'key' | 'value'>;
const isSame = (one: Setting, other: Setting): boolean => one.key === other.key && one.value === other.value;
const textOf = ({ key, value }: Setting): string => `${key}: ${value}`;
