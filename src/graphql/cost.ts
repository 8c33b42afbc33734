import {
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { limitExceeded } from '../errors.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../lists/list.rules.js';
import type { KnownOperation } from './known-documents.js';
import { MAX_IDS } from './schema/ids.js';

/** What an operation may cost. */
const MAX_COST = 250_000;
/** What an operation may cost without being expensive: of expensive ones a caller has one run at a time. */
const EXPENSIVE_COST = 25_000;
/** An operation that never costs more than this is taken to cost its maximum: computing its cost would take longer. */
const SMALL_COST = 5_000;
/** How many items a list without a page size is taken to have. */
const LIST_SIZE = 5;
/** Cost of each value within an argument that is an object: an operator of a filter, say. */
const ARGUMENT_COST = 20;
/** Cost of a field of introspection, which graphql-js completes. */
const INTROSPECTION_COST = 2;
/** How many arguments introspection takes a field to have: most have none. */
const ARGUMENTS_SIZE = 2;
/** How many times larger than others the largest type is: `__type` may ask for it. */
const LARGEST_TYPE = 10;
/** A response name costs one more for each so many characters. */
const NAME_LENGTH = 20;
/** Maximum number of values in variables for which the cached maximum cost holds; with more, the cost is computed. */
const FEW_VALUES = 200;
/** Maximum number of levels within the variables of an operation. */
const MAX_VARIABLES_DEPTH = 64;

/** Variables as a request gives them. */
export type Variables = Readonly<Record<string, unknown>>;

/**
 * Refuses an operation that would cost too much, before anything is run. What it costs at most is noted: of one that is
 * cheap whatever its variables are, nothing is computed again.
 *
 * The cost of an operation is the number of objects and values that it may return: a field costs one and what is below
 * it, times the page size in a connection. Some cost more: what is expensive to read says so in its type (`complexity`),
 * and long names and objects as arguments count by their size.
 *
 * It takes time linear to the document: each fragment is looked at once, and of the variables only sizes.
 *
 * @returns what it costs
 * @throws LIMIT_EXCEEDED with HTTP 400
 */
export function checkCost(operation: KnownOperation, variables: Variables): number {
  operation.maxCost ??= new Cost(operation, null).of();
  const known = knownCost(operation, variables);
  if (known !== null) return known;
  checkVariables(variables);
  const cost = new Cost(operation, variables).of();
  if (cost > MAX_COST) {
    throw limitExceeded(
      `The operation may cost at most ${MAX_COST}; it costs ${cost}. Ask for smaller pages or fewer nested lists.`,
      400,
    );
  }
  return cost;
}

/** Whether an operation of this cost is expensive. */
export const isExpensive = (cost: number): boolean => cost > EXPENSIVE_COST;

/**
 * What an operation costs, where it is known to be within the limit for any variables with few values; null where that
 * is not known, so that `checkCost` has to find out.
 */
export function knownCost(operation: KnownOperation, variables: Variables | null | undefined): number | null {
  const { maxCost } = operation;
  if (maxCost === null || maxCost > MAX_COST || !areFew(variables)) return null;
  return maxCost <= SMALL_COST ? maxCost : new Cost(operation, variables ?? {}).of();
}

/** Whether an operation that is always within the limits is so with these variables: they hold few values. */
function areFew(variables: Variables | null | undefined): boolean {
  if (!variables) return true;
  const { values, depth } = measure(variables, FEW_VALUES);
  return values <= FEW_VALUES && depth <= MAX_VARIABLES_DEPTH;
}

/** @throws LIMIT_EXCEEDED when variables are nested too deep for anything that recurses */
function checkVariables(variables: Variables): void {
  const { depth } = measure(variables, Infinity);
  if (depth > MAX_VARIABLES_DEPTH) {
    throw limitExceeded(
      `Variables may be nested at most ${MAX_VARIABLES_DEPTH} levels deep; they are ${depth} deep.`,
      400,
    );
  }
}

/** How many values are within a value, and how deep; without recursion, and no more of them than `maxValues`. */
function measure(value: unknown, maxValues: number): { readonly values: number; readonly depth: number } {
  let [values, depth] = [0, 0];
  let level = [value];
  while (level.length > 0 && values <= maxValues) {
    const next: unknown[] = [];
    let hasMore = false;
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      const inner = Object.values(item);
      values += inner.length;
      hasMore ||= inner.length > 0;
      if (values > maxValues) break;
      for (const one of inner) if (typeof one === 'object') next.push(one);
    }
    if (hasMore) depth++;
    level = next;
  }
  return { values, depth };
}

