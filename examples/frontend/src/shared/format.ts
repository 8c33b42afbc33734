/** A day, in the reader's language. */
export const day = (instant: string | null | undefined): string =>
  instant ? new Date(instant).toLocaleDateString(undefined, { dateStyle: 'medium' }) : 'Unknown';

/** A day and a time. */
export const time = (instant: string | null | undefined): string =>
  instant
    ? new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
    : 'Unknown';

/** `1 game`, `2 games`. */
export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** `2 games`, `2 games and 1 task`. */
export const gamesAndTasks = (games: number, tasks: number): string =>
  tasks === 0 ? count(games, 'game') : `${count(games, 'game')} and ${count(tasks, 'task')}`;
