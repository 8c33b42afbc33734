import type { GameParamsPatch } from '../gql/graphql';

export interface Param {
  /** Null for one that is not stored yet. */
  id: string | null;
  /** What React knows the row by. */
  row: string;
  key: string;
  value: string;
}

/** What a form holds: texts, and params. */
export interface Values {
  params: Param[];
}

/** The fields of a form that are texts, with their labels. */
export type Fields<Of extends Values> = readonly (readonly [
  field: Exclude<keyof Of, 'params'> & string,
  label: string,
])[];

/** What was typed, as changes to what was read; what is the same is undefined. */
export function changesOf<Of extends Values>(
  fields: Fields<Of>,
  read: Of,
  typed: Of,
): Partial<Omit<Of, 'params'>> & { params: GameParamsPatch } {
  const changed = fields.filter(([field]) => typed[field] !== read[field]);
  return {
    ...(Object.fromEntries(changed.map(([field]) => [field, typed[field]])) as Partial<Omit<Of, 'params'>>),
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
export interface Difference<Of extends Values> {
  label: string;
  /** What is stored now; null where it was removed. */
  now: string | null;
  yours: string;
  /** The form with what is stored now. */
  take: (typed: Of) => Of;
}

/**
 * Brings together what was typed and what somebody else has stored meanwhile. What was typed stays; what was left alone
 * becomes what is stored now.
 */
export function merge<Of extends Values>(
  fields: Fields<Of>,
  read: Of,
  typed: Of,
  now: Of,
): { values: Of; differences: Difference<Of>[] } {
  const values: Of = { ...typed, params: [] };
  const differences: Difference<Of>[] = [];

  for (const [field, label] of fields) {
    if (typed[field] === read[field]) Object.assign(values, { [field]: now[field] });
    else if (now[field] !== read[field] && now[field] !== typed[field]) {
      differences.push({
        label,
        now: textOf(now[field]),
        yours: textOf(typed[field]) ?? '',
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
        now: after ? textOfParam(after) : null,
        yours: textOfParam(param),
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

/** The params of a form that was opened on what is stored. */
export const paramValues = (
  params: readonly { id: string; key?: string | null; value?: string | null }[],
): Param[] => params.map(({ id, key, value }) => ({ id, row: id, key: key ?? '', value: value ?? '' }));

/** The params of something new. */
export const newParams = (params: readonly Param[]) => params.map(({ key, value }) => ({ key, value }));

const paramOf = ({ params }: Values, id: string | null): Param | undefined =>
  id === null ? undefined : params.find((param) => param.id === id);

type Setting = Pick<Param, 'key' | 'value'>;
const isSame = (one: Setting, other: Setting): boolean => one.key === other.key && one.value === other.value;
const textOfParam = ({ key, value }: Setting): string => `${key}: ${value}`;
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
