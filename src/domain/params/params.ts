import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql, { type Sql } from 'sql-template-tag';
import { identityOf, type KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { limitExceeded, type Problems } from '../../errors.js';

/** What has params: games and tasks, each with a table of params of the same form. */
export interface ParamsOwners {
  readonly noun: 'game' | 'task';
  readonly table: Sql;
  readonly params: Sql;
  /** The column of the params that says whose they are. */
  readonly ownerId: Sql;
}
export const GAMES: ParamsOwners = {
  noun: 'game',
  table: sql`games`,
  params: sql`gamesparams`,
  ownerId: sql`"gameId"`,
};
export const TASKS: ParamsOwners = {
  noun: 'task',
  table: sql`tasks`,
  params: sql`tasksparams`,
  ownerId: sql`"taskId"`,
};

export interface NewParam {
  readonly key: string;
  readonly value: string;
}

/** A param to change: null and undefined mean unchanged. */
export interface ParamUpdate {
  readonly id: string;
  readonly key?: string | null | undefined;
  readonly value?: string | null | undefined;
}

/** Changes to the params of one game or task. */
export interface ParamsPatch {
  readonly add?: readonly NewParam[] | null | undefined;
  readonly update?: readonly ParamUpdate[] | null | undefined;
  readonly remove?: readonly string[] | null | undefined;
}

/** A value that a write changed, or would change: `platform`, `params.<key>`. */
export interface FieldChange {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A column that a patch changes. */
export interface ColumnChange<Field extends string> extends FieldChange {
  readonly field: Field;
  readonly after: string;
}

/** The columns to which a patch gives another value: null and undefined mean unchanged. */
export function columnChanges<Field extends string>(
  stored: Readonly<Record<Field, string | null>>,
  patch: { readonly [Name in Field]?: string | null | undefined },
  fields: readonly Field[],
): ColumnChange<Field>[] {
  return fields.flatMap((field) => {
    const after = patch[field] ?? null;
    return after === null || after === stored[field] ? [] : [{ field, before: stored[field], after }];
  });
}

/** What a patch of params comes to. */
export interface ParamsPlan {
  readonly changes: readonly FieldChange[];
  /** Ids that name no param of the game or task. */
  readonly unknownIds: readonly string[];
  write(caller: KnownCaller): Promise<void>;
}

interface StoredParam {
  readonly id: string;
  readonly key: string | null;
  readonly value: string | null;
}

/** Params of a game or a task, by the id of that. */
type ParamsById = ReadonlyMap<string, readonly NewParam[]>;

/**
 * Adds params to games or tasks, in one statement. The caller owns them.
 *
 * Params are read oldest first: a microsecond apart they keep the order that they were given in.
 */
export async function addParams(
  em: SqlEntityManager,
  caller: KnownCaller,
  { params, ownerId }: ParamsOwners,
  paramsById: ParamsById,
): Promise<void> {
  const rows = [...paramsById].flatMap(([id, own]) => own.map(({ key, value }) => ({ id, key, value })));
  if (rows.length === 0) return;
  const { apiKey, oauthUserId } = identityOf(caller);
  await query(
    em,
    sql`INSERT INTO ${params} (id, key, value, ${ownerId}, "apiKey_used", oauth_user_id, created_at, updated_at)
        SELECT n.id, n.key, n.value, n.owner_id, ${apiKey}, ${oauthUserId},
          now() + n.number * interval '1 microsecond', now()
        FROM unnest(${rows.map(() => randomUUID())}::uuid[], ${rows.map(({ key }) => key)}::text[],
          ${rows.map(({ value }) => value)}::text[], ${rows.map(({ id }) => id)}::uuid[])
          WITH ORDINALITY n (id, key, value, owner_id, number)`,
  );
}

/** Locks the params of a game or a task, so that nobody else changes them. */
export function lockParams(
  em: SqlEntityManager,
  { params, ownerId }: ParamsOwners,
  id: string,
): Promise<StoredParam[]> {
  return query<StoredParam>(
    em,
    sql`SELECT id, key, value FROM ${params} WHERE ${ownerId} = ${id}::uuid ORDER BY id FOR UPDATE`,
  );
}

/**
 * Works out what a patch does to the params of a locked game or task, and locks them; adds to `problems` what is
 * wrong with it. Nothing is written yet.
 *
 * @param owner id of the game or task
 */
export async function planParams(
  em: SqlEntityManager,
  owners: ParamsOwners,
  owner: string,
  patch: ParamsPatch | null | undefined,
  path: string,
  problems: Problems,
): Promise<ParamsPlan> {
  const add = patch?.add ?? [];
  const update = patch?.update ?? [];
  const remove = [...new Set(patch?.remove ?? [])];
  if (add.length + update.length + remove.length === 0) {
    return { changes: [], unknownIds: [], write: () => Promise.resolve() };
  }
  problems.checkText(path, patch);
  checkUpdates(update, remove, path, problems);
  // Before the rows are read: what is added is bounded by itself.
  checkSize(owners, add, add);

  const rows = await lockParams(em, owners, owner);
  const stored = new Map(rows.map((row) => [row.id, row]));
  const updated = update.flatMap((item) => {
    const before = stored.get(item.id);
    const after = before && { ...before, key: item.key ?? before.key, value: item.value ?? before.value };
    return after && (after.key !== before.key || after.value !== before.value) ? [{ before, after }] : [];
  });
  const removed = remove.flatMap((id) => stored.get(id) ?? []);
  const left = new Map(stored);
  for (const { after } of updated) left.set(after.id, after);
  for (const { id } of removed) left.delete(id);
  checkSize(owners, [...left.values(), ...add], [...add, ...updated.map(({ after }) => after)]);
  return {
    changes: [
      ...updated.flatMap(({ before, after }) =>
        before.key === after.key
          ? [change(after.key, before.value, after.value)]
          : [change(before.key, before.value, null), change(after.key, null, after.value)],
      ),
      ...removed.map(({ key, value }) => change(key, value, null)),
      ...add.map(({ key, value }) => change(key, null, value)),
    ],
    unknownIds: [...update.map(({ id }) => id), ...remove].filter((id) => !stored.has(id)),
    write: async (caller) => {
      await updateParams(
        em,
        owners,
        updated.map(({ after }) => after),
      );
      if (removed.length > 0) {
        const ids = removed.map((param) => param.id);
        await query(em, sql`DELETE FROM ${owners.params} WHERE id = ANY(${ids}::uuid[])`);
      }
      await addParams(em, caller, owners, new Map([[owner, add]]));
    },
  };
}

async function updateParams(
  em: SqlEntityManager,
  { params }: ParamsOwners,
  updated: readonly StoredParam[],
): Promise<void> {
  if (updated.length === 0) return;
  await query(
    em,
    sql`UPDATE ${params} p SET key = n.key, value = n.value, updated_at = clock_timestamp()
        FROM unnest(${updated.map(({ id }) => id)}::uuid[], ${updated.map(({ key }) => key)}::text[],
          ${updated.map(({ value }) => value)}::text[]) n (id, key, value)
        WHERE p.id = n.id`,
  );
}

/** Maximum number of params of one game or task, and of bytes of all their keys and values. */
const MAX_PARAMS = 500;
const MAX_PARAMS_BYTES = 300_000;

/**
 * Bounds the params that a game or a task has after a write; what GAME has stored already is left as it is where nothing is
 * added or changed.
 *
 * @throws LIMIT_EXCEEDED
 */
export function checkSize(
  { noun }: ParamsOwners,
  all: readonly Pick<StoredParam, 'key' | 'value'>[],
  written: readonly unknown[],
): void {
  if (written.length === 0) return;
  if (all.length > MAX_PARAMS) {
    throw limitExceeded(`A ${noun} may have at most ${MAX_PARAMS} params; it would have ${all.length}.`);
  }
  const bytes = all.reduce(
    (sum, { key, value }) => sum + Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? ''),
    0,
  );
  if (bytes > MAX_PARAMS_BYTES) {
    throw limitExceeded(
      `The params of a ${noun} may have at most ${MAX_PARAMS_BYTES} bytes together; they would have ${bytes}.`,
    );
  }
}

/** A param can be changed once, and not be changed and removed at a time: which of the two would be meant? */
function checkUpdates(
  update: readonly ParamUpdate[],
  remove: readonly string[],
  path: string,
  problems: Problems,
): void {
  const seen = new Set<string>();
  update.forEach(({ id }, index) => {
    const argument = `${path}.update.${index}.id`;
    if (seen.has(id)) problems.add(argument, 'is given twice in update.');
    if (remove.includes(id)) problems.add(argument, 'must not stand in both update and remove.');
    seen.add(id);
  });
}

function change(key: string | null, before: string | null, after: string | null): FieldChange {
  return { field: `params.${key ?? ''}`, before, after };
}
