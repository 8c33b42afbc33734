import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  specifiedScalarTypes,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import type { Api, Variables } from './api.js';

export interface Operation {
  readonly document: string;
  readonly variables: Variables;
}

/** A place in the schema where a client can put a string. */
export interface TextPlace {
  /** Such as `Game.tasks(filter.status.eq)`. */
  readonly name: string;
  /** Path of the argument, as problems name it. */
  readonly argument: string;
  /** An operation that puts this string there. */
  readonly put: (text: string) => Operation;
}

/** The schema that an API serves. */
export async function schemaOf(api: Api): Promise<GraphQLSchema> {
  return buildClientSchema(await api.data<IntrospectionQuery>(getIntrospectionQuery()));
}

/** The operations with one field at their top that the schema has, by the name of the field. */
export function rootOperations(schema: GraphQLSchema, samples: Variables): Record<string, Operation> {
  const roots = [schema.getQueryType(), schema.getMutationType()].filter((type) => isObjectType(type));
  return Object.fromEntries(
    roots.flatMap((type) =>
      Object.values(type.getFields()).map((field) => [
        field.name,
        operation(schema, { type, path: [] }, field, samples),
      ]),
    ),
  );
}

/** A field of an object, and an operation that asks for it. */
export interface FieldOperation extends Operation {
  readonly type: string;
  readonly field: string;
}

/** The fields below the root of each type of objects that a way leads to. */
export function fieldOperations(schema: GraphQLSchema, samples: Variables): FieldOperation[] {
  return [...waysTo(schema).values()]
    .filter(({ path }) => path.length > 0)
    .flatMap((way) =>
      Object.values(way.type.getFields()).map((field) => ({
        type: way.type.name,
        field: field.name,
        ...operation(schema, way, field, samples),
      })),
    );
}

/**
 * Every place where a string can be put: each argument of each field, and what is inside of it.
 *
 * @param samples values for what else is required, by the name of the argument or input field, or of the input type and
 *   its field (`PatchTaskInput.id`); the rows that lead to a field must be there
 */
export function textPlaces(schema: GraphQLSchema, samples: Variables): TextPlace[] {
  return fieldsWithArguments(schema).flatMap(({ way, field }) =>
    field.args.flatMap((argument) =>
      placesIn(argument.type, argument.name, samples, []).map((place) => ({
        name: `${way.type.name}.${field.name}(${place.path})`,
        argument: place.path,
        put: (text: string) =>
          operation(schema, way, field, { ...samples, [argument.name]: place.put(text) }, argument),
      })),
    ),
  );
}

/** A type of objects and the fields that lead to it from the top. */
interface Way {
  readonly type: GraphQLObjectType;
  readonly path: readonly string[];
}

/** The ways to the types of objects that fields without required arguments lead to, by their names. */
function waysTo(schema: GraphQLSchema): ReadonlyMap<string, Way> {
  const ways = new Map<string, Way>();
  const queue: Way[] = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    type ? [{ type, path: [] }] : [],
  );
  for (let way = queue.shift(); way; way = queue.shift()) {
    if (ways.has(way.type.name)) continue;
    ways.set(way.type.name, way);
    for (const field of Object.values(way.type.getFields())) {
      const type = getNamedType(field.type);
      if (isObjectType(type) && !field.args.some(isRequiredArgument)) {
        queue.push({ type, path: [...way.path, field.name] });
      }
    }
  }
  return ways;
}

function fieldsWithArguments(schema: GraphQLSchema): { way: Way; field: GraphQLField<unknown, unknown> }[] {
  const ways = waysTo(schema);
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      Object.values((type as GraphQLObjectType).getFields()).flatMap((field) => {
        if (field.args.length === 0) return [];
        const way = ways.get(type.name);
        if (way === undefined) throw new Error(`No way leads to ${type.name}.${field.name}.`);
        return [{ way, field }];
      }),
    );
}

/** An operation that asks for one field, with its required arguments and one more. */
function operation(
  schema: GraphQLSchema,
  { type, path }: Way,
  field: GraphQLField<unknown, unknown>,
  samples: Variables,
  beside?: GraphQLArgument,
): Operation {
  const given = field.args.filter((argument) => argument === beside || isRequiredArgument(argument));
  const declared = given.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
  const passed = given.map(({ name }) => `${name}: $${name}`).join(', ');
  const call = field.name + (passed && `(${passed})`);
  const answer = isCompositeType(getNamedType(field.type)) ? `${call} { __typename }` : call;
  const selection = path.reduceRight((below, name) => `${name} { ${below} }`, answer);
  const kind = type === schema.getMutationType() ? 'mutation' : 'query';
  return {
    document: `${kind} ${declared && `(${declared})`} { ${selection} }`,
    variables: Object.fromEntries(given.map(({ name, type: of }) => [name, sample(of, name, samples)])),
  };
}

interface Place {
  readonly path: string;
  readonly put: (text: string) => unknown;
}

/** @param within the input types around this one: a type inside of itself is entered once, by its first field */
function placesIn(
  type: GraphQLInputType,
  path: string,
  samples: Variables,
  within: readonly GraphQLInputType[],
): Place[] {
  if (isNonNullType(type)) return placesIn(type.ofType, path, samples, within);
  if (isListType(type)) {
    return placesIn(type.ofType, `${path}.0`, samples, within).map((place) => ({
      ...place,
      put: (text) => [place.put(text)],
    }));
  }
  if (isScalarType(type)) {
    const isText = !specifiedScalarTypes.includes(type) || ['String', 'ID'].includes(type.name);
    return isText ? [{ path, put: (text) => text }] : [];
  }
  if (!isInputObjectType(type)) return [];
  const depth = within.filter((outer) => outer === type).length;
  const fields = Object.values(type.getFields()).slice(0, [undefined, 1, 0][depth]);
  return fields.flatMap((field) =>
    placesIn(field.type, `${path}.${field.name}`, samples, [...within, type]).map((place) => ({
      ...place,
      put: (text) => ({ ...required(type, samples), [field.name]: place.put(text) }),
    })),
  );
}

/** A value for an input: the sample of its name, or else any value of its type. */
function sample(type: GraphQLInputType, name: string, samples: Variables): unknown {
  if (name in samples) return samples[name];
  if (isNonNullType(type)) return sample(type.ofType, name, samples);
  if (isListType(type)) return [sample(type.ofType, '', samples)];
  if (isInputObjectType(type)) return required(type, samples);
  if (isEnumType(type)) return type.getValues()[0]?.name;
  return { Int: 1, Float: 1, Boolean: false }[type.name] ?? 'sample';
}

function required(type: GraphQLInputType, samples: Variables): Record<string, unknown> {
  if (!isInputObjectType(type)) return {};
  const fields = Object.values(type.getFields()).filter(isRequiredInputField);
  return Object.fromEntries(
    fields.map(({ name, type: of }) => {
      const own = `${type.name}.${name}`;
      return [name, sample(of, own in samples ? own : name, samples)];
    }),
  );
}
