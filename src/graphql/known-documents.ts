import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import {
  getOperationAST,
  Kind,
  OperationTypeNode,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import type { Selection } from '../sql-json/selection.js';
import { collectFields } from './schema/collect-fields.js';

/** Most documents that are known, the most recently used ones, and most characters of those that are kept parsed. */
const MAX_DOCUMENTS = 10_000;
const MAX_LENGTH = 2_000_000;
/** What a document that was sent once counts for, in characters. */
const LENGTH_OF_ONCE = 50;
/** Most sets of root fields of one operation: one for each set of values of the variables in @skip and @include. */
const MAX_ROOT_FIELDS_KEPT = 16;
/** Longest name of an operation that is logged, in characters; the name is the client's. */
const MAX_NAME_LENGTH = 100;

type DocumentStore = NonNullable<ApolloServerOptions<BaseContext>['documentStore']>;

/**
 * What is known about the documents that were sent: one entry for each, by the SHA-256 of its text. All that is kept
 * of an operation hangs from this entry, and goes with it.
 *
 * A document is kept from the second time on that it is sent. One that never comes again dies young, where memory is
 * reclaimed at once.
 */
export class KnownDocuments {
  readonly #entries = new LRUCache<string, KnownDocument | { readonly once: true }>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_LENGTH,
    sizeCalculation: (entry) => ('once' in entry ? LENGTH_OF_ONCE : entry.length),
  });

  constructor(private readonly schema: GraphQLSchema) {}

  /** The document with this text, where it is kept. */
  withText(text: string): KnownDocument | null {
    return this.#kept(hash('sha256', text, 'hex'));
  }

  /** What is known about a validated document. @param textHash SHA-256 of its text in hex */
  of(textHash: string, document: DocumentNode): KnownDocument {
    const kept = this.#kept(textHash);
    return kept?.document === document ? kept : new KnownDocument(this.schema, document);
  }

  /** For Apollo Server, which asks for parsed and validated documents here. Its keys end with the SHA-256 of the text. */
  get store(): DocumentStore {
    const hashOf = (key: string): string => key.slice(key.lastIndexOf(':') + 1);
    return {
      get: (key) => Promise.resolve(this.#kept(hashOf(key))?.document),
      set: (key, document) => {
        const isRepeated = this.#entries.has(hashOf(key));
        this.#entries.set(
          hashOf(key),
          isRepeated ? new KnownDocument(this.schema, document) : { once: true },
        );
        return Promise.resolve();
      },
      delete: (key) => Promise.resolve(this.#entries.delete(hashOf(key))),
    };
  }

  #kept(textHash: string): KnownDocument | null {
    const entry = this.#entries.get(textHash);
    return entry === undefined || 'once' in entry ? null : entry;
  }
}

/** What is known about a validated document. */
export class KnownDocument {
  readonly #operations = new Map<OperationDefinitionNode, KnownOperation>();

  constructor(
    private readonly schema: GraphQLSchema,
    readonly document: DocumentNode,
  ) {}

  /** Length of its text, in characters. */
  get length(): number {
    return (this.document.loc?.end ?? MAX_LENGTH) + 1;
  }

  /** The operation of this name; null where there is none, or where there are several and no name is given. */
  operation(name: string | null | undefined): KnownOperation | null {
    const definition = getOperationAST(this.document, name);
    if (!definition) return null;
    let operation = this.#operations.get(definition);
    if (operation === undefined) {
      operation = new KnownOperation(this.schema, this.document, definition);
      this.#operations.set(definition, operation);
    }
    return operation;
  }
}

/** A field at the root of a query. */
export interface RootField {
  /** Its name in the answer. */
  readonly key: string;
  readonly parentType: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly nodes: readonly FieldNode[];
  /** What is asked for below it, by type, where no variable shapes that: see `selectionOf`. */
  readonly selections: Map<GraphQLObjectType, Selection>;
}

/** What is known about one operation of a document. */
export class KnownOperation {
  /** As the log names it. */
  readonly logName: string;
  /** Whether it was found to be within all limits, whatever its variables are. */
  alwaysWithinLimits = false;
  readonly fragments: Record<string, FragmentDefinitionNode> = Object.create(null) as Record<
    string,
    FragmentDefinitionNode
  >;
  /** Variables that decide by @skip and @include what is selected. */
  readonly #conditions: readonly string[];
  readonly #rootFields = new Map<string, readonly RootField[] | null>();

  constructor(
    readonly schema: GraphQLSchema,
    readonly document: DocumentNode,
    readonly definition: OperationDefinitionNode,
  ) {
    const name = definition.name?.value ?? '';
    this.logName = `${definition.operation} ${name.slice(0, MAX_NAME_LENGTH)}`.trim();
    for (const part of document.definitions) {
      if (part.kind === Kind.FRAGMENT_DEFINITION) this.fragments[part.name.value] = part;
    }
    const conditions = new Set<string>();
    visit(document, {
      Directive: ({ arguments: args = [] }) => {
        for (const { value } of args) if (value.kind === Kind.VARIABLE) conditions.add(value.name.value);
      },
    });
    this.#conditions = [...conditions];
  }

  /**
   * The fields at its root; null where they are graphql-js's own matter: those of a mutation, and introspection.
   *
   * @param variableValues coerced
   * @throws GraphQLError when a variable of @skip or @include is null
   */
  rootFields(variableValues: Readonly<Record<string, unknown>>): readonly RootField[] | null {
    const key = JSON.stringify(this.#conditions.map((name) => variableValues[name] ?? null));
    const known = this.#rootFields.get(key);
    if (known !== undefined) return known;
    const fields = this.#collectRootFields(variableValues);
    if (this.#rootFields.size < MAX_ROOT_FIELDS_KEPT) this.#rootFields.set(key, fields);
    return fields;
  }

  #collectRootFields(variableValues: Readonly<Record<string, unknown>>): readonly RootField[] | null {
    const { schema, fragments, definition } = this;
    const parentType = schema.getQueryType();
    if (!parentType || definition.operation !== OperationTypeNode.QUERY) return null;
    const fields: RootField[] = [];
    const operation = { schema, fragments, variableValues: { ...variableValues } };
    for (const [key, nodes] of collectFields(operation, parentType, [definition.selectionSet])) {
      const field = parentType.getFields()[nodes[0]?.name.value ?? ''];
      if (field === undefined) return null;
      fields.push({ key, parentType, field, nodes, selections: new Map() });
    }
    return fields;
  }
}
