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
import { checkText } from './storable-strings.js';

/** What the operation asks for below the current field, where it answers with an object of one type. */
export function selectionOf(info: GraphQLResolveInfo, type = namedObjectType(info.returnType)): Selection {
  if (type === null) return Selection.NOTHING;
  const known = constant.get(info.fieldNodes)?.get(type);
  if (known !== undefined) return known;
  const look = new Look(info);
  const selection = look.below(type, info.fieldNodes);
  if (selection.isConstant) {
    const byType = constant.get(info.fieldNodes) ?? new Map<GraphQLObjectType, Selection>();
    constant.set(info.fieldNodes, byType.set(type, selection));
  }
  return selection;
}

/** As `selectionOf`, for the objects of one of the types that the field may answer with. */
export function selectionOn(info: GraphQLResolveInfo, name: string): Selection {
  const type = info.schema.getType(name);
  return selectionOf(info, isObjectType(type) ? type : null);
}

/**
 * Selections that are the same whatever the variables are. The executor has a list of nodes of its own for each
 * set of values of the variables in @skip and @include.
 */
const constant = new WeakMap<readonly FieldNode[], Map<GraphQLObjectType, Selection>>();

/** One look at what is asked for below a field. */
class Look {
  /** Whether any argument was a variable. */
  #usesVariables = false;

  constructor(private readonly info: GraphQLResolveInfo) {}

  below(type: GraphQLObjectType, fieldNodes: readonly FieldNode[]): Selection {
    const sets = fieldNodes.map(({ selectionSet }) => selectionSet);
    const fields = new Map<string, Field>();
    for (const [key, nodes] of collectFields(this.info, type, sets)) {
      const field = this.#field(type, nodes);
      if (field) fields.set(key, field);
    }
    return new Selection(type.name, fields, !this.#usesVariables);
  }

  #field(type: GraphQLObjectType, nodes: readonly FieldNode[]): Field | null {
    const [node] = nodes;
    const name = node?.name.value ?? '';
    if (name === '__typename') return { name, args: {}, selection: Selection.NOTHING };
    const definition = type.getFields()[name];
    if (node === undefined || definition === undefined) return null;
    const below = namedObjectType(definition.type);
    const selection = below === null ? Selection.NOTHING : this.below(below, nodes);
    if (definition.args.length === 0) return { name, args: {}, selection };
    this.#usesVariables ||= hasVariable(node);
    try {
      const args = getArgumentValues(definition, node, this.info.variableValues);
      checkText(args);
      return { name, args, selection };
    } catch (error) {
      return { name, args: {}, refusal: error as Error, selection };
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
