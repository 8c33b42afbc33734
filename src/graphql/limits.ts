import {
  Kind,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { limitExceeded } from '../errors.js';

/** Maximum length, in characters, of a name: of a field, an alias, an argument, a variable, a fragment, an operation. */
const MAX_NAME_LENGTH = 100;
/** Maximum number of levels of fields within each other. */
const MAX_DEPTH = 20;
/** Maximum number of levels of lists and objects within each other in an argument; a filter may have half as many. */
const MAX_VALUE_DEPTH = 64;
/** Maximum number of levels of braces around fields within each other, those of inline fragments included. */
const MAX_SET_DEPTH = 64;
/** Maximum number of fields at the top of an operation, aliases and `__typename` included: each is a statement. */
const MAX_ROOT_FIELDS = 50;
/** Maximum number of operations of a document, and of fragments. Validation compares each with each. */
const MAX_OPERATIONS = 50;
const MAX_FRAGMENTS = 100;
/** Maximum number of places where fragments are spread. Validation follows each of them. */
const MAX_SPREADS = 300;
/** Maximum number of fields of an operation, counted where its fragments are spread. */
const MAX_FIELDS = 10_000;
/**
 * Maximum number of comparisons of fields that have one response name. Validation compares each two of them, and each
 * two of the fields below them: 100 times the same field is 10,000 comparisons.
 */
const MAX_COMPARISONS = 10_000;

const refused = (message: string): Error => limitExceeded(message, 400);

/**
 * Checks the form of a parsed document, before it is validated: so that validating it costs little. It takes time
 * linear to the document: each fragment is looked at once, not each time that it is spread.
 *
 * @throws LIMIT_EXCEEDED with HTTP 400
 */
export function checkDocument(document: DocumentNode): void {
  checkParts(document);
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  atMost(MAX_OPERATIONS, operations.length, 'operations', 'A document');
  atMost(MAX_FRAGMENTS, fragments.size, 'fragments', 'A document');
  const sizes = new Sizes(fragments);
  for (const { selectionSet } of [...operations, ...fragments.values()]) {
    const { fields, depth } = sizes.of(selectionSet);
    if (depth > MAX_DEPTH) {
      throw refused(`Fields may be nested at most ${MAX_DEPTH} levels deep; they are ${depth} deep.`);
    }
    atMost(MAX_FIELDS, fields, 'fields, its fragments unfolded', 'An operation');
  }
  // Validation reports fragments that lead back to themselves: they are not followed here.
  const comparisons = new Comparisons(sizes.isCyclic ? new Map() : fragments);
  for (const { selectionSet } of operations) {
    atMost(
      MAX_ROOT_FIELDS,
      comparisons.count(selectionSet),
      'fields at its top, aliases included',
      'An operation',
    );
  }
  // Validation compares the fields of fragments that no operation uses, too.
  for (const [name, { selectionSet }] of fragments) {
    if (!comparisons.followed.has(name)) comparisons.count(selectionSet);
  }
}

/** @throws LIMIT_EXCEEDED */
function atMost(limit: number, count: number, what: string, whole: string): void {
  if (count > limit) throw refused(`${whole} may have at most ${limit} ${what}; it has ${count}.`);
}

/** Bounds the length of names, how deep values and selections are nested, and how often fragments are spread. */
function checkParts(document: DocumentNode): void {
  let spreads = 0;
  const values = nestedAtMost(MAX_VALUE_DEPTH, 'Lists and objects in arguments');
  visit(document, {
    ListValue: values,
    ObjectValue: values,
    SelectionSet: nestedAtMost(MAX_SET_DEPTH, 'Selections'),
    Name: ({ value, loc }) => {
      if (value.length <= MAX_NAME_LENGTH) return;
      const at = loc ? ` (line ${loc.startToken.line}, column ${loc.startToken.column})` : '';
      throw refused(
        `A name may have at most ${MAX_NAME_LENGTH} characters; "${value.slice(0, 20)}…"${at} has ${value.length}.`,
      );
    },
    FragmentSpread: () => void spreads++,
  });
  atMost(MAX_SPREADS, spreads, 'places where fragments are spread', 'A document');
}

/** Counts levels while a document is visited. */
function nestedAtMost(limit: number, what: string): { enter(): void; leave(): void } {
  let depth = 0;
  return {
    enter(): void {
      if (++depth > limit) throw refused(`${what} may be nested at most ${limit} levels deep.`);
    },
    leave: () => void depth--,
  };
}

interface Size {
  readonly fields: number;
  readonly depth: number;
}
const NOTHING: Size = { fields: 0, depth: 0 };

/** How many fields selection sets have, and how deep they are nested, where their fragments are spread. */
class Sizes {
  /** Whether a fragment leads back to itself. */
  isCyclic = false;
  /** By fragment; null while it is looked at. */
  readonly #known = new Map<string, Size | null>();

  constructor(private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>) {}

  of(set: SelectionSetNode | undefined): Size {
    let [fields, depth] = [0, 0];
    for (const node of set?.selections ?? []) {
      const size = this.#ofSelection(node);
      fields += size.fields;
      depth = Math.max(depth, size.depth);
    }
    return { fields, depth };
  }

  #ofSelection(node: SelectionNode): Size {
    if (node.kind === Kind.FRAGMENT_SPREAD) return this.#ofFragment(node.name.value);
    const below = this.of(node.selectionSet);
    if (node.kind === Kind.INLINE_FRAGMENT) return below;
    return { fields: below.fields + 1, depth: below.depth + 1 };
  }

  #ofFragment(name: string): Size {
    const known = this.#known.get(name);
    if (known) return known;
    if (known === null) {
      this.isCyclic = true;
      return NOTHING;
    }
    this.#known.set(name, null);
    const size = this.of(this.fragments.get(name)?.selectionSet);
    this.#known.set(name, size);
    return size;
  }
}

/** Counts how often validation compares two fields. */
class Comparisons {
  /** The names of the fragments whose fields were counted where they are spread. */
  readonly followed = new Set<string>();
  #count = 0;

  constructor(private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>) {}

  /**
   * Counts the comparisons of a selection set; returns how many fields it has itself.
   *
   * @throws LIMIT_EXCEEDED
   */
  count(...sets: readonly SelectionSetNode[]): number {
    const fieldsByName = new Map<string, FieldNode[]>();
    for (const set of sets) this.#collect(set, fieldsByName, new Set());
    let fields = 0;
    for (const same of fieldsByName.values()) {
      fields += same.length;
      if (same.length > 1) this.#count += same.length ** 2;
      if (this.#count > MAX_COMPARISONS) {
        throw refused(
          `Fields of one name may be selected so often that there are at most ${MAX_COMPARISONS} pairs of them. Select each field once.`,
        );
      }
      const below = same.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (below.length > 0) this.count(...below);
    }
    return fields;
  }

  #collect(set: SelectionSetNode, fieldsByName: Map<string, FieldNode[]>, visited: Set<string>): void {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const responseName = (node.alias ?? node.name).value;
        const same = fieldsByName.get(responseName);
        if (same) same.push(node);
        else fieldsByName.set(responseName, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        this.#collect(node.selectionSet, fieldsByName, visited);
      } else if (!visited.has(node.name.value)) {
        visited.add(node.name.value);
        const fragment = this.fragments.get(node.name.value);
        if (!fragment) continue;
        this.followed.add(node.name.value);
        this.#collect(fragment.selectionSet, fieldsByName, visited);
      }
    }
  }
}
