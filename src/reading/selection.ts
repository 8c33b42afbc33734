/** A field that is asked for of an object, with its arguments and what is asked for below it. */
export interface Part {
  /** Name and arguments: what is asked for twice in the same way is read once. */
  readonly key: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly selection: Selection;
}

/** What is asked for of an object, so that only that is read. */
export class Selection {
  readonly #parts: ReadonlyMap<string, Part>;

  constructor(parts: Iterable<Part>) {
    const merged = new Map<string, Part>();
    for (const part of parts) {
      const known = merged.get(part.key);
      merged.set(part.key, known ? { ...known, selection: known.selection.merge(part.selection) } : part);
    }
    this.#parts = merged;
  }

  /** A selection of fields without arguments. */
  static of(...names: readonly string[]): Selection {
    return new Selection(names.map((name) => ({ key: name, name, args: {}, selection: NOTHING })));
  }

  has(name: string): boolean {
    return this.parts(name).length > 0;
  }

  /** The fields of this name: several when it is asked for with different arguments. */
  parts(name: string): Part[] {
    return [...this.#parts.values()].filter((part) => part.name === name);
  }

  /** What is asked for below the fields of this name. */
  below(name: string): Selection {
    return new Selection(this.parts(name).flatMap(({ selection }) => [...selection.#parts.values()]));
  }

  merge(other: Selection): Selection {
    return new Selection([...this.#parts.values(), ...other.#parts.values()]);
  }
}

const NOTHING = new Selection([]);
