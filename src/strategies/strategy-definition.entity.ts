import { defineEntity } from '@mikro-orm/core';

const StrategyDefinitionSchema = defineEntity({
  name: 'StrategyDefinition',
  tableName: 'strategydefinition',
  properties: (p) => ({
    id: p.uuid().primary(),
    realmId: p.string().nullable(),
    name: p.string(),
    version: p.integer(),
    status: p.string(),
  }),
});

/** A row of GAME's table `strategydefinition`: one version of a custom strategy. */
export class StrategyDefinition extends StrategyDefinitionSchema.class {}
StrategyDefinitionSchema.setClass(StrategyDefinition);
