// Cursors and versions are the server's own affair. The oracle answers tokens in their place, which say what they
// stand for; what the server writes for each token is learnt from its answers.

/** No text of PostgreSQL has NUL, so that no other text of an answer is taken for a token. */
const MARK = '\0';

/** A list of which cursors are known. */
export interface CursorList {
  /** Name of the caller. */
  readonly caller: string;
  /** The type and the field: `Game.tasks`. */
  readonly field: string;
  /** Id of the object that the list belongs to; null at the root. */
  readonly parentId: string | null;
  /** Filter and order as they were given. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Equal for equal lists. */
  readonly key: string;
}

interface Cursor {
  readonly list: CursorList;
  readonly rowId: string;
}

/** A cursor that the server has given, and where it stands. */
export interface KnownCursor extends Cursor {
  readonly text: string;
}

export class Opaque {
  readonly #cursors = new Map<string, Cursor>();
  /** What the server writes for a token. */
  readonly #texts = new Map<string, string>();
  readonly #known = new Map<string, KnownCursor>();
  readonly #knownByField = new Map<string, KnownCursor[]>();

  /** What stands for the cursor of a row in a list. */
  cursor(list: CursorList, rowId: string): string {
    const token = `${MARK}cursor ${list.key} ${rowId}`;
    if (!this.#cursors.has(token)) this.#cursors.set(token, { list, rowId });
    return token;
  }

  /** What stands for the version of a game. */
  version(gameId: string): string {
    return `${MARK}version ${gameId}`;
  }

  /** What the server has written for a token; undefined as long as it has not. */
  textOf(token: string): string | undefined {
    return this.#texts.get(token);
  }

  /** The row of this list at which a cursor of the server stands; undefined for any other text. */
  rowOf(list: CursorList, cursor: string): string | undefined {
    const known = this.#known.get(cursor);
    return known?.list.key === list.key ? known.rowId : undefined;
  }

  /** Cursors that may be given to a field. */
  knownOf(field: string): readonly KnownCursor[] {
    return this.#knownByField.get(field) ?? [];
  }

  /**
   * What is expected, with the server's texts in the place of tokens. A token that is met for the first time takes
   * whatever text stands in its place in the answer; from then on it is that text and no other.
   */
  filledIn(expected: unknown, answered: unknown): unknown {
    if (typeof expected === 'string' && expected.startsWith(MARK)) return this.#textFor(expected, answered);
    if (typeof expected !== 'object' || expected === null) return expected;
    const other = Object(answered) as Readonly<Record<string, unknown>>;
    if (Array.isArray(expected)) return expected.map((item, index) => this.filledIn(item, other[index]));
    return Object.fromEntries(
      Object.entries(expected).map(([key, value]) => [key, this.filledIn(value, other[key])]),
    );
  }

  #textFor(token: string, answered: unknown): unknown {
    const known = this.#texts.get(token);
    if (known !== undefined) return known;
    if (typeof answered !== 'string' || answered === '') return token;
    const cursor = this.#cursors.get(token);
    // Two rows of one list with one cursor would be one position.
    if (cursor !== undefined && this.#known.has(answered)) return token;
    this.#texts.set(token, answered);
    if (cursor !== undefined) {
      const found = { ...cursor, text: answered };
      this.#known.set(answered, found);
      const { field } = cursor.list;
      const ofField = this.#knownByField.get(field);
      if (ofField) ofField.push(found);
      else this.#knownByField.set(field, [found]);
    }
    return answered;
  }
}
