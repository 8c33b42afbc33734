import { defineEntity } from '@mikro-orm/core';

const LogEntrySchema = defineEntity({
  name: 'LogEntry',
  tableName: 'logs',
  properties: (p) => ({
    id: p.uuid().primary(),
    logLevel: p.string().name('log_level').nullable(),
    message: p.string().nullable(),
    module: p.string().nullable(),
    details: p.json().columnType('json').nullable(),
    apiKey: p.string().name('apiKey_used').nullable(),
    oauthUserId: p.string().name('oauth_user_id').nullable(),
    createdAt: p.string().columnType('timestamptz').name('created_at').nullable(),
    updatedAt: p.string().columnType('timestamptz').name('updated_at').nullable(),
  }),
});

/** A row of GAME's audit table `logs`. */
export class LogEntry extends LogEntrySchema.class {}
LogEntrySchema.setClass(LogEntry);
