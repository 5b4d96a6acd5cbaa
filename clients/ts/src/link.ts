import type { Clock } from "./clock.js";
import { unless, type Environment } from "./environment.js";
import { asFailure, closedBy, failure, JoinError } from "./errors.js";
import type { Doors } from "./doors.js";
import { frame, FrameReader } from "./frame.js";
import type { Impairer } from "./impair.js";
import { LossMeter, RoundTripMeter } from "./meters.js";
import { CloseCode, goodbye, hello, Kind, kindOf, pace, resync, type Hello, type Welcome } from "./messages.js";
import { RejectError } from "./reject.js";
import type { Applied, Replica } from "./replica.js";
import { report } from "./report.js";
import { SentInputs, type AskedInput } from "./sent.js";
import { Timing } from "./timing.js";
import type { Carrier, Ended, Receiver, Traffic, TransportName } from "./transport.js";
import { noTraffic } from "./transport.js";

// For how long nothing comes, in milliseconds and in tick periods, before another connection is tried beside the present one,
// which may only be in the dark. A server sends in each period, or in every fourth while it gets no acknowledgements.
const silence = 1000;
const silentPeriods = 8;

/** waitingMax is how many bytes of messages wait for a server that does not read; further ones are not taken. */
const waitingMax = 65_536;

/** LinkOwner is what a connection is one of: its session. */
export interface LinkOwner {
  /** What the player asks for; undefined before the first time. */
  readonly asked: AskedInput | undefined;
  /** As of which moment the player saw the others, in 128ths of a tick. */
  seen(): number;
  /** An input was stamped for each of these ticks. */
  stamped(from: number, to: number, input: AskedInput): void;
  /** A datagram was applied. */
  applied(link: Link, applied: Applied, now: number): void;
  /** A message came that is not the connection's own. It may throw a RejectError. */
  message(kind: number, message: Uint8Array): void;
}

/** Link is one connection of a session: it greets, sends inputs, and notices when nothing comes. Times are in milliseconds. */
export class Link implements Receiver {
  /** Why the connection has ended; undefined while it lives. */
  error: JoinError | undefined;
  /** Nothing has come for a while. */
  quiet = false;
  /** The newest tick received. */
  tick = 0;
  welcome!: Welcome;
  timing!: Timing;
  roundTrip!: RoundTripMeter;
  readonly loss = new LossMeter();
  /** Counted: datagrams that brought a newer tick, and those that could not be read. */
  newTicks = 0;
  rejected = 0;

  readonly #env: Environment;
  readonly #owner: LinkOwner;
  readonly #reader = new FrameReader();
  readonly #inputs = new SentInputs();
  readonly #living = new AbortController();
  #waking = new AbortController();
  #carrier: Carrier | undefined;
  #replica: Replica | undefined; // once it plays
  #period = 0;
  #news = deferred<void>();
  #first: Deferred<Uint8Array> | undefined; // what answers the hello
  #reported = 0; // the tick of the latest report
  #greeted = 0; // how long the welcome took
  #left = -Infinity; // when the latest input datagram left
  #heard = 0; // when something came last
  #timer: unknown;
  #timerDue = 0;

  constructor(env: Environment, owner: LinkOwner) {
    this.#env = env;
    this.#owner = owner;
  }

  /** Comes when the connection has ended. */
  get live(): AbortSignal {
    return this.#living.signal;
  }

  /** Comes when something is heard again after it was quiet. */
  get awake(): AbortSignal {
    return this.#waking.signal;
  }

  /** What went over it. */
  get traffic(): Traffic {
    return this.#carrier?.traffic ?? noTraffic();
  }

  /** What it runs over, once it is connected. */
  get transport(): TransportName {
    return this.#carrier?.transport ?? "websocket";
  }

  /** change comes with the next change of error or quiet. */
  change(): Promise<void> {
    return this.#news.promise;
  }

