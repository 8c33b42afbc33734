import { defaultFieldResolver, isObjectType, type GraphQLSchema } from 'graphql';
import { Problems } from '../errors.js';

/**
 * Makes every field outside of Mutation refuse strings that PostgreSQL or UTF-8 cannot carry (NUL, lone
 * surrogates), wherever they stand in its arguments: also those of fields that are added later. Mutations
 * check their input by their own rules, which report such strings among all else that is wrong.
 */
export function refuseBrokenText(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type === schema.getMutationType() || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.args.length === 0) continue;
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (source, args: Record<string, unknown>, context, info): unknown => {
        const problems = new Problems();
        for (const [name, value] of Object.entries(args)) problems.checkText(name, value);
        problems.throwIfAny();
        return resolve(source, args, context, info);
      };
    }
  }
  return schema;
}
