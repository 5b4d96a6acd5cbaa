import assert from "node:assert/strict";
import {
  answer, chat, checks, diverged, frame, FrameReader, goodbye, hello, Kind, kindOf, message, pace, request, resync, say, welcome, widen,
  type Environment, type Hello, type Request, type Resync, type Say, type Schema, type Welcome,
} from "../src/index.js";
import { parseInput, schemaBytes, stateBytes } from "./server.js";
import type { InputVector, StateVector } from "./vectors.js";
import type { VirtualTime } from "./virtual.js";

export type Sections = StateVector["sections"];

const noLoss = () => false;

/** FakeServer is a server of one player that does what a test says, behind a network that does, too. */
export class FakeServer {
  readonly time: VirtualTime;
  readonly schema: Schema;
  /** What info says, and with which status. Null: nobody answers. */
  info: object | null;
  infoStatus = 200;
  infoAsked = 0;
  /** That of the certificate; info tells it. */
  pin = "ab".repeat(32);
  /** Milliseconds each way, and which datagrams are lost. */
  delay = 20;
  upLost: (n: number) => boolean = noLoss;
  downLost: (n: number) => boolean = noLoss;
  /** What becomes of whoever comes: takes it, refuses it, or says nothing. */
  doors: Record<"webtransport" | "websocket", "open" | "refused" | "silent"> = { webtransport: "open", websocket: "open" };
  /** Whether hellos are welcomed by themselves; and with what that differs. */
  welcomes = true;
  /** Whether it reads what comes on streams; what it does not waits in the client's browser. */
  reads = true;
  welcomeWith: Partial<Welcome> = {};
  readonly connections: Connection[] = [];
  tick = 1000;
  period = 1000 / 30;
  /** The sequence goes on over connections. */
  sequence = 0;
  epoch = 1;

  private ticking = false;
  private due = 0;

  constructor(time: VirtualTime, schema: Schema) {
    this.time = time;
    this.schema = schema;
    this.info = {
      protocol: 1, games: [schema.game], webtransport: "https://play.test:4433/quicstep", websocket: "wss://play.test:4433/quicstep",
    };
  }

  /** The environment of a page that has this server, and WebTransport only when it says so. */
  environment(webTransport = false): Partial<Environment> {
    const server = this;
    const { time } = this;
    return {
      now: time.now, setTimeout: time.setTimeout, clearTimeout: time.clearTimeout, random: () => 0.5, origin: "https://play.test:4433",
      fetch: (url, init) => this.fetch(url, init.signal),
      WebSocket: class extends FakeSocket {
        constructor(url: string, protocol?: string) {
          super(server, url, protocol);
        }
      },
      WebTransport: webTransport ? fakeWebTransport(this) : undefined,
      report: (e) => assert.fail(`a callback threw ${String(e)}`),
    };
  }

  /** The connection that came last. */
  get last(): Connection {
    const last = this.connections.at(-1);
    assert.ok(last !== undefined, "somebody has connected");
    return last;
  }

  /** starts has ticks go by, each with a datagram for whoever is in. */
  starts(): void {
    this.ticking = true;
    this.due = this.time.now();
    const tick = () => {
      if (!this.ticking) return;
      this.tick++;
      this.due = this.time.now();
      for (const c of this.connections) if (c.joined && !c.ended) c.state();
      this.time.after(this.period, tick);
    };
    this.time.after(this.period, tick);
  }

  /** stops makes no further tick. */
  stops(): void {
    this.ticking = false;
  }

  /** marginOf is how early an input for a tick comes now, in quarters of a tick. */
  marginOf(tick: number): number {
    const ahead = this.due + (tick - this.tick) * this.period - this.time.now();
    return Math.max(-64, Math.min(63, Math.floor((4 * ahead) / this.period)));
  }

  welcomeFor(_h: Hello): Welcome {
    const tickPeriodNanoseconds = Math.round(this.period * 1e6);
    return {
      version: 1, session: new Uint8Array(16).fill(7), room: new Uint8Array(16), player: 3, epoch: this.epoch, tick: this.tick, nextSequence: this.sequence + 1,
      tickPeriodNanoseconds, ageMax: 64, schemaHash: this.schema.hash, schema: schemaBytes(this.schema), eventTicks: 8, roomName: "room-1",
      resume: { token: Uint8Array.of(1, this.connections.length), lastRequest: 0 }, ...this.welcomeWith,
    };
  }

