import type { StateHeader } from "./state.js";

/** roundTripShare is what the figure believes of a single measurement. */
const roundTripShare = 1 / 8;

/** inputsTimed is of how many of the latest inputs it is remembered when they left. */
const inputsTimed = 64;

/**
 * RoundTripMeter finds the round trip from what headers say of inputs: when one came, and which tick was made then. It has
 * whatever delays both sides, an impairment too. Times are in milliseconds.
 */
export class RoundTripMeter {
  /** As it is now. */
  roundTrip: number;

  readonly #period: number;
  readonly #left = new Map<number, number>(); // by tick, when its input left first; the oldest goes

  /** Begins with a first guess, such as how long the welcome took. */
  constructor(roundTrip: number, period: number) {
    this.roundTrip = roundTrip;
    this.#period = period;
  }

  /** sent takes note that the input for a tick leaves. */
  sent(tick: number, now: number): void {
    if (this.#left.has(tick)) return;
    this.#left.set(tick, now);
    if (this.#left.size > inputsTimed) this.#left.delete(this.#left.keys().next().value!);
  }

  /** heard takes the header of a newer tick than any before, at its arrival. The server has rounded the margin down. */
  heard(h: StateHeader, now: number): void {
    const left = this.#left.get(h.inputTick);
    if (!h.hasInput || left === undefined || Math.abs(h.margin) > 60) return;
    this.#left.delete(h.inputTick);
    const there = (h.tick - h.inputTick + (h.margin + 0.5) / 4) * this.#period; // from the input's arrival until this left
    const took = Math.max(0, now - left - Math.max(0, there));
    this.roundTrip += (took - this.roundTrip) * roundTripShare;
  }
}

/** lossOver is over how many datagrams the loss is reckoned. */
const lossOver = 256;

/** LossMeter finds which share of the server's datagrams does not come, by their sequence numbers. */
export class LossMeter {
  /** 0 to 1, of the latest few hundred. */
  get loss(): number {
    const due = this.#former.due + this.#due;
    return due === 0 ? 0 : Math.max(0, 1 - (this.#former.came + this.#came) / due);
  }

  #newest = 0;
  #due = 0;
  #came = 0;
  #former = { due: 0, came: 0 };

  /** came takes the sequence number of a datagram that is no duplicate. */
  heard(sequence: number): void {
    if (this.#newest === 0) this.#newest = sequence - 1;
    this.#came++;
    if (sequence <= this.#newest) return;
    this.#due += sequence - this.#newest;
    this.#newest = sequence;
    if (this.#due < lossOver) return;
    this.#former = { due: this.#due, came: this.#came };
    this.#due = this.#came = 0;
  }
}
