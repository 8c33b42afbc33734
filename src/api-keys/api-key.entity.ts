import { defineEntity } from '@mikro-orm/core';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'apikey',
  properties: (p) => ({
    id: p.uuid().primary(),
    prefix: p.string().name('apiKey').unique().nullable(),
    hash: p.string().name('apiKeyHash').unique(),
    client: p.string().nullable(),
    description: p.string().nullable(),
    active: p.boolean().nullable(),
    createdBy: p.string().nullable(),
    createdAt: p.string().columnType('timestamptz').name('created_at').nullable(),
    updatedAt: p.string().columnType('timestamptz').name('updated_at').nullable(),
  }),
});

/** A row of GAME's table `apikey`. The secret itself is stored nowhere. */
export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);
