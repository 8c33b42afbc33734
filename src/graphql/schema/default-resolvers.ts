import {
  defaultTypeResolver,
  isAbstractType,
  isObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { Written, WrittenObject } from '../../sql-json/encoded-json.js';

/**
 * Lets fields below the root hand out what the field at the root has read: of a text that PostgreSQL wrote, what
 * stands there under the field's name in the answer; of any other object, its property.
 */
export function handOut(schema: GraphQLSchema): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) type.resolveType = defaultTypeResolver;
    if (!isObjectType(type) || roots.has(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (parent, _args, _context, info) => valueOf(parent, info);
    }
  }
  return schema;
}

function valueOf(parent: unknown, { fieldName, path }: GraphQLResolveInfo): unknown {
  const key = String(path.key);
  if (parent instanceof Written || parent instanceof WrittenObject) return parent.get(key);
  const value = (parent as Readonly<Record<string, unknown>>)[fieldName];
  return value instanceof Written ? value.as(key) : value;
}
