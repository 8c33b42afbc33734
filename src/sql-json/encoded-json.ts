import type { Selection } from './selection.js';

/** By this key, which is no name in GraphQL, an object stands for an error: its value is the error's number. */
const ERROR_KEY = '!';

/** What stands in a text in the place of an error. */
export const errorMark = (index: number): string => `{"${ERROR_KEY}":${index}}`;

/**
 * A part of an answer as PostgreSQL wrote it: JSON text, with the fields that were asked for, by their names in the
 * answer and in its order. It is sent as it is, unless GraphQL has to look into it.
 */
export class Written {
  readonly __typename: string;
  readonly #isSplit: boolean;
  #opened: WrittenObject | undefined;

  /** @param errors what the marks in the text stand for */
  constructor(
    readonly text: string,
    { typeName, isSplit }: Selection,
    private readonly errors: readonly Error[],
  ) {
    this.__typename = typeName;
    this.#isSplit = isSplit;
  }

  /** Whether nothing is left to do, because there are no errors in it. */
  get isFinal(): boolean {
    return this.errors.length === 0;
  }

  /** The field of this name in the answer. */
  get(key: string): unknown {
    this.#opened ??= new WrittenObject(JSON.parse(this.text) as object, this.errors);
    return this.#opened.get(key);
  }

  /** The object as it was asked for under this name in the answer. */
  as(key: string): unknown {
    return this.#isSplit ? this.get(key) : this;
  }
}

/** An object within an opened text. */
export class WrittenObject {
  constructor(
    private readonly values: object,
    private readonly errors: readonly Error[],
  ) {}

  /** The field of this name in the answer. */
  get(key: string): unknown {
    return this.#opened((this.values as Readonly<Record<string, unknown>>)[key]);
  }

  #opened(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#opened(item));
    if (typeof value !== 'object' || value === null) return value;
    const index: unknown = (value as Readonly<Record<string, unknown>>)[ERROR_KEY];
    return typeof index === 'number' ? this.errors[index] : new WrittenObject(value, this.errors);
  }
}

/** As `JSON.stringify`, for values with written texts in them. */
export function stringify(value: unknown): string {
  if (value instanceof Written) return value.text;
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  let fields = '';
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined) fields += `${fields && ','}${JSON.stringify(key)}:${stringify(field)}`;
  }
  return `{${fields}}`;
}
