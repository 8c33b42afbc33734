import type { CompiledStatement } from './bind.js';

/** A field that is asked for of an object, with its arguments and what is asked for below it. */
export interface Field {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What is wrong with the arguments, where they cannot be used. */
  readonly argumentError?: Error;
  readonly selection: Selection;
}

/** What is asked for of an object: its fields by their response names, in the order of the answer. */
export class Selection {
  constructor(
    /** Name of the object's type. */
    readonly typeName: string,
    readonly fields: ReadonlyMap<string, Field>,
    /** The statements compiled for this selection, by their cache keys; null where a variable shapes the selection. */
    readonly statements: Map<string, CompiledStatement> | null = null,
    /** Whether each field stands for the whole object, asked for in several ways: see `below`. */
    readonly isSplit = false,
  ) {}

  static readonly NOTHING = new Selection('', new Map());

  /** A selection of fields without arguments. */
  static of(typeName: string, fields: Readonly<Record<string, Selection>>): Selection {
    const named = Object.entries(fields).map(
      ([name, selection]) => [name, { name, args: {}, selection }] as const,
    );
    return new Selection(typeName, new Map(named));
  }

  /** The fields of this name: several when it is asked for under several response names. */
  all(name: string): Field[] {
    if (this.isSplit) return [...this.fields.values()].flatMap(({ selection }) => selection.all(name));
    return [...this.fields.values()].filter((field) => field.name === name);
  }

  /**
   * What is asked for below the fields of these names, which are one object or alike. Asked for under several
   * names in the answer, it is split: then each of these names stands for the object.
   */
  below(...names: readonly string[]): Selection {
    const wanted = [...this.fields].filter(([, { name }]) => names.includes(name));
    const [first, second] = wanted;
    if (second === undefined) return first?.[1].selection ?? Selection.NOTHING;
    return new Selection(first?.[1].selection.typeName ?? '', new Map(wanted), null, true);
  }
}
