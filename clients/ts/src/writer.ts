import { RejectError } from "./reject.js";

const encoder = new TextEncoder();

/** utf8 returns a text's bytes; half a surrogate pair becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writer appends msgpack to bytes that grow, every value in its shortest form (docs/protocol.md §1). */
export class Writer {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#at;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** What was written, good until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0;
  }

  /** Writes one byte as it is. */
  byte(v: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = v;
  }

  /** Writes bytes as they are. */
  raw(b: Uint8Array): void {
    if (this.#bytes.length - this.#at < b.length) this.#grow(b.length);
    this.#bytes.set(b, this.#at);
    this.#at += b.length;
  }

  /** Writes the low 7 n bits of a number below 2³² as n positive fixints, the most significant first. */
  limbs(v: number, n: number): void {
    for (let shift = 7 * (n - 1); shift >= 0; shift -= 7) this.byte((shift > 28 ? 0 : v >>> shift) & 0x7f);
  }

  /** Writes a whole number from 0 to 2⁵³ − 1; it throws a RejectError for every other. */
  uint(v: number): void {
    if (!Number.isSafeInteger(v) || v < 0) throw new RejectError("bad_value", "a number is no whole number from 0 to 2^53 - 1");
    if (v <= 0x7f) this.byte(v);
    else if (v <= 0xffff_ffff) this.#head(0xcc, v);
    else this.uint64(Math.floor(v / 0x1_0000_0000), v >>> 0);
  }

  /** Writes a number of 64 bits that comes in two halves. */
  uint64(high: number, low: number): void {
    if (high === 0) {
      this.uint(low);
      return;
    }
    this.byte(0xcf);
    this.#bigEndian(high, 4);
    this.#bigEndian(low, 4);
  }

  /** Writes an integer of 64 bits; it throws a RejectError for a wider or a negative one. */
  bigint(v: bigint): void {
    if (v !== BigInt.asUintN(64, v)) throw new RejectError("bad_value", "an integer is negative, or has more than 64 bits");
    this.uint64(Number(v >> 32n), Number(v & 0xffff_ffffn));
  }

  /** Writes a double. */
  float64(v: number): void {
    const b = new Uint8Array(8);
    new DataView(b.buffer).setFloat64(0, v);
    this.byte(0xcb);
    this.raw(b);
  }

  /** Writes a string. */
  text(s: string): void {
    const b = utf8(s);
    if (b.length <= 0x1f) this.byte(0xa0 | b.length);
    else this.#head(0xd9, b.length);
    this.raw(b);
  }

  /** Writes a bin. */
  bin(b: Uint8Array): void {
    this.binHead(b.length);
    this.raw(b);
  }

  /** Writes what stands before the bytes of a bin. */
  binHead(length: number): void {
    this.#head(0xc4, length);
  }

  /** Writes the head of an array. */
  array(length: number): void {
    if (length <= 0x0f) this.byte(0x90 | length);
    else this.#head(0xdb, length, 1); // there is none whose length has one byte
  }

  /** Writes a number of 1, 2 or 4 bytes behind its type: the one given, or one of the two that follow it. */
  #head(type: number, v: number, least = 0): void {
    const wide = v > 0xffff ? 2 : v > 0xff ? 1 : least;
    this.byte(type + wide);
    this.#bigEndian(v, 1 << wide);
  }

  #bigEndian(v: number, bytes: number): void {
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) this.byte((v >>> shift) & 0xff);
  }

  #grow(by: number): void {
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + by));
    bytes.set(this.view());
    this.#bytes = bytes;
  }
}
