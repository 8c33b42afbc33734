import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { Problems } from '../../errors.js';

/**
 * Makes every query refuse strings that PostgreSQL or UTF-8 cannot carry (NUL, lone surrogates), wherever they stand
 * in its arguments: also queries that are added later. Below the root `selectionOf` checks arguments. Mutations
 * check their input by their own rules, which report such strings among all else that is wrong.
 */
export function refuseUnstorableStrings(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    if (field.args.length === 0) continue;
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = (source, args: Record<string, unknown>, context, info): unknown => {
      checkStorable(args);
      return resolve(source, args, context, info);
    };
  }
  return schema;
}

/** @throws BAD_USER_INPUT that names every broken string in the arguments of a field */
export function checkStorable(args: Readonly<Record<string, unknown>>): void {
  const problems = new Problems();
  for (const [name, value] of Object.entries(args)) problems.checkText(name, value);
  problems.throwIfAny();
}
