import { MaxDatagram } from "./limits.js";
import { Form, headOf, newHead, numberAt } from "./msgpack.js";
import type { Reject } from "./reject.js";

const head = newHead();

/** Cursor reads a datagram from front to back and keeps the first rejection; from then on every read returns 0. */
export class Cursor {
  b: Uint8Array = new Uint8Array(0);
  at = 0;
  reject: Reject | undefined = undefined;

  /** open begins to read a datagram of a kind; it returns whether there is one. */
  open(b: Uint8Array, kind: number): boolean {
    this.b = b;
    this.at = 0;
    this.reject = undefined;
    if (b.length > MaxDatagram) this.fail("oversized");
    else if (this.compact(Number.MAX_SAFE_INTEGER) !== kind) this.fail("unknown_kind");
    return this.reject === undefined;
  }

  /** Whether all was read. */
  get ended(): boolean {
    return this.at === this.b.length;
  }

  fail(reject: Reject): void {
    this.reject ??= reject;
    this.at = this.b.length;
  }

  /** Reads one limb. */
  limb(): number {
    if (this.at === this.b.length) {
      this.fail("truncated");
      return 0;
    }
    const v = this.b[this.at]!;
    if (v > 0x7f) {
      this.fail("wrong_type");
      return 0;
    }
    this.at++;
    return v;
  }

  /** Reads so many limbs, at most 7. */
  limbs(n: number): number {
    const { b, at } = this;
    if (b.length - at < n) {
      this.fail("truncated");
      return 0;
    }
    let v = 0;
    let all = 0;
    for (let i = at; i < at + n; i++) {
      const limb = b[i]!;
      all |= limb;
      v = v * 128 + limb;
    }
    if (all > 0x7f) {
      this.fail("wrong_type");
      return 0;
    }
    this.at = at + n;
    return v;
  }

  /** Reads an integer of any width from 0 to max, which is at most 2⁵³ − 1. */
  compact(max: number): number {
    const { b, at } = this;
    if (at < b.length && b[at]! <= 0x7f) {
      this.at++;
      return this.#within(b[at]!, max);
    }
    const reject = headOf(b, at, head) ?? (head.form === Form.Int ? undefined : "wrong_type");
    if (reject !== undefined) {
      this.fail(reject);
      return 0;
    }
    this.at += head.size;
    return this.#within(numberAt(b, at), max);
  }

  #within(v: number, max: number): number {
    if (v <= max) return v;
    this.fail("bad_value"); // NaN, too
    return 0;
  }
}
