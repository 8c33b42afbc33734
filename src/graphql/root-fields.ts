import {
  getArgumentValues,
  getVariableValues,
  isNonNullType,
  OperationTypeNode,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import type { Context } from '../app/context.js';
import { answerTooLong } from '../errors.js';
import { areLongerThan, EncodedJson } from '../sql-json/encoded-json.js';
import type { Variables } from './cost.js';
import type { KnownOperation, RootField } from './known-documents.js';

/**
 * Runs the fields at the root of a query, side by side.
 *
 * @returns the JSON of the answer's `data`, where all fields are finished JSON. Null leaves the answer to graphql-js,
 *   to which `returnRootValues` hands what was read, so that nothing runs twice: there are errors to report, or values
 *   to complete. An answer that is too long is refused in the context
 */
export async function runRootFields(
  operation: KnownOperation,
  variables: Variables | null | undefined,
  context: Context,
): Promise<string | null> {
  const rootValues = new Map<string, Promise<unknown>>();
  context.rootValues = rootValues;
  const { schema, definition } = operation;
  if (definition.operation === OperationTypeNode.MUTATION) {
    context.rootSelections = new Map(
      operation.rootFields({})?.map(({ responseName, selections }) => [responseName, selections]),
    );
    return null;
  }
  if (context.work.replicaReads !== null) context.work.replicaReads.isQuery = true;
  const { coerced, errors } = getVariableValues(
    schema,
    definition.variableDefinitions ?? [],
    variables ?? {},
    {
      maxErrors: 1,
    },
  );
  if (errors) return null;
  const fields = operation.rootFields(coerced);
  if (fields === null) return null;
  for (const field of fields) {
    const args = argumentsOf(field, coerced);
    if (args !== null) rootValues.set(field.responseName, runField(operation, field, args, coerced, context));
  }
  const { values, allSucceeded } = await settle([...rootValues.values()]);
  const isFinished =
    rootValues.size === fields.length &&
    allSucceeded &&
    fields.every(({ field }, index) => isFinishedJson(values[index], field.type));
  const maxBytes = isFinished ? context.maxBytes : context.maxBytes * UNFINISHED_SHARE;
  if (areLongerThan(textsOf(values), maxBytes)) {
    context.answerError = answerTooLong(maxBytes);
    return null;
  }
  if (!isFinished) return null;
  return `{${fields.map(({ responseName }, index) => `"${responseName}":${jsonOf(values[index])}`).join(',')}}`;
}

/** Waits for all of them; what failed is null. */
async function settle(
  promises: readonly Promise<unknown>[],
): Promise<{ readonly values: readonly unknown[]; readonly allSucceeded: boolean }> {
  const [only] = promises;
  if (promises.length === 1) {
    try {
      return { values: [await only], allSucceeded: true };
    } catch {
      return { values: [null], allSucceeded: false };
    }
  }
  const settled = await Promise.allSettled(promises);
  return {
    values: settled.map((result) => (result.status === 'fulfilled' ? result.value : null)),
    allSucceeded: settled.every(({ status }) => status === 'fulfilled'),
  };
}

/** What graphql-js has to complete may be this part of the longest answer, because it looks at each value. */
const UNFINISHED_SHARE = 0.05;

/**
 * Lets the fields at the root of a query return what `runRootFields` has read for them, and those of a mutation find
 * the selections that are kept of them.
 */
export function returnRootValues(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = (source, args, context: Context, info): unknown =>
      context.rootValues?.get(String(info.path.key)) ?? resolve(source, args, context, info);
  }
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = (source, args, context: Context, info): unknown => {
      const { idempotentMutation } = context.work;
      if (idempotentMutation !== null) idempotentMutation.field = String(info.path.key);
      const kept = { selections: context.rootSelections?.get(String(info.path.key)) };
      return resolve(source, args, context, { ...info, ...kept });
    };
  }
  return schema;
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
  { responseName, parentType, field, nodes, selections }: RootField,
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
    path: { prev: undefined, key: responseName, typename: parentType.name },
    schema,
    fragments,
    rootValue: undefined,
    operation: definition,
    variableValues,
    selections,
  };
  return await field.resolve?.(undefined, args, context, info);
}

/** Whether a value needs no completion: it is encoded JSON without errors, null where that is allowed, or a list of these. */
function isFinishedJson(value: unknown, type: GraphQLOutputType): boolean {
  if (value instanceof EncodedJson) return value.isFinished;
  if (Array.isArray(value)) return value.every((item) => item === null || isFinishedJson(item, type));
  return value === null && !isNonNullType(type);
}

/** The JSON that was read for a value, each text as often as it stands there. */
function textsOf(value: unknown, texts: string[] = []): readonly string[] {
  if (value instanceof EncodedJson) texts.push(value.text);
  else if (Array.isArray(value)) for (const item of value) textsOf(item, texts);
  return texts;
}

/** The text of finished JSON. */
function jsonOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  return value instanceof EncodedJson ? value.text : 'null';
}
