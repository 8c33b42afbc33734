import { defaultTypeResolver, isAbstractType, isObjectType, type GraphQLSchema } from 'graphql';
import { partKey } from './selection.js';

/**
 * Lets fields below the root hand out what the field at the root has read: those with arguments the part that
 * was read for their arguments, and interfaces the type that the object names as `__typename`. All others are
 * properties. (Resolvers of type-graphql would do the same with a promise for each row and field.)
 */
export function handOut(schema: GraphQLSchema): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) type.resolveType = defaultTypeResolver;
    if (!isObjectType(type) || roots.has(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.args.length === 0) continue;
      field.resolve = (parent: Record<string, unknown>, _args, _context, info) => parent[partKey(info)];
    }
  }
  return schema;
}
