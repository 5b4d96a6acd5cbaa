import { appendInput, lagOf, type InputDatagram, type InputRow } from "./input.js";
import { InputsPerDatagram, MaxDatagramPayload } from "./limits.js";
import type { Row } from "./rowshape.js";
import { Writer } from "./writer.js";

/** inputsKept is how many of the latest inputs a client remembers: as many as a server lets be ahead. */
const inputsKept = 64;

/** The most bytes that an input datagram has before its inputs, and what an input's lag takes. */
const headMax = 17;
const lagBytes = 2;

/** AskedInput is what the player asks for in a tick. */
export interface AskedInput {
  /** As the server will read it. */
  readonly row: Row;
  readonly data: Uint8Array;
}

/** SentInputs are the latest inputs of a connection, by their ticks. */
export class SentInputs {
  /** The newest tick of them; 0 before the first. */
  stamped = 0;

  readonly #ring = new Array<(InputRow & { tick: number }) | undefined>(inputsKept);
  readonly #writer = new Writer(MaxDatagramPayload);

  /**
   * remember notes the input for a tick, and for those before it that no datagram was sent for. Seen tells the moment as of
   * which the player saw the others, in 128ths of a tick, and is called for a new tick alone. It returns the first tick that is new; 0
   * when none is.
   */
  remember(tick: number, seen: () => number, data: Uint8Array): number {
    if (tick <= this.stamped) return 0;
    const from = this.stamped === 0 ? tick : Math.max(this.stamped + 1, tick - InputsPerDatagram + 1);
    const moment = seen();
    for (let at = from; at <= tick; at++) this.#ring[at % inputsKept] = { tick: at, lag: lagOf(at, moment), data };
    this.stamped = tick;
    return from;
  }

  /**
   * unacknowledged returns the inputs up to a tick that the server is not known to have, the newest first: as many as a datagram
   * takes. So when it has one, it has those before it, too. The newest has to get through in any case.
   */
  unacknowledged(tick: number, acked: number): InputRow[] {
    const inputs: InputRow[] = [];
    for (let size = headMax; inputs.length < InputsPerDatagram; tick--) {
      const sent = this.#ring[tick % inputsKept];
      if (sent === undefined || sent.tick !== tick) break;
      size += lagBytes + sent.data.length;
      if (inputs.length > 0 && (tick <= acked || size > MaxDatagramPayload)) break;
      inputs.push(sent);
    }
    return inputs;
  }

  /** write is a datagram's bytes, without its reports when it would be too long with them. */
  write(d: InputDatagram): Uint8Array<ArrayBuffer> {
    this.#writer.reset();
    appendInput(this.#writer, d);
    if (this.#writer.length > MaxDatagramPayload) {
      this.#writer.reset();
      appendInput(this.#writer, { ack: d.ack, tick: d.tick, inputs: d.inputs });
    }
    return this.#writer.finish() as Uint8Array<ArrayBuffer>;
  }
}
