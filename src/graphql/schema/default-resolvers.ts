import {
  defaultTypeResolver,
  isAbstractType,
  isNonNullType,
  isObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { EncodedJson, ParsedJson } from '../../sql-json/encoded-json.js';

/**
 * Gives the fields below the root their resolvers: they return what the field at the root has read. Of JSON that
 * PostgreSQL wrote, that is what stands there under the field's response name; of any other object, its property.
 */
export function useDefaultResolvers(schema: GraphQLSchema): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) type.resolveType = defaultTypeResolver;
    if (!isObjectType(type) || roots.has(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (parent, _args, context: Reported, info) =>
        onceReported(valueOf(parent, info), context, info);
    }
  }
  return schema;
}

/** The errors that an answer has already. */
interface Reported {
  readonly reported: Set<Error>;
}

/**
 * An argument that was refused stands in each object of a list as the same error. It is reported once, and is null
 * elsewhere, where null is allowed.
 */
function onceReported(value: unknown, { reported }: Reported, { returnType }: GraphQLResolveInfo): unknown {
  if (!(value instanceof Error) || isNonNullType(returnType)) return value;
  if (reported.has(value)) return null;
  reported.add(value);
  return value;
}

function valueOf(parent: unknown, { fieldName, path }: GraphQLResolveInfo): unknown {
  const responseName = String(path.key);
  if (parent instanceof EncodedJson || parent instanceof ParsedJson) return parent.get(responseName);
  const value = (parent as Readonly<Record<string, unknown>>)[fieldName];
  return value instanceof EncodedJson ? value.as(responseName) : value;
}
