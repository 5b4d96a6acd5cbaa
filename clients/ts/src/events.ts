import type { Row } from "./rowshape.js";

/** GameEvent is an event that came for the first time. */
export interface GameEvent {
  readonly tick: number;
  /** Among the events of its tick. */
  readonly number: number;
  /** Its place among the schema's events. */
  readonly kind: number;
  readonly row: Row;
}

/** EventQueue fires each event once (docs/protocol.md §7). */
export class EventQueue {
  readonly #fired = new Map<number, Set<number>>(); // per tick the numbers of what was fired
  readonly #eventTicks: number;
  #queue: GameEvent[] = [];

  /** late and count count events that were too old, and those that were fired. */
  late = 0;
  count = 0;

  constructor(eventTicks: number) {
    this.#eventTicks = eventTicks;
  }

  /** happened tells whether an event is new and not too old, and takes its name. Push it then. */
  happened(tick: number, number: number, newest: number): boolean {
    if (tick + this.#eventTicks <= newest) {
      this.late++;
      return false;
    }
    let ofTick = this.#fired.get(tick);
    if (ofTick === undefined) this.#fired.set(tick, (ofTick = new Set()));
    if (ofTick.has(number)) return false;
    ofTick.add(number);
    this.count++;
    return true;
  }

  /** push puts an event among those that the datagram brought. */
  push(e: GameEvent): void {
    this.#queue.push(e);
  }

  /** end returns what a datagram brought, in the order in which it happened, and forgets the names of what is too old. */
  end(newest: number): readonly GameEvent[] {
    for (const tick of this.#fired.keys()) {
      if (tick + this.#eventTicks <= newest) this.#fired.delete(tick);
    }
    if (this.#queue.length === 0) return noEvents;
    const out = this.#queue.sort((a, b) => a.tick - b.tick || a.number - b.number);
    this.#queue = [];
    return out;
  }
}

/** What most datagrams bring. */
export const noEvents: readonly GameEvent[] = [];
