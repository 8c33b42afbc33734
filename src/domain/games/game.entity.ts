import { defineEntity } from '@mikro-orm/core';
import { GameRepository } from './game.repository.js';

const GameSchema = defineEntity({
  name: 'Game',
  tableName: 'games',
  repository: () => GameRepository,
  properties: (p) => ({
    id: p.uuid().primary(),
    externalGameId: p.string().unique().nullable(),
    platform: p.string().nullable(),
    strategyId: p.string().nullable(),
    ownerApiKey: p.string().name('apiKey_used').nullable(),
    ownerOauthUserId: p.string().name('oauth_user_id').nullable(),
    // Timestamps are text: a JavaScript Date would lose their microseconds.
    createdAt: p.string().columnType('timestamptz').name('created_at').nullable(),
    updatedAt: p.string().columnType('timestamptz').name('updated_at').nullable(),
  }),
});

/** A row of GAME's table `games`. */
export class Game extends GameSchema.class {}
GameSchema.setClass(Game);
