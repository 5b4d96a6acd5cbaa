import { pageRows, State, type Registers } from "./registers.js";

/**
 * tracesMax bounds them, at more than honest rooms leave in the longest age. Beyond it the oldest is forgotten before its time: a datagram
 * that comes very late may bring its row back until it is removed again.
 */
const tracesMax = 1 << 18;

/** Traces are the registers of removals, which stay as gone until no datagram young enough can contradict them (docs/protocol.md §7). */
export class Traces {
  readonly #places: number[] = []; // table, index and tick of each, oldest first
  #from = 0; // the first that is not forgotten

  /** Counted: those that were forgotten before their time. */
  dropped = 0;

  clear(): void {
    this.#places.length = this.#from = 0;
  }

  add(table: number, index: number, tick: number): void {
    this.#places.push(table, index, tick);
  }

  /** forget drops the registers of the first ones that are as of before a tick. */
  forget(before: number, tables: readonly Registers[]): void {
    const places = this.#places;
    const over = places.length - 3 * tracesMax;
    for (; this.#from < places.length; this.#from += 3) {
      if (places[this.#from + 2]! >= before) {
        if (this.#from >= over) break;
        this.dropped++;
      }
      const index = places[this.#from + 1]!;
      const page = tables[places[this.#from]!]!.page(index);
      const row = index % pageRows;
      if (page.state[row] === State.Gone && page.tick[row] === places[this.#from + 2]!) page.state[row] = State.Unknown;
    }
    if (2 * this.#from >= places.length && this.#from > 0) {
      places.splice(0, this.#from);
      this.#from = 0;
    }
  }
}