  /** connect opens the connection, within so many milliseconds. It rejects with a JoinError. */
  async connect(doors: Doors, impairer: Impairer, ms: number, signal: AbortSignal): Promise<void> {
    const carrier = await doors.open(impairer.receiver(this), ms, signal);
    if (signal.aborted) {
      carrier.close(CloseCode.abandoned, "");
      throw failure("unreachable", "the connection came too late");
    }
    this.#carrier = impairer.carrier(carrier);
  }

  /** greet says hello and returns the answer to it, a welcome's bytes. It rejects with a JoinError. */
  async greet(h: Hello, signal: AbortSignal): Promise<Uint8Array> {
    this.#first = deferred();
    const began = this.#env.now();
    this.write(hello.encode(h));
    const late = () => failure("unreachable", "it did not say welcome in time: try again later");
    const answer = await unless(unless(this.#first.promise, this.live, () => this.error!), signal, late);
    this.#heard = this.#env.now();
    this.#greeted = this.#heard - began;
    if (kindOf(answer) !== Kind.goodbye) return answer;
    const bye = goodbye.parse(answer);
    throw closedBy(bye.code, bye.reason);
  }

  /** play begins to take datagrams into a replica, and to send inputs. A former connection's clock knows the room's pace. */
  play(w: Welcome, replica: Replica, former?: Clock): void {
    const now = this.#env.now();
    this.welcome = w;
    this.#period = w.tickPeriodNanoseconds / 1e6;
    this.tick = Math.max(w.tick, replica.tick);
    this.timing = new Timing(w.tick, this.#greeted, this.#period, now);
    if (former !== undefined) this.timing.clock.goOn(former);
    this.roundTrip = new RoundTripMeter(this.#greeted, this.#period);
    this.#replica = replica;
    this.#drain();
    if (this.error === undefined) this.#sendInput(now);
  }

  /** Why no message can be sent at the moment; undefined when one can. */
  get jammed(): JoinError | undefined {
    if (this.error !== undefined) return failure("unreachable", "the connection is lost: try again once the client is connected");
    return this.#carrier!.waiting < waitingMax ? undefined : failure("unreachable", `${waitingMax} bytes wait to be sent: try again later`);
  }

  /** write sends a message on the control stream. A connection that is jammed is of no use for what must be sent, and ends. */
  write(message: Uint8Array): void {
    if (this.error !== undefined) return;
    const { jammed } = this;
    if (jammed !== undefined) this.end(jammed);
    else this.#carrier!.frame(frame(message) as Uint8Array<ArrayBuffer>);
  }

  /**
   * end ends the connection for a reason, and tells the server a code: that the player leaves when the client was closed, else
   * that another connection may go on with the session. The first reason counts.
   */
  end(error: JoinError, code: number = error.code === "closed" ? CloseCode.normal : CloseCode.abandoned): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.#env.clearTimeout(this.#timer);
    this.#carrier?.close(code, "");
    this.#living.abort();
    this.#tell();
  }

  datagram(b: Uint8Array): void {
    const replica = this.#replica;
    if (replica === undefined || this.error !== undefined) return;
    const now = this.#env.now();
    this.#hear(now);
    try {
      this.#take(replica, b, now);
    } catch (e) {
      this.end(asFailure(e), CloseCode.protocol);
    }
  }

  stream(b: Uint8Array): void {
    if (this.error !== undefined) return;
    this.#hear(this.#env.now());
    this.#reader.push(b);
    this.#drain();
  }

  ended(how: Ended): void {
    this.end(how.code === undefined ? failure("unreachable", how.reason) : closedBy(how.code, how.reason));
  }

  #take(replica: Replica, b: Uint8Array, now: number): void {
    const a = replica.apply(b);
    if (a.reject !== undefined) this.rejected++;
    const newer = !a.ignored && a.header.tick > this.tick;
    if (!a.ignored) this.loss.heard(a.header.sequence);
    if (newer) {
      this.tick = a.header.tick;
      this.newTicks++;
      this.roundTrip.heard(a.header, now);
      this.timing.heard(a.header, now);
    }
    this.#owner.applied(this, a, now);
    this.#askResync(replica);
    if (this.error === undefined) this.#answer(newer, now);
  }

  /**
   * answer has an input leave for what came. It needs no timer, which a browser holds back in a page that is not seen: such a
   * page acknowledges and sends inputs as long as something comes.
   */
  #answer(newer: boolean, now: number): void {
    const since = now - this.#left;
    if (newer ? since >= this.#period / 4 : since >= this.#period * 1.25) this.#sendInput(now);
    else if (newer) this.#arm(this.#period / 4 - since, now); // several came at once
  }

  #sendInput(now: number): void {
    const { timing } = this;
    const owner = this.#owner;
    const inputs = this.#inputs;
    this.#left = now;
    const tick = timing.next(now);
    const from = owner.asked === undefined ? 0 : inputs.remember(tick, () => owner.seen(), owner.asked.data);
    if (from > 0) {
      if (timing.first === 0) timing.first = from;
      owner.stamped(from, tick, owner.asked!);
    }
    const rows = inputs.unacknowledged(tick, timing.acked);
    if (rows.length > 0) this.roundTrip.sent(tick, now);
    this.#carrier!.datagram(inputs.write({ ack: this.#replica!.ack(), tick, inputs: rows, ...this.#reports() }));
    this.#arm(timing.again(now), now);
    this.#listen(now);
  }

  /** Twice a second, a row and a page of the replica for the server to compare. */
  #reports(): ReturnType<typeof report> {
    if (this.tick < this.#reported + Math.max(1, Math.floor(500 / this.#period))) return {};
    this.#reported = this.tick;
    return report(this.#replica!, this.#env.random);
  }

  #arm(ms: number, now: number): void {
    this.#env.clearTimeout(this.#timer);
    this.#timerDue = now + ms;
    this.#timer = this.#env.setTimeout(() => this.#due(), ms);
  }

  #due(): void {
    const now = this.#env.now();
    // A page that slept listens before it believes that nothing comes.
    if (now - this.#timerDue > silence) this.#heard = now;
    this.#sendInput(now);
  }

  #hear(now: number): void {
    this.#heard = now;
    if (!this.quiet) return;
    this.quiet = false;
    this.#waking.abort();
    this.#tell();
  }

