import { originOf, type Environment } from "./environment.js";
import { failure, JoinError } from "./errors.js";
import { noTraffic, type Address, type Carrier, type Dial, type Ended, type Receiver } from "./transport.js";

/** unsentMax is how many datagrams may wait in the browser: an input is of no use behind a queue. */
const unsentMax = 2;

/** How many datagrams the browser keeps for a page that is busy, and for how many milliseconds: older ones are of no use. */
const incomingKept = 64;
const incomingMaxAge = 1000;

/** dialWebTransport opens a WebTransport session, and the control stream on it. */
export function dialWebTransport(env: Environment): Dial {
  return async (to, receiver, signal) => {
    if (env.WebTransport === undefined) throw failure("unreachable", "there is no WebTransport here");
    if (signal.aborted) throw refused(env, to, undefined, true);
    let session: WebTransport;
    try {
      session = new env.WebTransport(to.url, optionsOf(to));
    } catch (e) {
      throw failure("unreachable", `${to.url} is no address for WebTransport: ${textOf(e)}`, e);
    }
    session.closed.catch(() => {}); // it is looked at once there is a connection
    const abort = () => session.close();
    signal.addEventListener("abort", abort);
    try {
      await session.ready;
      const control = await session.createBidirectionalStream();
      if (signal.aborted) throw new Error("too late");
      return new WebTransportCarrier(session, control, receiver);
    } catch (e) {
      session.close();
      throw refused(env, to, e, signal.aborted);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

function optionsOf(to: Address): WebTransportOptions {
  const options: WebTransportOptions = { congestionControl: "low-latency", requireUnreliable: true };
  if (to.pins.length > 0) options.serverCertificateHashes = to.pins.map((value) => ({ algorithm: "sha-256", value }));
  return options;
}

/** A browser does not tell a page why a handshake failed; that it failed at once, with a pin, is most often the certificate. */
function refused(env: Environment, to: Address, e: unknown, late: boolean): JoinError {
  if (late) return failure("unreachable", `no WebTransport at ${to.url} in time: is UDP let through?`, e);
  const detail = `WebTransport at ${to.url}: ${textOf(e)}`;
  if (to.pins.length > 0) return failure("certificate", `${detail}. The pinned certificate is another one, or has expired: load the page again. Or the server does not allow ${originOf(env)}`, e);
  return failure("unreachable", `${detail}. Is its certificate valid, and does the server allow ${originOf(env)}?`, e);
}

class WebTransportCarrier implements Carrier {
  readonly transport = "webtransport";
  readonly traffic = noTraffic();
  readonly #session: WebTransport;
  readonly #control: WritableStreamDefaultWriter<Uint8Array>;
  readonly #datagrams: WritableStreamDefaultWriter<Uint8Array>;
  #receiver: Receiver | undefined;
  #unsent = 0;
  #waiting = 0;

  constructor(session: WebTransport, control: WebTransportBidirectionalStream, receiver: Receiver) {
    this.#session = session;
    this.#receiver = receiver;
    const d = session.datagrams;
    d.incomingHighWaterMark = incomingKept;
    d.incomingMaxAge = incomingMaxAge;
    d.outgoingHighWaterMark = 1;
    this.#control = (control.writable as WritableStream<Uint8Array>).getWriter();
    this.#datagrams = writableOf(d).getWriter();
    for (const w of [this.#control, this.#datagrams]) w.closed.catch(() => {}); // the session's end says it
    void this.#read(d.readable as ReadableStream<Uint8Array>, (b) => this.#received(b));
    void this.#read(control.readable as ReadableStream<Uint8Array>, (b) => {
      this.traffic.receivedBytes += b.length;
      this.#receiver?.stream(b);
    });
    session.closed.then(
      ({ closeCode, reason }) => this.#end({ code: closeCode ?? 0, reason: reason ?? "" }),
      (e: unknown) => this.#end({ code: undefined, reason: `the WebTransport session has ended: ${textOf(e)}` }),
    );
  }

  get waiting(): number {
    return this.#waiting;
  }

  datagram(b: Uint8Array<ArrayBuffer>): void {
    if (this.#unsent >= unsentMax) {
      this.traffic.droppedDatagrams++;
      return;
    }
    this.traffic.sentDatagrams++;
    this.traffic.sentBytes += b.length;
    this.#unsent++;
    const left = () => void this.#unsent--;
    this.#datagrams.write(b).then(left, left);
  }

  frame(b: Uint8Array<ArrayBuffer>): void {
    this.traffic.sentBytes += b.length;
    this.#waiting += b.length;
    const left = () => void (this.#waiting -= b.length);
    this.#control.write(b).then(left, left); // the session's end says it
  }

  close(code: number, reason: string): void {
    this.#receiver = undefined;
    this.#session.close({ closeCode: code, reason });
  }

  #received(b: Uint8Array): void {
    this.traffic.receivedBytes += b.length;
    this.traffic.receivedDatagrams++;
    this.#receiver?.datagram(b);
  }

  /** read hands on what comes. The end of it is not the connection's. */
  async #read(from: ReadableStream<Uint8Array>, take: (b: Uint8Array) => void): Promise<void> {
    const reader = from.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        take(value);
      }
    } catch {
      // The session's end says it.
    }
  }

  #end(how: Ended): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.ended(how);
  }
}

/** Newer browsers make a stream for datagrams, older ones have it. */
function writableOf(d: WebTransportDatagramDuplexStream & { createWritable?: () => WritableStream<Uint8Array> }): WritableStream<Uint8Array> {
  return d.createWritable?.() ?? (d.writable as WritableStream<Uint8Array>);
}

function textOf(e: unknown): string {
  return e instanceof Error && e.message !== "" ? e.message : String(e);
}
