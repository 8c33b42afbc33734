import { defineEntity } from '@mikro-orm/core';

const GameParamSchema = defineEntity({
  name: 'GameParam',
  tableName: 'gamesparams',
  properties: (p) => ({
    id: p.uuid().primary(),
    key: p.string().nullable(),
    value: p.string().nullable(),
    gameId: p.uuid().nullable(),
    apiKey: p.string().name('apiKey_used').nullable(),
    oauthUserId: p.string().name('oauth_user_id').nullable(),
    createdAt: p.string().columnType('timestamptz').name('created_at').nullable(),
    updatedAt: p.string().columnType('timestamptz').name('updated_at').nullable(),
  }),
});

/** A row of GAME's table `gamesparams`. The same key may stand twice in a game. */
export class GameParam extends GameParamSchema.class {}
GameParamSchema.setClass(GameParam);