  #listen(now: number): void {
    if (this.quiet || now - this.#heard < Math.max(silence, silentPeriods * this.#period)) return;
    this.quiet = true;
    this.#waking = new AbortController();
    this.#tell();
  }

  #askResync(replica: Replica): void {
    const epoch = replica.takeResync();
    if (epoch !== undefined) this.write(resync.encode({ epoch }));
  }

  /** drain takes the messages that have come: the first answers the hello, the others wait until it plays. */
  #drain(): void {
    try {
      while (this.error === undefined && (this.#first !== undefined || this.#replica !== undefined)) {
        const message = this.#reader.next();
        if (message === undefined) return;
        if (this.#replica !== undefined) {
          this.#took(message);
        } else {
          this.#first!.resolve(message);
          this.#first = undefined;
        }
      }
    } catch (e) {
      this.end(asFailure(e), CloseCode.protocol);
    }
  }

  #took(message: Uint8Array): void {
    const kind = kindIn(message);
    if (kind === Kind.goodbye) {
      const bye = goodbye.parse(message);
      this.end(closedBy(bye.code, bye.reason));
    } else if (kind === Kind.pace) {
      const p = pace.parse(message);
      this.timing.pace(p.tick, p.every, this.#env.now());
    } else if (kind !== undefined) {
      this.#owner.message(kind, message);
    }
  }

  #tell(): void {
    const news = this.#news;
    this.#news = deferred();
    news.resolve();
  }
}

/** kindIn is the kind of a message; undefined for one that is not known, which is passed over: a later version may say more. */
function kindIn(message: Uint8Array): number | undefined {
  try {
    return kindOf(message);
  } catch (e) {
    if (e instanceof RejectError && e.reject === "unknown_kind") return undefined;
    throw e;
  }
}

interface Deferred<V> {
  promise: Promise<V>;
  resolve(value: V): void;
}

function deferred<V>(): Deferred<V> {
  let resolve!: (value: V) => void;
  const promise = new Promise<V>((r) => (resolve = r));
  return { promise, resolve };
}
