import { M0001AdoptGame } from './m0001-adopt-game.js';
import { M0002StrategyReassignments } from './m0002-strategy-reassignments.js';
import { M0003OwnerCounts } from './m0003-owner-counts.js';
import { M0004IdempotencyKeys } from './m0004-idempotency-keys.js';
import { M0005ReassignedTasks } from './m0005-reassigned-tasks.js';

/** All migrations, oldest first. Append-only: one that was released is never changed. */
export const migrations = [
  { name: 'M0001AdoptGame', class: M0001AdoptGame },
  { name: 'M0002StrategyReassignments', class: M0002StrategyReassignments },
  { name: 'M0003OwnerCounts', class: M0003OwnerCounts },
  { name: 'M0004IdempotencyKeys', class: M0004IdempotencyKeys },
  { name: 'M0005ReassignedTasks', class: M0005ReassignedTasks },
];
