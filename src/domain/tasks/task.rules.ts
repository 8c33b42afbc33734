import type { Problems } from '../../errors.js';

const MAX_EXTERNAL_TASK_ID_LENGTH = 200;
/** How many characters an external id has, in words. GAME takes any text. */
export const EXTERNAL_TASK_ID_LENGTH = `1 to ${MAX_EXTERNAL_TASK_ID_LENGTH}`;

/** The states that a task can be given. GAME's rows have others. */
const STATUSES = ['open', 'closed'];
/** The state of a new task. */
export const NEW_TASK_STATUS = 'open';

/** Maximum number of tasks that a game is created with. */
export const MAX_NEW_TASKS = 100;

export function checkExternalTaskId(value: string, argument: string, problems: Problems): void {
  problems.checkLength(argument, value, MAX_EXTERNAL_TASK_ID_LENGTH);
}

export function checkStatus(value: string, argument: string, problems: Problems): void {
  if (!STATUSES.includes(value)) problems.add(argument, `must be ${STATUSES.join(' or ')}.`);
}
