import { MaxFrame, MaxFrameHeader } from "./limits.js";
import { unsigned } from "./msgpack.js";
import { RejectError } from "./reject.js";
import { Writer } from "./writer.js";

/** frame wraps a message for the control stream (docs/protocol.md §3). */
export function frame(message: Uint8Array): Uint8Array {
  const w = new Writer(message.length + MaxFrameHeader);
  w.bin(message);
  return w.finish();
}

/**
 * FrameReader puts messages together from the bytes of a stream as they come. A frame above its limit is refused when its
 * header is here: nothing waits for it, or is allocated by what it announces.
 */
export class FrameReader {
  #held: Uint8Array = new Uint8Array(0);
  #used = 0; // of held
  readonly #maxMessage: number;

  /** The most bytes that a message of this peer may have. */
  constructor(maxMessage: number = MaxFrame) {
    this.#maxMessage = maxMessage;
  }

  /** Whether a frame has begun and is not whole: a stream that ends now ends inside of it. */
  get partial(): boolean {
    return this.#used < this.#held.length;
  }

  /** push takes the next bytes of the stream. Take every message with next before more come. */
  push(b: Uint8Array): void {
    const rest = this.#held.length - this.#used;
    const held = new Uint8Array(rest + b.length);
    held.set(this.#held.subarray(this.#used));
    held.set(b, rest);
    this.#held = held;
    this.#used = 0;
  }

  /** next returns the next whole message, or undefined until more bytes have come. It throws a RejectError. */
  next(): Uint8Array | undefined {
    const have = this.#held.length - this.#used;
    if (have === 0) return undefined;
    const type = this.#held[this.#used]!;
    if (type < 0xc4 || type > 0xc6) throw new RejectError("wrong_type", "a frame starts with no msgpack bin (c4, c5 or c6)");
    const lengthBytes = 1 << (type - 0xc4);
    if (have < 1 + lengthBytes) return undefined;
    const size = unsigned(this.#held, this.#used + 1, lengthBytes);
    if (size > this.#maxMessage) throw new RejectError("oversized", `a frame of ${size} bytes, at most ${this.#maxMessage} are taken`);
    if (have < 1 + lengthBytes + size) return undefined;
    const from = this.#used + 1 + lengthBytes;
    this.#used = from + size;
    return this.#held.subarray(from, this.#used);
  }
}
