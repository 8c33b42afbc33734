import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

/** Fields found below a field node, by the path they were looked for under. Documents are cached, so is this. */
const cache = new WeakMap<FieldNode, Map<string, ReadonlySet<string>>>();

/**
 * Names of the fields that the operation selects on the objects at `path` below the current field, so that
 * a resolver reads only what will be shown. `@skip` and `@include` are not looked at: a field that turns
 * out to be skipped is read in vain.
 */
export function selectedFields(info: GraphQLResolveInfo, path: readonly string[]): ReadonlySet<string> {
  const [fieldNode] = info.fieldNodes;
  const key = path.join('.');
  const known = fieldNode && cache.get(fieldNode)?.get(key);
  if (known) return known;
  let fields = info.fieldNodes;
  for (const name of path) fields = subfields(info, fields).filter((field) => field.name.value === name);
  const names = new Set(subfields(info, fields).map((field) => field.name.value));
  if (fieldNode) {
    const byPath = cache.get(fieldNode) ?? new Map<string, ReadonlySet<string>>();
    cache.set(fieldNode, byPath.set(key, names));
  }
  return names;
}

function subfields(info: GraphQLResolveInfo, fields: readonly FieldNode[]): FieldNode[] {
  const found: FieldNode[] = [];
  const visited = new Set<string>();
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) found.push(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet);
      else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        visit(info.fragments[selection.name.value]?.selectionSet);
      }
    }
  };
  for (const field of fields) visit(field.selectionSet);
  return found;
}
