import {
  defaultTypeResolver,
  execute,
  getArgumentValues,
  getVariableValues,
  GraphQLError,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  locatedError,
  OperationTypeNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { Written } from '../sql-json/encoded-json.js';
import { collectFields, type Operation } from './schema/collect-fields.js';

/** An operation to run, of a document that was validated. */
export interface Request {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly context: unknown;
}

/** Runs an operation. */
export type Execute = (request: Request) => Promise<ExecutionResult>;

/** Most errors of variables that are reported. */
const MAX_COERCION_ERRORS = 20;
/** Most plans kept of one document: one for each set of values of the variables in its @skip and @include. */
const MAX_PLANS = 16;

/**
 * Makes a function that runs operations of a schema and answers as graphql-js does, faster: what an operation
 * selects is worked out once per document and kept as long as the document, where graphql-js does it for each
 * object of each answer.
 *
 * It relies on one thing that graphql-js does not: only the fields at the root may be asynchronous. Below them
 * everything was read already, so resolvers there answer at once. What PostgreSQL wrote stands in the answer as it
 * is, as a `Written`.
 */
export function createExecutor(schema: GraphQLSchema): Execute {
  const documents = new WeakMap<DocumentNode, CompiledDocument>();
  return async ({ document, operationName, variables, context }) => {
    let compiled = documents.get(document);
    if (compiled === undefined) {
      compiled = new CompiledDocument(schema, document);
      documents.set(document, compiled);
    }
    const operation = compiled.operation(operationName);
    // No such operation, or several and no name: graphql-js says what is wrong.
    if (operation === undefined) return execute({ schema, document, operationName });
    const definitions = operation.variableDefinitions ?? [];
    const { coerced, errors } = getVariableValues(schema, definitions, variables ?? {}, {
      maxErrors: MAX_COERCION_ERRORS,
    });
    if (errors) return { errors };
    const run = { schema, compiled, operation, variables: coerced, context, errors: [], inputs: new Map() };
    let plan: readonly FieldPlan[];
    try {
      plan = compiled.plan(operation, coerced);
    } catch (error) {
      // A variable of @skip or @include is null.
      return { data: null, errors: [error as GraphQLError] };
    }
    return new Run(run).execute(plan);
  };
}

/** A document, its fragments, and the plans that were made for its operations. */
class CompiledDocument {
  readonly fragments: Record<string, FragmentDefinitionNode> = Object.create(null) as Record<
    string,
    FragmentDefinitionNode
  >;
  readonly #operations: OperationDefinitionNode[] = [];
  /** Variables that decide by @skip and @include what is selected. */
  readonly #conditions = new Set<string>();
  readonly #plans = new Map<string, readonly FieldPlan[]>();

  constructor(
    readonly schema: GraphQLSchema,
    document: DocumentNode,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.OPERATION_DEFINITION) this.#operations.push(definition);
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments[definition.name.value] = definition;
    }
    visit(document, {
      Directive: ({ arguments: args }) => {
        for (const { value } of args ?? []) {
          if (value.kind === Kind.VARIABLE) this.#conditions.add(value.name.value);
        }
      },
    });
  }

  operation(name: string | null | undefined): OperationDefinitionNode | undefined {
    const operations =
      name === null || name === undefined
        ? this.#operations
        : this.#operations.filter((operation) => operation.name?.value === name);
    return operations.length === 1 ? operations[0] : undefined;
  }

  /** What the operation selects at its root, with what is below. */
  plan(operation: OperationDefinitionNode, variables: Record<string, unknown>): readonly FieldPlan[] {
    const conditions = Array.from(this.#conditions, (name) => variables[name] ?? null);
    const key = JSON.stringify([this.#operations.indexOf(operation), ...conditions]);
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const type = this.schema.getRootType(operation.operation);
    if (!type) throw new GraphQLError(`There are no ${operation.operation}s.`, { nodes: operation });
    const planner = new Planner({
      schema: this.schema,
      fragments: this.fragments,
      variableValues: variables,
    });
    const plan = planner.fieldsOf(type, [operation.selectionSet]);
    if (this.#plans.size < MAX_PLANS) this.#plans.set(key, plan);
    return plan;
  }
}

/** A field that is asked for of objects of one type. */
interface FieldPlan {
  /** Its name in the answer. */
  readonly key: string;
  readonly field: GraphQLField<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  readonly nodes: readonly FieldNode[];
  readonly nullable: boolean;
  readonly complete: Complete;
}

/** Makes of a value that was read what is answered. @throws what makes it unfit for its type */
type Complete = (value: unknown, run: Run, plan: FieldPlan) => unknown;

/** Works out which fields are selected, and how their values are completed. */
class Planner {
  readonly #schema: GraphQLSchema;

  /** @param operation of its variables, only those in @skip and @include are looked at */
  constructor(private readonly operation: Operation) {
    this.#schema = operation.schema;
  }

  fieldsOf(type: GraphQLObjectType, sets: readonly (SelectionSetNode | undefined)[]): readonly FieldPlan[] {
    const nodesByKey = collectFields(this.operation, type, sets);
    return Array.from(nodesByKey, ([key, nodes]) => this.#planOf(type, key, nodes)).filter(
      (plan) => plan !== null,
    );
  }

  #planOf(parentType: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): FieldPlan | null {
    const field = this.#fieldOf(parentType, nodes[0]?.name.value ?? '');
    if (field === undefined) return null;
    return {
      key,
      field,
      parentType,
      nodes,
      nullable: !isNonNullType(field.type),
      complete: this.#completeOf(field.type, nodes),
    };
  }

  #fieldOf(type: GraphQLObjectType, name: string): GraphQLField<unknown, unknown> | undefined {
    if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
    if (type === this.#schema.getQueryType()) {
      if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
      if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
    }
    return type.getFields()[name];
  }

  #completeOf(type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
    if (isNonNullType(type)) return nonNull(this.#completeOf(type.ofType, nodes));
    if (isListType(type)) return unlessNull(list(this.#completeOf(type.ofType, nodes), type.ofType));
    if (isLeafType(type)) return unlessNull(leaf(type));
    if (isAbstractType(type)) return unlessNull(this.#abstract(type, nodes));
    return unlessNull(this.#object(type, nodes));
  }

  #object(type: GraphQLObjectType, nodes: readonly FieldNode[]): Complete {
    // Made when first needed: of an interface most types never come.
    let fields: readonly FieldPlan[] | undefined;
    return (value, run, plan) => {
      if (type.isTypeOf && type.isTypeOf(value, run.context, run.inputs(plan).info) !== true) {
        throw new GraphQLError(`Expected value of type "${type.name}".`, { nodes });
      }
      fields ??= this.fieldsOf(
        type,
        nodes.map(({ selectionSet }) => selectionSet),
      );
      return run.completeFields(fields, value as object);
    };
  }

  #abstract(type: GraphQLAbstractType, nodes: readonly FieldNode[]): Complete {
    const known = new Map<string, Complete>();
    const resolveType = type.resolveType ?? defaultTypeResolver;
    return (value, run, plan) => {
      const name = resolveType(value, run.context, run.inputs(plan).info, type);
      const runtimeType = typeof name === 'string' ? this.#schema.getType(name) : undefined;
      if (!isObjectType(runtimeType) || !this.#schema.isSubType(type, runtimeType)) {
        throw new GraphQLError(`"${type.name}" must resolve to one of its types, at once.`, {
          nodes,
        });
      }
      let complete = known.get(runtimeType.name);
      if (complete === undefined) {
        complete = this.#object(runtimeType, nodes);
        known.set(runtimeType.name, complete);
      }
      return complete(value, run, plan);
    };
  }
}

function nonNull(complete: Complete): Complete {
  return (value, run, plan) => {
    const completed = complete(value, run, plan);
    if (completed !== null) return completed;
    throw new Error(`Cannot return null for non-nullable field ${plan.parentType.name}.${plan.field.name}.`);
  };
}

function unlessNull(complete: Complete): Complete {
  return (value, run, plan) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    if (value instanceof Written && value.isFinal) return value;
    return complete(value, run, plan);
  };
}

function leaf(type: GraphQLLeafType): Complete {
  return (value) => {
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined) {
      throw new Error(`A value of type "${type.name}" was serialized to nothing.`);
    }
    return serialized;
  };
}

function list(complete: Complete, itemType: GraphQLOutputType): Complete {
  const nullable = !isNonNullType(itemType);
  return (value, run, plan) => {
    if (!Array.isArray(value)) {
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${plan.parentType.name}.${plan.field.name}".`,
      );
    }
    const items: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      items.push(run.guard(index, plan, nullable, () => complete(value[index], run, plan)));
    }
    return items;
  };
}

