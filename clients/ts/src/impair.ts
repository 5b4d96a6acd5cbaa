import type { Environment } from "./environment.js";
import type { Carrier, Ended, Receiver, Traffic, TransportName } from "./transport.js";

/** Impairment is a bad network, made in the SDK: to see, and to test, what prediction and interpolation do about it. */
export interface Impairment {
  /** Milliseconds that everything takes longer, each way; 0: none. */
  delay: number;
  /** Up to so many milliseconds more, at random; datagrams overtake each other then. */
  jitter: number;
  /** Which share of datagrams is lost, each way, 0 to 1. Bytes of the control stream are never lost. */
  loss: number;
}

/** heldMax is how many datagrams are held back each way; further ones are lost. */
const heldMax = 1024;

/** queuedMax is how many bytes of the control stream are held back each way; a connection with more is given up. */
const queuedMax = 1 << 20;

/** Impairer holds connections to an impairment, which may change while they run. Its chance repeats by the seed. */
export class Impairer {
  readonly #env: Environment;
  readonly #chance: () => number;
  #now: Impairment = { delay: 0, jitter: 0, loss: 0 };

  /** A seed of 0 is like any other. */
  constructor(env: Environment, seed: number) {
    this.#env = env;
    this.#chance = mulberry(seed);
  }

  /** set changes what is told, and leaves the rest as it is. It throws a RangeError for what can't be. */
  set(to: Partial<Impairment>): void {
    const next = { ...this.#now, ...to };
    for (const name of ["delay", "jitter"] as const) {
      if (!(next[name] >= 0 && next[name] <= 60_000)) throw new RangeError(`impair: ${name} is ${next[name]}; 0 to 60000 ms are possible`);
    }
    if (!(next.loss >= 0 && next.loss <= 1)) throw new RangeError(`impair: loss is ${next.loss}; 0 to 1 is possible`);
    this.#now = next;
  }

  /** What is set. */
  get impairment(): Impairment {
    return this.#now;
  }

  /** receiver puts the impairment before a receiver. */
  receiver(to: Receiver): Receiver {
    const way = new Way(this.#env, () => this.#fate());
    let over = false;
    return {
      datagram: (b) => way.datagram(() => to.datagram(b)),
      stream: (b) => {
        if (over) return;
        over = way.bytes + b.length > queuedMax;
        if (over) to.ended({ code: undefined, reason: "more of its stream waits than an impaired connection holds" });
        else way.inOrder(b.length, () => to.stream(b));
      },
      ended: (how: Ended) => void (over || way.inOrder(0, () => to.ended(how))),
    };
  }

  /** carrier puts the impairment before a carrier. */
  carrier(to: Carrier): Carrier {
    return new Impaired(to, new Way(this.#env, () => this.#fate()));
  }

  /** fate is by how many milliseconds something is late, and whether it is lost if it may be. */
  #fate(): { late: number; lost: boolean } {
    const { delay, jitter, loss } = this.#now;
    return { late: delay + (jitter > 0 ? jitter * this.#chance() : 0), lost: loss > 0 && this.#chance() < loss };
  }
}

class Impaired implements Carrier {
  readonly transport: TransportName;
  readonly traffic: Traffic;
  readonly #to: Carrier;
  readonly #way: Way;
  #closed = false;

  constructor(to: Carrier, way: Way) {
    this.transport = to.transport;
    this.traffic = to.traffic;
    this.#to = to;
    this.#way = way;
  }

  get waiting(): number {
    return this.#to.waiting + this.#way.bytes;
  }

  datagram(b: Uint8Array<ArrayBuffer>): void {
    this.#way.datagram(() => void (this.#closed || this.#to.datagram(b)));
  }

  frame(b: Uint8Array<ArrayBuffer>): void {
    this.#way.inOrder(b.length, () => void (this.#closed || this.#to.frame(b)));
  }

  /** close is not delayed: whoever closes waits for nothing. */
  close(code: number, reason: string): void {
    this.#closed = true;
    this.#to.close(code, reason);
  }
}

/** Way is one direction of a connection. */
class Way {
  readonly #env: Environment;
  readonly #fate: () => { late: number; lost: boolean };
  #held = 0;
  #queue: { due: number; bytes: number; act: () => void }[] = []; // of the stream

  /** Of the stream, those that are held back. */
  bytes = 0;

  constructor(env: Environment, fate: () => { late: number; lost: boolean }) {
    this.#env = env;
    this.#fate = fate;
  }

  datagram(act: () => void): void {
    const { late, lost } = this.#fate();
    if (lost || this.#held >= heldMax) return;
    if (late === 0) return act();
    this.#held++;
    this.#env.setTimeout(() => {
      this.#held--;
      act();
    }, late);
  }

  /** inOrder acts after what came before, and later by the delay. */
  inOrder(bytes: number, act: () => void): void {
    const { late } = this.#fate();
    if (late === 0 && this.#queue.length === 0) return act();
    this.bytes += bytes;
    this.#queue.push({ due: this.#env.now() + late, bytes, act });
    if (this.#queue.length === 1) this.#arm();
  }

  #arm(): void {
    const first = this.#queue[0];
    if (first === undefined) return;
    this.#env.setTimeout(() => {
      this.#queue.shift();
      this.bytes -= first.bytes;
      first.act();
      this.#arm();
    }, Math.max(0, first.due - this.#env.now()));
  }
}

/** mulberry is a generator of 32 bits of state, after Tommy Ettinger's Mulberry32: from 0 to below 1. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
