import {
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { Problems } from '../errors.js';
import { Selection, type Part } from '../reading/selection.js';

/** What the operation asks for below the current field, where it answers with an object of one type. */
export function selectionOf(info: GraphQLResolveInfo, type = namedObjectType(info.returnType)): Selection {
  return type === null ? Selection.of() : selectionBelow(info, type, info.fieldNodes);
}

/** As `selectionOf`, for the objects of one of the types that the field may answer with. */
export function selectionOn(info: GraphQLResolveInfo, name: string): Selection {
  const type = info.schema.getType(name);
  return selectionOf(info, isObjectType(type) ? type : null);
}

/** Under which key the current field was read. */
export function partKey(info: GraphQLResolveInfo): string {
  const { fieldName, fieldNodes, parentType, variableValues } = info;
  const [node] = fieldNodes;
  // Without arguments the key is the name, which needs no look at the arguments' values.
  if (!node?.arguments?.length) return fieldName;
  const known = keys.get(info);
  if (known !== undefined) return known;
  const field = parentType.getFields()[fieldName];
  const key =
    field === undefined ? fieldName : keyOf(fieldName, getArgumentValues(field, node, variableValues));
  keys.set(info, key);
  return key;
}

/** One `info` comes with every object of a list. */
const keys = new WeakMap<GraphQLResolveInfo, string>();

function keyOf(name: string, args: object): string {
  const text = JSON.stringify(args);
  return text === '{}' ? name : name + text;
}

function selectionBelow(
  info: GraphQLResolveInfo,
  type: GraphQLObjectType,
  fieldNodes: readonly FieldNode[],
): Selection {
  const parts: Part[] = [];
  const visited = new Set<string>();
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const node of set?.selections ?? []) {
      if (!isIncluded(info, node)) continue;
      if (node.kind === Kind.FIELD) {
        const part = partOf(info, type, node);
        if (part) parts.push(part);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (applies(info, type, node.typeCondition?.name.value)) visit(node.selectionSet);
      } else if (!visited.has(node.name.value)) {
        visited.add(node.name.value);
        const fragment = info.fragments[node.name.value];
        if (fragment && applies(info, type, fragment.typeCondition.name.value)) visit(fragment.selectionSet);
      }
    }
  };
  for (const { selectionSet } of fieldNodes) visit(selectionSet);
  return new Selection(parts);
}

/** Null for what is not read: `__typename`, and a field with arguments that its execution will refuse. */
function partOf(info: GraphQLResolveInfo, type: GraphQLObjectType, node: FieldNode): Part | null {
  const name = node.name.value;
  const field = type.getFields()[name];
  if (field === undefined) return null;
  let args: Record<string, unknown> = {};
  if (field.args.length > 0) {
    try {
      args = getArgumentValues(field, node, info.variableValues);
    } catch {
      return null;
    }
    const problems = new Problems();
    problems.checkText('', args);
    if (problems.any()) return null;
  }
  const below = namedObjectType(field.type);
  const selection = below === null ? Selection.of() : selectionBelow(info, below, [node]);
  return { key: node.arguments?.length ? keyOf(name, args) : name, name, args, selection };
}

function namedObjectType(type: GraphQLResolveInfo['returnType']): GraphQLObjectType | null {
  const named = getNamedType(type);
  return isObjectType(named) ? named : null;
}

function applies(
  { schema }: GraphQLResolveInfo,
  type: GraphQLObjectType,
  condition: string | undefined,
): boolean {
  if (condition === undefined || condition === type.name) return true;
  const conditionType = schema.getType(condition);
  return isAbstractType(conditionType) && schema.isSubType(conditionType, type);
}

function isIncluded({ variableValues }: GraphQLResolveInfo, node: SelectionNode): boolean {
  if (!node.directives?.length) return true;
  const skip = getDirectiveValues(GraphQLSkipDirective, node, variableValues);
  const include = getDirectiveValues(GraphQLIncludeDirective, node, variableValues);
  return skip?.['if'] !== true && include?.['if'] !== false;
}
