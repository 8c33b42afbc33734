import {
  getVariableValues,
  GraphQLError,
  isListType,
  isNonNullType,
  Kind,
  visit,
  type DocumentNode,
  type GraphQLOutputType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { getComplexity, type ComplexityEstimatorArgs } from 'graphql-query-complexity';
import { limitExceeded } from '../errors.js';
import type { KnownOperation } from './known-documents.js';
import { MAX_IDS } from './schema/ids.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../lists/page-arguments.js';

/** Most objects and values that an operation may ask for, as far as can be told before it is run. */
const MAX_COST = 250_000;
/** Most levels of fields within each other. */
const MAX_DEPTH = 20;
/** Most fields at the top of an operation, aliases and `__typename` included: each is a statement of its own. */
const MAX_ROOT_FIELDS = 50;
/** Most nodes of a document that are looked at to estimate its cost. */
const MAX_NODES = 10_000;
/** How many items a list without a page size is taken to have. */
const LIST_SIZE = 5;

/**
 * Refuses an operation that would cost too much, before anything is run. An operation that is within the limits
 * whatever its variables are is noted as such, and not looked at again.
 *
 * The cost of an operation is the number of objects and values that it may return: a field costs one
 * and what is below it, times the page size in a connection.
 *
 * @throws LIMIT_EXCEEDED with HTTP 400
 */
export function checkLimits(known: KnownOperation, variables: Record<string, unknown>): void {
  if (known.alwaysWithinLimits) return;
  const { schema, document, definition } = known;
  checkRootFields(definition, document);
  checkDepth(definition, document);
  // Variables that cannot be coerced are reported, all of them, by the execution, which then does nothing.
  if (getVariableValues(schema, definition.variableDefinitions ?? [], variables, { maxErrors: 1 }).errors)
    return;
  const most = costOf(known, visit(document, { Directive: () => null }), variables, atMost);
  if (most <= MAX_COST) {
    known.alwaysWithinLimits = true;
    return;
  }
  const cost = costOf(known, document, variables, asGiven);
  if (cost > MAX_COST) {
    throw limitExceeded(
      `The operation may cost ${MAX_COST} at most; it costs ${cost}. Ask for smaller pages or fewer nested lists.`,
      400,
    );
  }
}

function costOf(
  { schema, definition }: KnownOperation,
  document: DocumentNode,
  variables: Record<string, unknown>,
  argumentOf: ArgumentOf,
): number {
  try {
    return getComplexity({
      schema,
      query: document,
      ...(definition.name ? { operationName: definition.name.value } : {}),
      variables,
      estimators: [(field) => estimate(field, argumentOf)],
      maxQueryNodes: MAX_NODES,
    });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes('maximum allowed number of nodes')) {
      throw limitExceeded(`An operation may have ${MAX_NODES} fields at most, its fragments unfolded.`, 400);
    }
    throw error;
  }
}

/** What an argument that makes a list long is taken to be: a number for a page, an array for ids. */
type ArgumentOf = (
  field: ComplexityEstimatorArgs,
  name: 'first' | 'last' | 'ids' | 'representations',
) => unknown;

const asGiven: ArgumentOf = ({ args }, name) => args[name];

/** As `asGiven`, but what comes from a variable is the most that it could be. */
const atMost: ArgumentOf = ({ args, node }, name) => {
  const given = node.arguments?.find((argument) => argument.name.value === name);
  if (given?.value.kind !== Kind.VARIABLE) return args[name];
  return name === 'first' || name === 'last' ? MAX_PAGE_SIZE : { length: MAX_IDS };
};

function estimate(asked: ComplexityEstimatorArgs, argumentOf: ArgumentOf): number {
  const { type, field, childComplexity } = asked;
  const own = 1 + childComplexity;
  // The page size is counted where it is asked for, not again at `nodes` and `edges`.
  if (type.name.endsWith('Connection')) return own;
  if (field.args.some(({ name }) => name === 'first')) {
    const size = Number(argumentOf(asked, 'first') ?? argumentOf(asked, 'last') ?? DEFAULT_PAGE_SIZE);
    return 1 + Math.min(Math.max(size, 1), MAX_PAGE_SIZE) * own;
  }
  if (!isList(field.type)) return own;
  const given = argumentOf(asked, 'ids') ?? argumentOf(asked, 'representations');
  return 1 + ((given as { readonly length: number } | null | undefined)?.length ?? LIST_SIZE) * own;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function checkRootFields(operation: OperationDefinitionNode, document: DocumentNode): void {
  const count = countFields(operation.selectionSet, document, new Set());
  if (count > MAX_ROOT_FIELDS) {
    throw limitExceeded(
      `An operation may have ${MAX_ROOT_FIELDS} fields at its top, aliases included; it has ${count}.`,
      400,
    );
  }
}

function countFields(set: SelectionSetNode, document: DocumentNode, visited: Set<string>): number {
  let count = 0;
  for (const node of set.selections) {
    if (node.kind === Kind.FIELD) count++;
    else if (node.kind === Kind.INLINE_FRAGMENT) count += countFields(node.selectionSet, document, visited);
    else if (!visited.has(node.name.value)) {
      visited.add(node.name.value);
      count += countFields(fragment(document, node.name.value), document, visited);
    }
  }
  return count;
}

function checkDepth(operation: OperationDefinitionNode, document: DocumentNode): void {
  /** Depth below a fragment, which is looked at once however often it is used. */
  const known = new Map<string, number>();
  const depthOf = (set: SelectionSetNode): number =>
    Math.max(
      0,
      ...set.selections.map((node) => {
        if (node.kind === Kind.FIELD) return node.selectionSet ? 1 + depthOf(node.selectionSet) : 1;
        if (node.kind === Kind.INLINE_FRAGMENT) return depthOf(node.selectionSet);
        const name = node.name.value;
        const depth = known.get(name) ?? depthOf(fragment(document, name));
        known.set(name, depth);
        return depth;
      }),
    );
  const depth = depthOf(operation.selectionSet);
  if (depth > MAX_DEPTH) {
    throw limitExceeded(
      `Fields may be nested ${MAX_DEPTH} levels deep at most; they are ${depth} deep.`,
      400,
    );
  }
}

/** Validation has made sure that there is such a fragment, and that none leads back to itself. */
function fragment(document: DocumentNode, name: string): SelectionSetNode {
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name)
      return definition.selectionSet;
  }
  throw new RangeError(`No fragment ${name}`);
}
