import type { Setting } from './generator.js';
import { instantText } from './instant.js';
import { userName } from './names.js';
import { Random, STREAM } from './random.js';
import { emptyBatch, type Batch } from './tables.js';

const USERS_PER_BATCH = 5_000;

/** Id of the user with this number: computed, so that no list of users is held. */
export function userId(seed: number, index: number): string {
  return new Random(seed, index).uuid();
}

/** The users, who joined in the order of their numbers, spread evenly over the two years. */
export function* userBatches({ plan, start, users, owners }: Setting): Generator<Batch> {
  const random = new Random(plan.seed, STREAM.users);
  for (let from = 0; from < users; from += USERS_PER_BATCH) {
    const batch = emptyBatch();
    for (let index = from; index < Math.min(from + USERS_PER_BATCH, users); index++) {
      const share = (index + random.fraction()) / users;
      const joined = instantText(start + Math.floor(share * (plan.until - start)));
      const { apiKey, oauthUserId } = random.pick(owners);
      batch.users.push({
        id: userId(plan.seed, index),
        created_at: joined,
        updated_at: joined,
        apiKey_used: apiKey,
        oauth_user_id: oauthUserId,
        externalUserId: userName(index, plan.tag),
      });
    }
    yield batch;
  }
}
