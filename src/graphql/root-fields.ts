import {
  getArgumentValues,
  getVariableValues,
  isNonNullType,
  OperationTypeNode,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import type { Context } from '../app/context.js';
import { EncodedJson } from '../sql-json/encoded-json.js';
import type { Variables } from './cost.js';
import type { KnownOperation, RootField } from './known-documents.js';

/**
 * Runs the fields at the root of a query, side by side.
 *
 * @returns the JSON of the answer's `data`, where all fields are finished JSON. Null leaves the answer to graphql-js,
 *   to which `returnRootValues` hands what was read, so that nothing runs twice: there are errors to report, or values
 *   to complete
 */
export async function runRootFields(
  operation: KnownOperation,
  variables: Variables | null | undefined,
  context: Context,
): Promise<string | null> {
  const rootValues = new Map<string, Promise<unknown>>();
  context.rootValues = rootValues;
  const { schema, definition } = operation;
  if (definition.operation !== OperationTypeNode.QUERY) return null;
  const { coerced, errors } = getVariableValues(
    schema,
    definition.variableDefinitions ?? [],
    variables ?? {},
    {
      maxErrors: 1,
    },
  );
  if (errors) return null;
  const fields = fieldsOf(operation, coerced);
  if (fields === null) return null;
  for (const field of fields) {
    const args = argumentsOf(field, coerced);
    if (args !== null) rootValues.set(field.key, runField(operation, field, args, coerced, context));
  }
  await Promise.allSettled(rootValues.values());
  let json = '';
  for (const { key, field } of fields) {
    const text = await rootValues.get(key)?.then(finishedJson, () => null);
    if (typeof text !== 'string' || (text === 'null' && isNonNullType(field.type))) return null;
    json += `${json && ','}"${key}":${text}`;
  }
  return `{${json}}`;
}

/** Lets the fields at the root of a query return what `runRootFields` has read for them. */
export function returnRootValues(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = (source, args, context: Context, info): unknown =>
      context.rootValues?.get(String(info.path.key)) ?? resolve(source, args, context, info);
  }
  return schema;
}

/** Null where graphql-js has to say what is wrong with the variables of @skip and @include. */
function fieldsOf(operation: KnownOperation, variableValues: Variables): readonly RootField[] | null {
  try {
    return operation.rootFields(variableValues);
  } catch {
    return null;
  }
}

/** Null where graphql-js has to say what is wrong with the arguments. */
function argumentsOf({ field, nodes }: RootField, variableValues: Variables): Variables | null {
  const [node] = nodes;
  if (node === undefined || field.args.length === 0) return {};
  try {
    return getArgumentValues(field, node, variableValues);
  } catch {
    return null;
  }
}

async function runField(
  operation: KnownOperation,
  { key, parentType, field, nodes, selections }: RootField,
  args: Variables,
  variableValues: Variables,
  context: Context,
): Promise<unknown> {
  const { schema, fragments, definition } = operation;
  const info: GraphQLResolveInfo & Pick<RootField, 'selections'> = {
    fieldName: field.name,
    fieldNodes: nodes,
    returnType: field.type,
    parentType,
    path: { prev: undefined, key, typename: parentType.name },
    schema,
    fragments,
    rootValue: undefined,
    operation: definition,
    variableValues,
    selections,
  };
  return (await field.resolve?.(undefined, args, context, info)) ?? null;
}

/** The text of a value that needs no completion; null where it needs one. */
function finishedJson(value: unknown): string | null {
  if (value === null) return 'null';
  if (value instanceof EncodedJson) return value.isFinished ? value.text : null;
  if (!Array.isArray(value)) return null;
  const items = value.map(finishedJson);
  return items.includes(null) ? null : `[${items.join(',')}]`;
}
