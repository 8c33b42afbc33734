import {
  getArgumentValues,
  getNamedType,
  isObjectType,
  visit,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type VariableNode,
} from 'graphql';
import { Selection, type Field } from '../../sql-json/selection.js';
import { collectFields } from './collect-fields.js';
import { checkStorable } from './storable-strings.js';

/** Selections that no variable shapes, by type; they are kept with the field at the root that they are below. */
interface KeptSelections {
  readonly selections?: Map<GraphQLObjectType, Selection>;
}

/** What the operation asks for below the current field, where it returns an object of one type. */
export function selectionOf(
  info: GraphQLResolveInfo & KeptSelections,
  type = namedObjectType(info.returnType),
): Selection {
  if (type === null) return Selection.NOTHING;
  const kept = info.selections?.get(type);
  if (kept !== undefined) return kept;
  const selection = new Selector(info).select(type, info.fieldNodes);
  if (selection.statements !== null) info.selections?.set(type, selection);
  return selection;
}

/** As `selectionOf`, for the objects of one of the types that the field may return. */
export function selectionOn(info: GraphQLResolveInfo, name: string): Selection {
  const type = info.schema.getType(name);
  return selectionOf(info, isObjectType(type) ? type : null);
}

/** Turns what an operation asks for below a field into a `Selection`. */
class Selector {
  /** Whether any argument so far was a variable. */
  #usesVariables = false;

  constructor(private readonly info: GraphQLResolveInfo) {}

  select(type: GraphQLObjectType, fieldNodes: readonly FieldNode[]): Selection {
    const sets = fieldNodes.map(({ selectionSet }) => selectionSet);
    const fields = new Map<string, Field>();
    for (const [responseName, nodes] of collectFields(this.info, type, sets)) {
      const field = this.#field(type, nodes);
      if (field) fields.set(responseName, field);
    }
    return new Selection(type.name, fields, this.#usesVariables ? null : new Map());
  }

  #field(type: GraphQLObjectType, nodes: readonly FieldNode[]): Field | null {
    const [node] = nodes;
    const name = node?.name.value ?? '';
    if (name === '__typename') return { name, args: {}, selection: Selection.NOTHING };
    const definition = type.getFields()[name];
    if (node === undefined || definition === undefined) return null;
    const below = namedObjectType(definition.type);
    const selection = below === null ? Selection.NOTHING : this.select(below, nodes);
    if (definition.args.length === 0) return { name, args: {}, selection };
    this.#usesVariables ||= hasVariable(node);
    try {
      const args = getArgumentValues(definition, node, this.info.variableValues);
      checkStorable(args);
      return { name, args, selection };
    } catch (error) {
      return { name, args: {}, argumentError: error as Error, selection };
    }
  }
}

function hasVariable({ arguments: args = [] }: FieldNode): boolean {
  const variables: VariableNode[] = [];
  const collector = { Variable: (node: VariableNode) => void variables.push(node) };
  for (const argument of args) visit(argument, collector);
  return variables.length > 0;
}

function namedObjectType(type: GraphQLResolveInfo['returnType']): GraphQLObjectType | null {
  const named = getNamedType(type);
  return isObjectType(named) ? named : null;
}
