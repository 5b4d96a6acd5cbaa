import type { Ack } from "./input.js";
import { AckBits } from "./limits.js";

/** Received is which datagrams of an epoch were received: the newest, and of the 64 before it those that were not (docs/protocol.md §7). */
export class Received {
  any = false;
  newest: number;
  #high = 0xffff_ffff; // the bits of those that are missing
  #low = 0xffff_ffff;

  /** newest is the number before that of the first datagram to come. */
  constructor(newest: number) {
    this.newest = newest;
  }

  /** forget begins anew, with another epoch or another connection. */
  forget(): void {
    this.any = false;
    this.#high = this.#low = 0xffff_ffff;
  }

  /** has tells whether a datagram is known to have been received; of one that is too far back nobody knows. */
  has(sequence: number): boolean {
    if (!this.any || sequence > this.newest) return false;
    const bit = this.newest - sequence - 1;
    if (bit < 0) return true;
    if (bit >= AckBits) return false;
    return (((bit < 32 ? this.#low : this.#high) >>> (bit & 31)) & 1) === 0;
  }

  /** add takes a datagram that was read to its end. */
  add(sequence: number): void {
    if (!this.any) {
      this.any = true;
      this.newest = sequence;
      this.#high = this.#low = 0xffff_ffff;
      return;
    }
    const ahead = sequence - this.newest;
    if (ahead > 0) {
      this.#shift(ahead);
      this.newest = sequence;
      return;
    }
    const bit = -ahead - 1;
    if (bit < 0 || bit >= AckBits) return;
    if (bit < 32) this.#low = (this.#low & ~(1 << bit)) >>> 0;
    else this.#high = (this.#high & ~(1 << (bit - 32))) >>> 0;
  }

  /** writeTo fills in an acknowledgement. */
  writeTo(ack: Ack): void {
    ack.hasAck = this.any;
    ack.newest = this.newest;
    ack.missingHigh = this.#high;
    ack.missingLow = this.#low;
  }

  /** The former newest becomes one of those before: bit ahead − 1 is clear, those of the ones between are set. */
  #shift(ahead: number): void {
    for (let n = Math.min(ahead, AckBits + 1); n > 0; n--) {
      const bit = n === Math.min(ahead, AckBits + 1) ? 0 : 1;
      this.#high = ((this.#high << 1) | (this.#low >>> 31)) >>> 0;
      this.#low = ((this.#low << 1) | bit) >>> 0;
    }
  }
}
