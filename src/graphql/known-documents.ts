import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import {
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  specifiedRules,
  validate,
  visit,
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldMap,
  type GraphQLFormattedError,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { CREDENTIAL_NEEDED, limitExceeded, unauthenticated } from '../errors.js';
import type { OperationLabel } from '../app/context.js';
import type { Selection } from '../sql-json/selection.js';
import { withShortTexts } from './error-texts.js';
import { checkDocument } from './limits.js';
import { collectFields } from './schema/collect-fields.js';

/** Maximum number of tokens of a document: it bounds what parsing costs. A list of 1,000 ids has some 1,000. */
const MAX_TOKENS = 5_000;
/** The same without a credential; introspection takes some 500. */
const MAX_TOKENS_ANONYMOUS = 1_000;
/** Maximum number of errors of a document that are reported. */
const MAX_ERRORS = 20;
/** Maximum number of documents that are known, the most recently used ones, and of characters that are kept of them. */
const MAX_DOCUMENTS = 10_000;
const MAX_LENGTH = 2_000_000;
/** What a document counts for that is not kept, in characters. */
const LENGTH_OF_ENTRY = 50;
/** Maximum number of sets of root fields of one operation: one for each set of values of variables in @skip and @include. */
const MAX_ROOT_FIELDS_KEPT = 16;

/** Why a document is refused, as its answer says it. Kept without the nodes, which would keep the document. */
export type DocumentErrors = readonly GraphQLFormattedError[];

/** Returns what is wrong with a document. */
type Validate = (document: DocumentNode) => readonly GraphQLError[];

type DocumentStore = NonNullable<ApolloServerOptions<BaseContext>['documentStore']>;

/**
 * What is known about the documents that were sent: one entry for each, by the SHA-256 of its text. All that is kept
 * of an operation hangs from this entry, and goes with it.
 *
 * A document is cached when it is sent for the second time, so that one that is sent only once stays in V8's young
 * generation, where freeing it is cheap. Of a refused document only the errors are cached.
 */
export class KnownDocuments {
  readonly #validate: Validate;
  readonly #entries = new LRUCache<string, KnownDocument>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_LENGTH,
    sizeCalculation: (entry) => entry.length,
  });
  /** SHA-256 of the texts that were sent most recently: it is cheaper to look up than to compute. */
  readonly #hashes = new LRUCache<string, string>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_LENGTH,
    sizeCalculation: (_hash, text) => text.length + LENGTH_OF_ENTRY,
  });

  /** @param introspection whether clients may ask for the schema, and be told names that they did not send */
  constructor(
    private readonly schema: GraphQLSchema,
    introspection: boolean,
  ) {
    this.#validate = (document) =>
      validate(
        schema,
        document,
        [...specifiedRules, knownOperationTypes, ...(introspection ? [] : [noIntrospection])],
        { maxErrors: MAX_ERRORS, hideSuggestions: !introspection },
      );
  }

  /** The operation of this name, where its document was sent before and nothing is wrong with it. */
  operation(text: string, name: string | null | undefined): KnownOperation | null {
    const known = this.#hashes.get(text);
    const textHash = known ?? hash('sha256', text, 'hex');
    const operation = this.#entries.get(textHash)?.operation(name) ?? null;
    if (operation !== null && known === undefined) this.#hashes.set(text, textHash);
    return operation;
  }

  /**
   * The document with this text, parsed and checked.
   *
   * @param textHash SHA-256 of the text in hex
   */
  enter(textHash: string, text: string): KnownDocument {
    const entry = this.#entries.get(textHash) ?? new KnownDocument(this.schema, this.#validate);
    const { length } = entry;
    entry.requests++;
    entry.parse(text);
    if (!this.#entries.has(textHash) || entry.length !== length) this.#entries.set(textHash, entry);
    return entry;
  }

  /** To be called when a request with this document is answered. */
  leave(textHash: string, entry: KnownDocument): void {
    entry.requests--;
    const isFirst = entry.uses++ === 0;
    if (!isFirst || entry.requests > 0) return;
    entry.forget();
    this.#entries.set(textHash, entry);
  }

  /** For Apollo Server, which asks for documents here and then neither parses nor validates them. */
  get store(): DocumentStore {
    const hashOf = (key: string): string => key.slice(key.lastIndexOf(':') + 1);
    return {
      get: (key) => Promise.resolve(this.#entries.get(hashOf(key))?.document ?? REFUSED),
      set: () => Promise.resolve(),
      delete: (key) => Promise.resolve(this.#entries.delete(hashOf(key))),
    };
  }
}

/** Stands for a document that was refused: Apollo needs one to go on with. */
const REFUSED = parse('{ __typename }', { noLocation: true });

/** What is known about one document. */
export class KnownDocument {
  /** How many requests with it were answered, and how many are being answered. */
  uses = 0;
  requests = 0;
  #document: DocumentNode | null = null;
  /** Null: nothing is wrong with it, or that is not known yet. */
  #errors: DocumentErrors | null = null;
  /** Why it is refused without a credential; null: it is not, or it cannot be parsed. */
  #errorsForAnonymous: DocumentErrors | null = null;
  /** What is kept of it, in characters: its text where it is parsed, or why it is refused. */
  #length = 0;
  #isValidated = false;
  readonly #operations = new Map<OperationDefinitionNode, KnownOperation>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly validateDocument: Validate,
  ) {}

  /** What it counts for in memory, in characters. */
  get length(): number {
    return LENGTH_OF_ENTRY + this.#length;
  }

  /** Parsed; null where it was refused, or is not kept. */
  get document(): DocumentNode | null {
    return this.#document;
  }

  /** Parses its text and checks its form, unless that is done. */
  parse(text: string): void {
    if (this.#document !== null || this.#errors !== null) return;
    try {
      const document = parse(text, { maxLexicalTokens: MAX_TOKENS });
      checkDocument(document);
      this.#errorsForAnonymous = errorsForAnonymous(this.schema, document);
      this.#document = document;
      this.#length = text.length;
    } catch (error) {
      this.#refuse([error], 'GRAPHQL_PARSE_FAILED');
    }
  }

  /** Drops what it was parsed to; what is wrong with it stays. */
  forget(): void {
    this.#document = null;
    this.#isValidated = false;
    this.#operations.clear();
    this.#length = lengthOf(this.#errors);
  }

  #refuse(errors: readonly unknown[], code: string): void {
    this.#errors = errors.map((error) => toFormattedError(error, code));
    this.forget();
  }

  /**
   * What is wrong with the document for whoever asks; null: nothing. Who asks is looked at before the document is
   * validated: without a credential only short documents are, and those that ask for something public.
   */
  errorsFor(isAnonymous: boolean): DocumentErrors | null {
    if (isAnonymous && this.#errorsForAnonymous !== null) return this.#errorsForAnonymous;
    if (this.#document !== null && !this.#isValidated) {
      const errors = this.validateDocument(this.#document);
      if (errors.length > 0) this.#refuse(errors, 'GRAPHQL_VALIDATION_FAILED');
      else this.#isValidated = true;
    }
    return this.#errors;
  }

  /** The operation of this name; null where there is none, or where there are several and no name is given. */
  operation(name: string | null | undefined): KnownOperation | null {
    if (this.#document === null || !this.#isValidated) return null;
    const definition = getOperationAST(this.#document, name);
    if (!definition) return null;
    let operation = this.#operations.get(definition);
    if (operation === undefined) {
      operation = new KnownOperation(this.schema, this.#document, definition);
      this.#operations.set(definition, operation);
    }
    return operation;
  }
}

/** A rule of validation that graphql-js leaves to execution: the schema has operations of this type. */
const knownOperationTypes = (context: ValidationContext): ASTVisitor => ({
  OperationDefinition(node) {
    if (context.getSchema().getRootType(node.operation)) return;
    context.reportError(
      new GraphQLError(`There are no operations of type ${node.operation}.`, { nodes: node }),
    );
  },
});

/** A rule of validation where introspection is off. */
const noIntrospection = (context: ValidationContext): ASTVisitor => ({
  Field(node) {
    const name = node.name.value;
    if (name !== '__schema' && name !== '__type') return;
    context.reportError(new GraphQLError(`The schema is not given away: ${name} is off.`, { nodes: node }));
  },
});

/** An error as its answer says it. One of graphql-js gets its code, as from Apollo; one of ours has one. */
function toFormattedError(error: unknown, code: string): GraphQLFormattedError {
  // The parser calls itself for each level.
  if (error instanceof RangeError) {
    return toFormattedError(limitExceeded('The document is nested too deep to be parsed.', 400), code);
  }
  if (!(error instanceof GraphQLError)) throw error;
  const { extensions } = error;
  const known = extensions['code'] === undefined ? { code, http: { status: 400 } } : extensions;
  return withShortTexts({ ...error.toJSON(), extensions: known });
}

const lengthOf = (errors: DocumentErrors | null): number =>
  errors === null ? 0 : JSON.stringify(errors).length;

/** Why a document is refused without a credential, before it is validated; null: it is not. */
function errorsForAnonymous(schema: GraphQLSchema, document: DocumentNode): DocumentErrors | null {
  if (!hasPublicField(schema, document)) return [unauthenticated(CREDENTIAL_NEEDED).toJSON()];
  const { tokenCount = 0 } = document;
  if (tokenCount <= MAX_TOKENS_ANONYMOUS) return null;
  const message = `Without a credential a document may have at most ${MAX_TOKENS_ANONYMOUS} tokens; it has ${tokenCount}.`;
  return [limitExceeded(message, 400).toJSON()];
}

/** Whether any operation of a document asks for something that needs no credential, introspection included. */
function hasPublicField(schema: GraphQLSchema, { definitions }: DocumentNode): boolean {
  return definitions.some(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      hasPublic(
        definition.selectionSet,
        schema.getRootType(definition.operation)?.getFields() ?? {},
        new Set(),
      ),
  );

  function hasPublic(
    { selections }: SelectionSetNode,
    fields: GraphQLFieldMap<unknown, unknown>,
    visited: Set<string>,
  ): boolean {
    return selections.some((node) => {
      if (node.kind === Kind.FIELD) {
        const field = fields[node.name.value];
        // What does not exist is for validation to say.
        return field === undefined || field.extensions['isPublic'] === true;
      }
      if (node.kind === Kind.INLINE_FRAGMENT) return hasPublic(node.selectionSet, fields, visited);
      if (visited.has(node.name.value)) return false;
      visited.add(node.name.value);
      return definitions.some(
        (definition) =>
          definition.kind === Kind.FRAGMENT_DEFINITION &&
          definition.name.value === node.name.value &&
          hasPublic(definition.selectionSet, fields, visited),
      );
    });
  }
}

/** A field at the root of an operation. */
export interface RootField {
  /** Its response name. */
  readonly responseName: string;
  readonly parentType: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly nodes: readonly FieldNode[];
  /** What is asked for below it, by type, where no variable shapes that: see `selectionOf`. */
  readonly selections: Map<GraphQLObjectType, Selection>;
}

/** What is known about one operation of a document. */
export class KnownOperation {
  /** As logs, metrics and traces name it. */
  readonly label: OperationLabel;
  /** What it costs at most, whatever its variables are, where these are few; null: not known yet. */
  maxCost: number | null = null;
  readonly fragments: Record<string, FragmentDefinitionNode> = Object.create(null) as Record<
    string,
    FragmentDefinitionNode
  >;
  /** Variables that decide by @skip and @include what is selected. */
  readonly #conditions: readonly string[];
  readonly #rootFields = new Map<string, readonly RootField[] | null>();
  /** Where no variable decides. */
  #onlyRootFields: readonly RootField[] | null | undefined;

  constructor(
    readonly schema: GraphQLSchema,
    document: DocumentNode,
    readonly definition: OperationDefinitionNode,
  ) {
    const { operation: type, name: { value: name } = { value: '' } } = definition;
    this.label = { type, name, text: `${type} ${name}`.trim() };
    for (const part of document.definitions) {
      if (part.kind === Kind.FRAGMENT_DEFINITION) this.fragments[part.name.value] = part;
    }
    const conditions = new Set<string>();
    visit(document, {
      Directive: ({ name: directive, arguments: args = [] }) => {
        if (directive.value !== 'skip' && directive.value !== 'include') return;
        for (const { value } of args) if (value.kind === Kind.VARIABLE) conditions.add(value.name.value);
      },
    });
    this.#conditions = [...conditions];
  }

  /**
   * The fields at its root; null where they are graphql-js's own matter: introspection, and where a variable of @skip
   * or @include is null, which it reports where it meets it.
   *
   * @param variableValues coerced
   */
  rootFields(variableValues: Readonly<Record<string, unknown>>): readonly RootField[] | null {
    if (this.#conditions.length === 0) {
      this.#onlyRootFields ??= this.#collectRootFields(variableValues);
      return this.#onlyRootFields;
    }
    if (this.#conditions.some((name) => typeof variableValues[name] !== 'boolean')) return null;
    const key = JSON.stringify(this.#conditions.map((name) => variableValues[name]));
    const known = this.#rootFields.get(key);
    if (known !== undefined) return known;
    const fields = this.#collectRootFields(variableValues);
    if (this.#rootFields.size < MAX_ROOT_FIELDS_KEPT) this.#rootFields.set(key, fields);
    return fields;
  }

  #collectRootFields(variableValues: Readonly<Record<string, unknown>>): readonly RootField[] | null {
    const { schema, fragments, definition } = this;
    const parentType = schema.getRootType(definition.operation);
    if (!parentType) return null;
    const fields: RootField[] = [];
    const operation = { schema, fragments, variableValues: { ...variableValues } };
    for (const [responseName, nodes] of collectFields(operation, parentType, [definition.selectionSet])) {
      const field = parentType.getFields()[nodes[0]?.name.value ?? ''];
      if (field === undefined) return null;
      fields.push({ responseName, parentType, field, nodes, selections: new Map() });
    }
    return fields;
  }
}
