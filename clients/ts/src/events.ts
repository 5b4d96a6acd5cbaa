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

/** firedMax bounds the names of events that are remembered: a server tells some 64 of a tick, in up to 127 ticks. */
const firedMax = 1 << 14;

/** EventQueue fires each event once (docs/protocol.md §7). */
export class EventQueue {
  readonly #fired = new Map<number, Set<number>>(); // per tick the numbers of what was fired
  readonly #eventTicks: number;
  #names = 0;
  #queue: GameEvent[] = [];

  /** late, dropped and count count events that were too old, those that were more than are told apart, and those that were fired. */
  late = 0;
  dropped = 0;
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
    if (this.#names >= firedMax) {
      this.dropped++;
      return false;
    }
    ofTick.add(number);
    this.#names++;
    this.count++;
    return true;
  }

  /** push puts an event among those that the datagram brought. */
  push(e: GameEvent): void {
    this.#queue.push(e);
  }

  /** forget forgets the names of what is too old. */
  forget(newest: number): void {
    for (const [tick, names] of this.#fired) {
      if (tick + this.#eventTicks > newest) continue;
      this.#fired.delete(tick);
      this.#names -= names.size;
    }
  }

  /** end returns what a datagram brought, in the order in which it happened. */
  end(): readonly GameEvent[] {
    if (this.#queue.length === 0) return noEvents;
    const out = this.#queue.sort((a, b) => a.tick - b.tick || a.number - b.number);
    this.#queue = [];
    return out;
  }
}

/** What most datagrams bring. */
export const noEvents: readonly GameEvent[] = [];