  private fetch(url: string, signal: AbortSignal): ReturnType<Environment["fetch"]> {
    this.infoAsked++;
    assert.match(url, /\/quicstep\/info$/);
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      const { info, infoStatus: status } = this;
      if (info === null) return;
      const text = typeof info === "string" ? info : JSON.stringify({ pins: [this.pin], ...info });
      this.time.after(2 * this.delay, () => resolve({ ok: status === 200, status, text: () => Promise.resolve(text) }));
    });
  }
}

/** Connection is one as the server has it. */
export class Connection {
  readonly server: FakeServer;
  readonly transport: string;
  hello: Hello | undefined;
  /** What came: input datagrams with whole ticks and when they came, and messages. */
  readonly inputs: (Omit<InputVector, "name" | "hex"> & { at: number })[] = [];
  readonly requests: Request[] = [];
  readonly said: Say[] = [];
  readonly resyncs: Resync[] = [];
  /** How the client has closed it. */
  closed: { code: number; reason: string } | undefined;
  joined = false;
  /** The network is gone: nothing comes through, and nobody is told. */
  dark = false;
  ended = false;
  newest = 0;
  margin = 0;
  /** Ticks whose input came in time. */
  readonly inTime = new Set<number>();

  private readonly reader = new FrameReader();
  private readonly toClient: { datagram(b: Uint8Array): void; stream(b: Uint8Array): void; close(code: number, reason: string): void; lose(): void };
  private up = 0;
  private down = 0;

  constructor(server: FakeServer, transport: string, toClient: Connection["toClient"]) {
    this.server = server;
    this.transport = transport;
    this.toClient = toClient;
    server.connections.push(this);
  }

  /** state sends a datagram of the present tick. */
  state(over: Partial<StateVector["header"]> = {}, ...sections: Sections): void {
    const { server } = this;
    const sequence = ++server.sequence;
    const header = {
      epoch: server.epoch, sequence: sequence % 16_384, tick: server.tick % 16_384, ownComplete: true, viewComplete: false,
      hasInput: this.newest > 0, inputTick: this.newest % 16_384, margin: this.margin, ...over,
    };
    const b = stateBytes(server.schema, { header, sections });
    if (!server.downLost(this.down++)) this.later(() => this.toClient.datagram(b));
  }

  /** send sends a message. */
  send(bytes: Uint8Array): void {
    const b = frame(bytes);
    this.later(() => this.toClient.stream(b));
  }

  welcome(): void {
    this.joined = true;
    this.send(welcome.encode(this.server.welcomeFor(this.hello!)));
  }

  /** goodbye ends the connection for a reason. */
  goodbye(code: number, reason = ""): void {
    this.send(goodbye.encode({ code, reason }));
    this.ended = true;
    this.later(() => this.toClient.close(code, reason));
  }

  /** lose ends the connection as a network does that notices. */
  lose(): void {
    this.ended = true;
    this.toClient.lose();
  }

  /** took takes what the client sends. */
  took(b: Uint8Array, datagram: boolean): void {
    if (datagram && this.server.upLost(this.up++)) return;
    this.later(() => (datagram ? this.input(b) : this.stream(b)));
  }

  /** gone takes that the client has closed it. */
  gone(code: number, reason: string): void {
    this.closed = { code, reason };
    this.ended = true;
  }

  private later(f: () => void): void {
    this.server.time.after(this.server.delay, () => void (this.dark || this.closed || f()));
  }

  private input(b: Uint8Array): void {
    const { server } = this;
    const v = parseInput(server.schema, b);
    assert.ok(typeof v === "object", `an input datagram is refused: ${String(v)}`);
    v.tick = widen(v.tick, server.tick);
    this.inputs.push({ ...v, at: server.time.now() });
    v.inputs.forEach((_, i) => void (v.tick - i > server.tick && this.inTime.add(v.tick - i)));
    if (v.inputs.length === 0 || v.tick <= this.newest) return;
    this.newest = v.tick;
    this.margin = server.marginOf(v.tick);
  }

  private stream(b: Uint8Array): void {
    this.reader.push(b);
    for (let m = this.reader.next(); m !== undefined; m = this.reader.next()) this.message(m);
  }