/** What the fields of one operation share while it runs. */
interface Shared {
  readonly schema: GraphQLSchema;
  readonly compiled: CompiledDocument;
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
  readonly context: unknown;
  readonly errors: GraphQLError[];
  readonly inputs: Map<FieldPlan, Inputs>;
}

/** What a field's resolver is given beside its object: the same for all objects of an operation. */
interface Inputs {
  readonly args: Record<string, unknown>;
  readonly info: GraphQLResolveInfo;
}

/** One operation, or one field of its root, while it runs. */
class Run {
  /** Where in the answer the run is. Fields of the root run side by side, so that each has a path of its own. */
  readonly #path: (string | number)[] = [];

  constructor(private readonly shared: Shared) {}

  get context(): unknown {
    return this.shared.context;
  }

  /** Fields of a query side by side, those of a mutation one after the other. */
  async execute(fields: readonly FieldPlan[]): Promise<ExecutionResult> {
    const { operation, errors } = this.shared;
    const data = Object.create(null) as Record<string, unknown>;
    try {
      if (operation.operation === OperationTypeNode.MUTATION) {
        for (const plan of fields) data[plan.key] = await new Run(this.shared).#root(plan);
      } else {
        const values = await Promise.all(fields.map((plan) => new Run(this.shared).#root(plan)));
        fields.forEach(({ key }, index) => {
          data[key] = values[index];
        });
      }
    } catch (error) {
      return { data: null, errors: [...errors, error as GraphQLError] };
    }
    return errors.length === 0 ? { data } : { data, errors };
  }

  async #root(plan: FieldPlan): Promise<unknown> {
    this.#path.push(plan.key);
    try {
      return plan.complete(await this.#resolve(plan, undefined), this, plan);
    } catch (error) {
      return this.#fail(error, plan, plan.nullable, 1);
    }
  }

  completeFields(fields: readonly FieldPlan[], source: object): object {
    const result: Record<string, unknown> = {};
    for (const plan of fields) {
      const value = this.#completeField(plan, source);
      // By this name an assignment would change the object's prototype.
      if (plan.key === '__proto__') Object.defineProperty(result, plan.key, { value, enumerable: true });
      else result[plan.key] = value;
    }
    return result;
  }

  #completeField(plan: FieldPlan, source: object): unknown {
    if (plan.field === TypeNameMetaFieldDef) return plan.parentType.name;
    return this.guard(plan.key, plan, plan.nullable, () =>
      plan.complete(this.#resolve(plan, source), this, plan),
    );
  }

  /** Completes what stands at `key`; what goes wrong there is reported, and null where null is allowed. */
  guard(key: string | number, plan: FieldPlan, nullable: boolean, complete: () => unknown): unknown {
    const depth = this.#path.push(key);
    try {
      const completed = complete();
      this.#path.length = depth - 1;
      return completed;
    } catch (error) {
      return this.#fail(error, plan, nullable, depth);
    }
  }

  #fail(error: unknown, plan: FieldPlan, nullable: boolean, depth: number): null {
    const located = locatedError(error, plan.nodes, [...this.#path]);
    this.#path.length = depth - 1;
    if (!nullable) throw located;
    this.shared.errors.push(located);
    return null;
  }

  #resolve(plan: FieldPlan, source: unknown): unknown {
    const { field } = plan;
    const { args, info } = this.inputs(plan);
    if (field.resolve) return field.resolve(source, args, this.shared.context, info);
    const value = (source as Record<string, unknown>)[field.name];
    return typeof value === 'function' ? (value as () => unknown).call(source) : value;
  }

  /** @throws for arguments that cannot be coerced */
  inputs(plan: FieldPlan): Inputs {
    const known = this.shared.inputs.get(plan);
    if (known !== undefined) return known;
    const { schema, compiled, operation, variables } = this.shared;
    const { field, parentType, nodes } = plan;
    const [node] = nodes;
    const args = node && field.args.length > 0 ? getArgumentValues(field, node, variables) : {};
    const info = {
      fieldName: field.name,
      fieldNodes: nodes,
      returnType: field.type,
      parentType,
      path: { prev: undefined, key: plan.key, typename: parentType.name },
      schema,
      fragments: compiled.fragments,
      rootValue: undefined,
      operation,
      variableValues: variables,
    };
    this.shared.inputs.set(plan, { args, info });
    return { args, info };
  }
}
