import { execute, parse, validate, type ExecutionResult } from 'graphql';
import type { Caller } from '../../src/auth/caller.js';
import { readConfig } from '../../src/config.js';
import { Context, createRepositories } from '../../src/app/context.js';
import { openDatabase } from '../../src/database/database.js';
import { Work } from '../../src/database/work.js';
import { Budget } from '../../src/rates/budget.js';
import { createSchema } from '../../src/app/schema.js';
import { Strategies } from '../../src/domain/strategies/strategies.js';
import type { Variables } from './api.js';

/** The product's schema on a database, executed by graphql-js, which looks at every value. */
export interface Reference {
  answer(document: string, variables: Variables, caller: Caller): Promise<ExecutionResult>;
  close(): Promise<void>;
}

export async function startReference(databaseUrl: string): Promise<Reference> {
  const config = readConfig({ DATABASE_URL: databaseUrl });
  const database = await openDatabase(config.database, { maxWaitMs: 60_000 });
  const repositories = createRepositories(database.em, new Strategies(config.strategies));
  const schema = createSchema();
  return {
    answer: async (text, variables, caller) => {
      const document = parse(text);
      const problems = validate(schema, document);
      if (problems.length > 0) throw new Error(problems.join('\n'));
      const contextValue = new Context(
        caller,
        repositories,
        {},
        Infinity,
        null,
        new Work(),
        new Budget(null, ''),
      );
      return execute({ schema, document, variableValues: variables, contextValue });
    },
    close: () => database.close(),
  };
}
