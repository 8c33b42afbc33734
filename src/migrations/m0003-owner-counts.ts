import { Migration } from '@mikro-orm/migrations';
import { addIndexes } from './indexes.js';

/**
 * Indexes that counts of an owner's games are read from. The lists' own would do, but they hold each game's place
 * in an order besides: they are ten times as large, and counting in them takes twice the time.
 */
const INDEXES: Readonly<Record<string, string>> = {
  games_key: `games ("apiKey_used")`,
  games_subject: `games (oauth_user_id)`,
};

/** Adds indexes only, without keeping GAME from writing. */
export class M0003OwnerCounts extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override async up(): Promise<void> {
    await addIndexes(this, INDEXES);
  }
}
