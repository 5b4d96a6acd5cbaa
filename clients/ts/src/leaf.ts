import type { Field, Value } from "./field.js";

/** A nested row, as its leaves are reached. */
interface Place {
  [part: string]: Place | Value;
}

/** Leaf is where one field of a table stands in a row as an object. */
export class Leaf {
  readonly field: Field;
  readonly #way: readonly string[]; // of nested structs and arrays
  readonly #last: string;

  constructor(field: Field) {
    const path = pathOf(field.name).map((part) => (part.startsWith("[") ? part.slice(1, -1) : part));
    this.field = field;
    this.#last = path[path.length - 1]!;
    this.#way = path.slice(0, -1);
  }

  /** The field's value in a row. */
  get(row: object): Value {
    return this.#place(row)[this.#last] as Value;
  }

  /** Writes the field's value into a row. */
  set(row: object, value: Value): void {
    this.#place(row)[this.#last] = value;
  }

  /** Whether the field is there in a row that may lack some. */
  stands(row: object): boolean {
    let at: unknown = row;
    for (const part of [...this.#way, this.#last]) {
      if (typeof at !== "object" || at === null || !(part in at)) return false;
      at = (at as Place)[part];
    }
    return at !== undefined;
  }

  #place(row: object): Place {
    let at = row as Place;
    for (let i = 0; i < this.#way.length; i++) at = at[this.#way[i]!] as Place;
    return at;
  }
}

/** pathOf takes the name of a field apart, such as "Pos.X" or "Cells[3].Full"; the parts of arrays keep their brackets. */
export function pathOf(name: string): readonly string[] {
  return name.match(/\[\d+\]|[^.[\]]+/g) ?? [];
}