  private message(m: Uint8Array): void {
    switch (kindOf(m)) {
      case Kind.hello:
        this.hello = hello.parse(m);
        if (this.server.welcomes) this.welcome();
        break;
      case Kind.request:
        this.requests.push(request.parse(m));
        break;
      case Kind.say:
        this.said.push(say.parse(m));
        break;
      case Kind.resync:
        this.resyncs.push(resync.parse(m));
        break;
      default:
        assert.fail(`a message of kind ${kindOf(m)} came to the server`);
    }
  }
}

/** FakeSocket is a WebSocket to a FakeServer. */
class FakeSocket {
  binaryType = "blob";
  bufferedAmount = 0;
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;

  private connection: Connection | undefined;

  constructor(private readonly server: FakeServer, url: string, protocol: string | undefined) {
    assert.equal(protocol, "quicstep.1");
    assert.equal(url, "wss://play.test:4433/quicstep");
    const state = server.doors.websocket;
    if (state === "silent") return;
    server.time.after(2 * server.delay, () => {
      if (state === "refused") return this.onclose?.({ code: 1006, reason: "" });
      const bring = (b: Uint8Array) => this.onmessage?.({ data: b.slice().buffer });
      this.connection = new Connection(server, "websocket", {
        datagram: bring, stream: bring,
        close: (code, reason) => this.onclose?.({ code: 4000 + code, reason }),
        lose: () => this.onclose?.({ code: 1006, reason: "" }),
      });
      this.onopen?.({});
    });
  }

  send(b: Uint8Array): void {
    if (!this.server.reads && b[0]! >= 0x80) {
      this.bufferedAmount += b.length;
      return;
    }
    this.connection!.took(b.slice(), b[0]! < 0x80);
  }

  close(code = 1005, reason = ""): void {
    this.connection?.gone(code - 4000, reason);
  }
}

/** fakeWebTransport is the constructor of WebTransport sessions to a FakeServer, with real streams. */
function fakeWebTransport(server: FakeServer): new (url: string, options?: WebTransportOptions) => WebTransport {
  return class {
    readonly ready: Promise<void>;
    readonly closed: Promise<WebTransportCloseInfo>;
    readonly datagrams: object;

    private readonly control: { readable: ReadableStream; writable: WritableStream };
    private connection: Connection | undefined;
    private finish!: (how: WebTransportCloseInfo) => void;
    private fail!: (e: Error) => void;

    constructor(url: string, options?: WebTransportOptions) {
      assert.equal(url, "https://play.test:4433/quicstep");
      assert.equal(options?.congestionControl, "low-latency");
      this.closed = new Promise((resolve, reject) => {
        this.finish = resolve;
        this.fail = reject;
      });
      const [down, bringDatagram] = source();
      const [stream, bringStream] = source();
      const up = (datagram: boolean) => new WritableStream<Uint8Array>({
        write: (b) => (datagram || server.reads ? this.connection?.took(b.slice(), datagram) : new Promise<void>(() => {})),
      });
      this.datagrams = { readable: down, writable: up(true) };
      this.control = { readable: stream, writable: up(false) };
      const state = server.doors.webtransport;
      this.ready = new Promise((resolve, reject) => {
        this.closed.catch(reject);
        if (state === "silent") return;
        server.time.after(2 * server.delay, () => {
          const [hash] = options?.serverCertificateHashes ?? [];
          const pinned = Buffer.from(hash?.value as Uint8Array).toString("hex") === server.pin;
          if (state === "refused" || !pinned) return reject(new Error("Opening handshake failed."));
          this.connection = new Connection(server, "webtransport", {
            datagram: bringDatagram, stream: bringStream,
            close: (closeCode, reason) => this.finish({ closeCode, reason }),
            lose: () => this.fail(new Error("Connection lost.")),
          });
          resolve();
        });
      });
      this.ready.catch(() => {});
    }

    createBidirectionalStream(): Promise<WebTransportBidirectionalStream> {
      return Promise.resolve(this.control as WebTransportBidirectionalStream);
    }

    close(how: WebTransportCloseInfo = {}): void {
      this.connection?.gone(how.closeCode ?? 0, how.reason ?? "");
      this.fail(new Error("The session is closed."));
    }
  } as unknown as new (url: string, options?: WebTransportOptions) => WebTransport;
}

function source(): [ReadableStream<Uint8Array>, (b: Uint8Array) => void] {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
  return [stream, (b) => controller.enqueue(b.slice())];
}

export const messages = { answer, chat, checks, diverged, message, pace };
