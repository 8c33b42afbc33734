import { Kind, parse, print, visit, type ASTNode, type DocumentNode } from 'graphql';

/** What a document can be without. */
const PARTS: ReadonlySet<string> = new Set([
  Kind.OPERATION_DEFINITION,
  Kind.FIELD,
  Kind.FRAGMENT_SPREAD,
  Kind.INLINE_FRAGMENT,
  Kind.DIRECTIVE,
  Kind.ARGUMENT,
  Kind.OBJECT_FIELD,
]);

/** The document without one of its parts, for each of them, the largest first. Not all of these are valid. */
export function* smaller(text: string): Generator<string> {
  const document = parse(text);
  const parts: ASTNode[] = [];
  visit(document, { enter: (node) => void (PARTS.has(node.kind) && !isDryRun(node) && parts.push(node)) });
  const sizeOf = ({ loc }: ASTNode): number => (loc?.end ?? 0) - (loc?.start ?? 0);
  for (const part of parts.sort((a, b) => sizeOf(b) - sizeOf(a))) {
    yield print(withoutUnused(visit(document, { enter: (node) => (node === part ? null : undefined) })));
  }
}

/** Without it a mutation would write, and all that comes after would be another database. */
function isDryRun(node: ASTNode): boolean {
  return node.kind === Kind.OBJECT_FIELD && node.name.value === 'dryRun';
}

/** Without the fragments and variables that nothing uses: they would make it invalid. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const used = new Set<string>();
  visit(document, {
    FragmentSpread: ({ name }) => void used.add(name.value),
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(`$${name.value}`),
  });
  const left = visit(document, {
    FragmentDefinition: ({ name }) => (used.has(name.value) ? undefined : null),
    VariableDefinition: ({ variable }) => (used.has(`$${variable.name.value}`) ? undefined : null),
  });
  return left.definitions.length < document.definitions.length ? withoutUnused(left) : left;
}
