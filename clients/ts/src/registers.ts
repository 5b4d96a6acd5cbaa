import type { Row, Words } from "./rowshape.js";
import type { Table } from "./table.js";

/** What a register says of an entity (docs/protocol.md §7). */
export const enum State {
  Unknown,
  Here,
  Gone,
}

/** Rows of a page. */
export const pageRows = 64;

/** The low bits of an entity id that hold the index. */
const indexRange = 1 << 20;

/** entityId names an entity of a table. */
export function entityId(index: number, generation: number): number {
  return generation * indexRange + index;
}

/** indexOf is the place in its table of an entity id. */
export function indexOf(id: number): number {
  return id % indexRange;
}

/** generationOf tells which use of its index an entity id is; 0 for no entity. */
export function generationOf(id: number): number {
  return Math.floor(id / indexRange);
}

/** Made is by which of the player's inputs an own entity was made. */
export interface Made {
  /** The input's. */
  readonly tick: number;
  /** The entity's number among those that the input made, from 1. */
  readonly insert: number;
}

/** Page is 64 registers and their rows. The words of a row begin at its place times the table's columns. */
export class Page implements Words {
  readonly state = new Uint8Array(pageRows);
  readonly rowClass = new Uint8Array(pageRows);
  readonly generation = new Uint16Array(pageRows);
  readonly tick = new Float64Array(pageRows);
  readonly words: Uint32Array;
  readonly texts: string[];
  /** Of own rows that an input has made. */
  readonly made = new Map<number, Made>();
  wordsFrom = 0; // of the row that is looked at
  textsFrom = 0;

  readonly #shown: (Row | undefined)[] = new Array<Row | undefined>(pageRows).fill(undefined);
  readonly #shownTick = new Float64Array(pageRows);
  readonly #width: number;
  readonly #textWidth: number;

  constructor(table: Table) {
    this.#width = table.columns.length;
    this.#textWidth = table.texts;
    this.words = new Uint32Array(pageRows * this.#width);
    this.texts = new Array<string>(pageRows * this.#textWidth).fill("");
  }

  /** look sets which row the words are of. */
  look(row: number): this {
    this.wordsFrom = row * this.#width;
    this.textsFrom = row * this.#textWidth;
    return this;
  }

  /** empty makes every column of a row 0 or "". */
  empty(row: number): void {
    this.words.fill(0, row * this.#width, (row + 1) * this.#width);
    for (let i = row * this.#textWidth; i < (row + 1) * this.#textWidth; i++) this.texts[i] = "";
    this.stale(row);
  }

  /** stale drops the object of a row that has changed. */
  stale(row: number): void {
    this.#shown[row] = undefined;
  }

  /** kept returns the object of a row that was made before, as of a tick. */
  kept(row: number, tick: number): Row | undefined {
    return this.#shownTick[row] === tick ? this.#shown[row] : undefined;
  }

  /** keep holds an object of a row for as long as it does not change. */
  keep(row: number, tick: number, made: Row): Row {
    this.#shown[row] = made;
    this.#shownTick[row] = tick;
    return made;
  }

  /** Half of the mask of rows that are here: from 0 the lower 32 rows, from 32 the upper. */
  here(from: number): number {
    let mask = 0;
    for (let i = 31; i >= 0; i--) mask = mask * 2 + (this.state[from + i] === State.Here ? 1 : 0);
    return mask;
  }
}

/** Registers are those of one table, in pages that are made at first use. */
export class Registers {
  readonly wire: Table;
  readonly pages: (Page | undefined)[] = [];

  constructor(table: Table) {
    this.wire = table;
  }

  /** page returns the page of an index below MaxEntities, made if need be. */
  page(index: number): Page {
    const n = Math.floor(index / pageRows);
    while (this.pages.length <= n) this.pages.push(undefined);
    return (this.pages[n] ??= new Page(this.wire));
  }
}
