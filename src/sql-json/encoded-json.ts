import type { Selection } from './selection.js';

/** By this key, which is no name in GraphQL, an object stands for an error: its value is the error's number. */
const ERROR_KEY = '!';

/** The text that stands for an error in JSON that PostgreSQL writes. */
export const errorMark = (index: number): string => `{"${ERROR_KEY}":${index}}`;

/** The error that a whole text stands for; undefined where it is no mark. */
export function errorOf(text: string, errors: readonly Error[]): Error | undefined {
  return errors.find((_error, index) => text === errorMark(index));
}

/** Encoded JSON as it is kept. */
export interface EncodedRecord<KeptError> {
  readonly text: string;
  readonly typeName: string;
  readonly isSplit: boolean;
  readonly errors: readonly KeptError[];
}

/**
 * A part of an answer as PostgreSQL wrote it: JSON text with the fields that were asked for, by their response
 * names and in the order of the answer. It is sent as it is; it is parsed only where graphql-js completes the answer.
 */
export class EncodedJson {
  readonly __typename: string;
  readonly #isSplit: boolean;
  #parsed: ParsedJson | undefined;

  /** @param errors what the marks in the text stand for */
  constructor(
    readonly text: string,
    { typeName, isSplit }: Pick<Selection, 'typeName' | 'isSplit'>,
    private readonly errors: readonly Error[],
  ) {
    this.__typename = typeName;
    this.#isSplit = isSplit;
  }

  /** Whether it can be sent as it is: there is no error in it. */
  get isFinished(): boolean {
    return this.errors.length === 0;
  }

  /** The field of this response name. */
  get(responseName: string): unknown {
    this.#parsed ??= new ParsedJson(JSON.parse(this.text) as object, this.errors);
    return this.#parsed.get(responseName);
  }

  /** What it is made of, to be kept. */
  toRecord<KeptError>(keep: (error: Error) => KeptError): EncodedRecord<KeptError> {
    return {
      text: this.text,
      typeName: this.__typename,
      isSplit: this.#isSplit,
      errors: this.errors.map((error) => keep(error)),
    };
  }

  /** Makes it from what was kept. */
  static fromRecord<KeptError>(
    { text, errors, ...selection }: EncodedRecord<KeptError>,
    restore: (error: KeptError) => Error,
  ): EncodedJson {
    return new EncodedJson(
      text,
      selection,
      errors.map((error) => restore(error)),
    );
  }

  /** The object as it was asked for under this response name. */
  as(responseName: string): unknown {
    return this.#isSplit ? this.get(responseName) : this;
  }
}

/** An object of a parsed text. */
export class ParsedJson {
  constructor(
    private readonly values: object,
    private readonly errors: readonly Error[],
  ) {}

  /** The field of this response name. */
  get(responseName: string): unknown {
    return this.#valueOf((this.values as Readonly<Record<string, unknown>>)[responseName]);
  }

  #valueOf(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#valueOf(item));
    if (typeof value !== 'object' || value === null) return value;
    const index: unknown = (value as Readonly<Record<string, unknown>>)[ERROR_KEY];
    return typeof index === 'number' ? this.errors[index] : new ParsedJson(value, this.errors);
  }
}

/** Most bytes of a UTF-16 code unit in UTF-8. */
const MAX_BYTES_OF_UNIT = 3;

/** Whether texts together have more bytes in UTF-8. These are only counted where the lengths leave it open. */
export function areLongerThan(texts: readonly string[], maxBytes: number): boolean {
  const units = texts.reduce((sum, { length }) => sum + length, 0);
  if (units * MAX_BYTES_OF_UNIT <= maxBytes) return false;
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxBytes;
}