/** The cost of a selection set. */
interface SetCost {
  readonly once: number;
  /** In a connection: for each item of the page, again. */
  readonly perItem: number;
}

/** The cost of one operation. */
class Cost {
  readonly #fragments = new Map<string, SetCost>();
  readonly #variableValues = new Map<string, number>();

  /** @param variables null: whatever they are, they cost the most that few values can */
  constructor(
    private readonly operation: KnownOperation,
    private readonly variables: Variables | null,
  ) {}

  of(): number {
    const { schema, definition } = this.operation;
    const type = schema.getRootType(definition.operation);
    return type ? this.#ofSet(definition.selectionSet, type).once : 0;
  }

  #ofSet({ selections }: SelectionSetNode, type: GraphQLCompositeType): SetCost {
    let [once, perItem] = [0, 0];
    for (const node of selections) {
      if (this.#isSkipped(node)) continue;
      const cost = this.#ofSelection(node, type);
      once += cost.once;
      perItem += cost.perItem;
    }
    return { once, perItem };
  }

  #ofSelection(node: SelectionNode, type: GraphQLCompositeType): SetCost {
    if (node.kind === Kind.FIELD) {
      const cost = this.#ofField(node, type);
      return isItemOfPage(type, node.name.value) ? { once: 0, perItem: cost } : { once: cost, perItem: 0 };
    }
    if (node.kind === Kind.INLINE_FRAGMENT) {
      return this.#ofSet(node.selectionSet, this.#typeNamed(node.typeCondition?.name.value) ?? type);
    }
    const name = node.name.value;
    let cost = this.#fragments.get(name);
    if (cost === undefined) {
      const fragment = this.operation.fragments[name];
      const on = this.#typeNamed(fragment?.typeCondition.name.value);
      cost = fragment && on ? this.#ofSet(fragment.selectionSet, on) : { once: 0, perItem: 0 };
      this.#fragments.set(name, cost);
    }
    return cost;
  }

  #ofField(node: FieldNode, parent: GraphQLCompositeType): number {
    const field = fieldOf(this.operation.schema, parent, node.name.value);
    if (field === undefined) return 0;
    const type = getNamedType(field.type);
    const below =
      node.selectionSet && isCompositeType(type)
        ? this.#ofSet(node.selectionSet, type)
        : { once: 0, perItem: 0 };
    const own =
      weightOf(field, parent) +
      Math.floor((node.alias ?? node.name).value.length / NAME_LENGTH) +
      this.#ofArguments(field, node);
    if (field.args.some(({ name }) => name === 'first')) {
      return own + below.once + this.#itemsOfPage(node) * (1 + below.perItem);
    }
    if (field === TypeMetaFieldDef) return own + LARGEST_TYPE * below.once;
    const items = isItemOfPage(parent, field.name) ? null : this.#itemsOfList(field, node);
    return items === null ? own + below.once : own + items * (1 + below.once);
  }

  #itemsOfPage(node: FieldNode): number {
    const size = this.#pageSize(node, 'first') ?? this.#pageSize(node, 'last') ?? DEFAULT_PAGE_SIZE;
    return Math.min(Math.max(size, 1), MAX_PAGE_SIZE);
  }

  /** How many objects a list may have; null where the field is no list. */
  #itemsOfList(field: GraphQLField<unknown, unknown>, node: FieldNode): number | null {
    if (!isList(field.type)) return null;
    if (field.name === 'types') return Object.keys(this.operation.schema.getTypeMap()).length;
    if (field.name === 'args') return ARGUMENTS_SIZE;
    const keys = field.args.find(({ name }) => name === 'ids' || name === 'representations');
    if (keys === undefined) return LIST_SIZE;
    const value = this.#argument(node, keys.name);
    if (value?.kind === Kind.LIST) return value.values.length;
    const given = value?.kind === Kind.VARIABLE ? this.#variable(value.name.value) : undefined;
    return given === ANY ? MAX_IDS : Array.isArray(given) ? given.length : LIST_SIZE;
  }

  #pageSize(node: FieldNode, name: string): number | null {
    const value = this.#argument(node, name);
    if (value?.kind === Kind.INT) return Number(value.value);
    if (value?.kind !== Kind.VARIABLE) return null;
    const given = this.#variable(value.name.value);
    if (given === ANY) return MAX_PAGE_SIZE;
    return typeof given === 'number' ? given : null;
  }

  /**
   * Of the arguments that are objects: filters, orders, inputs. Each value is looked at once. A list that may be long
   * says what it costs to look at all of it (`scanCost`), which a filter or an order makes necessary.
   */
  #ofArguments(field: GraphQLField<unknown, unknown>, node: FieldNode): number {
    let values = 0;
    for (const argument of node.arguments ?? []) {
      const definition = field.args.find(({ name }) => name === argument.name.value);
      if (definition && isInputObjectType(getNamedType(definition.type)))
        values += this.#valuesIn(argument.value);
    }
    const { scanCost } = field.extensions as { readonly scanCost?: unknown };
    return values * ARGUMENT_COST + (values > 0 && typeof scanCost === 'number' ? scanCost : 0);
  }

  #valuesIn(node: ValueNode): number {
    if (node.kind === Kind.VARIABLE) return this.#valuesInVariable(node.name.value);
    if (node.kind === Kind.LIST) {
      return node.values.reduce((sum, value) => sum + this.#valuesIn(value), node.values.length);
    }
    if (node.kind !== Kind.OBJECT) return 0;
    return node.fields.reduce((sum, { value }) => sum + this.#valuesIn(value), node.fields.length);
  }

  #valuesInVariable(name: string): number {
    let values = this.#variableValues.get(name);
    if (values === undefined) {
      const given = this.#variable(name);
      values = given === ANY ? FEW_VALUES : measure(given, Infinity).values;
      this.#variableValues.set(name, values);
    }
    return values;
  }

  /** The value of a variable, or its default, where that is a plain value. */
  #variable(name: string): unknown {
    if (this.variables === null) return ANY;
    if (Object.hasOwn(this.variables, name)) return this.variables[name];
    const definition = this.operation.definition.variableDefinitions?.find(
      ({ variable }) => variable.name.value === name,
    );
    const value = definition?.defaultValue;
    if (value?.kind === Kind.INT) return Number(value.value);
    if (value?.kind === Kind.BOOLEAN) return value.value;
    // Other defaults are as long as the document allows.
    return value === undefined ? null : ANY;
  }

  #argument(node: FieldNode, name: string): ValueNode | undefined {
    return node.arguments?.find((argument) => argument.name.value === name)?.value;
  }

  #isSkipped({ directives = [] }: SelectionNode): boolean {
    return directives.some(({ name, arguments: args = [] }) => {
      const value = args[0]?.value;
      const condition =
        value?.kind === Kind.BOOLEAN
          ? value.value
          : value?.kind === Kind.VARIABLE
            ? this.#variable(value.name.value)
            : ANY;
      return name.value === 'skip' ? condition === true : name.value === 'include' && condition === false;
    });
  }

  #typeNamed(name: string | undefined): GraphQLCompositeType | null {
    const type = name === undefined ? undefined : this.operation.schema.getType(name);
    return isCompositeType(type) ? type : null;
  }
}

/** Stands for any value that a variable may have. */
const ANY = Symbol('any value');

function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return 'getFields' in type ? type.getFields()[name] : undefined;
}

/** The fields of a connection that have each item of the page; its size is counted where the page is asked for. */
function isItemOfPage({ name }: GraphQLCompositeType, field: string): boolean {
  return name.endsWith('Connection') && (field === 'nodes' || field === 'edges');
}

/** What a field costs itself: one, unless its type says how expensive it is. */
function weightOf({ extensions }: GraphQLField<unknown, unknown>, parent: GraphQLCompositeType): number {
  const { complexity } = extensions as { readonly complexity?: unknown };
  if (typeof complexity === 'number') return complexity;
  return parent.name.startsWith('__') ? INTROSPECTION_COST : 1;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
