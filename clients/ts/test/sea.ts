import {
  Class, Field, FieldKind, Predictor, Replica, RowBuffer, Screen, Table, type Mode, type Mutable, type Own, type OwnRows, type Schema, type View,
} from "../src/index.js";
import { stateBytes } from "./server.js";
import type { ColumnVector } from "./vectors.js";

// A sea with boats and rockets: a server that plays it by the tick, and a client on a network with delay, jitter and loss. Time is
// virtual, in milliseconds.

export interface Boat {
  readonly X: number;
  readonly Y: number;
  readonly Head: number;
  readonly Fuel: number;
}

export interface Rocket {
  readonly X: number;
}

export interface Helm {
  DX: number;
  Head: number;
  Fire: boolean;
}

export interface SeaTypes {
  tables: { boat: Boat; rocket: Rocket; wind: { readonly Speed: number } };
  singletons: "wind";
  input: Helm;
}

const spec = { audience: 0, min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base: 0n, top: 0n };

export function float(name: string, max: number, step: number, more: { ownStep?: number; wrap?: boolean } = {}): Field {
  return new Field({ ...spec, name, kind: FieldKind.float, max, step, ...more });
}

export const sea: Schema = {
  game: "sea",
  tables: [
    new Table("boat", 0, 1, [
      float("X", 1000, 0.1, { ownStep: 0.01 }), float("Y", 1000, 0.1, { ownStep: 0.01 }), float("Head", 360, 3, { wrap: true }),
      new Field({ ...spec, name: "Fuel", kind: FieldKind.uint, top: 65535n }),
    ]),
    new Table("rocket", -1, -1, [float("X", 1000, 0.1)]),
    new Table("wind", -1, -1, [float("Speed", 10, 0.5)]),
  ],
  input: new Table("helm", -1, -1, [
    new Field({ ...spec, name: "DX", kind: FieldKind.int, base: -1n, top: 2n }), float("Head", 360, 3, { wrap: true }),
    new Field({ ...spec, name: "Fire", kind: FieldKind.bool, top: 1n }),
  ]),
  events: [], messages: [], requests: [], hash: 1n,
};
export const [boats, rockets, winds] = [0, 1, 2];

export const period = 1000 / 30;
export const speed = 3;

/** steer is the game's OnInput, on server and client. */
export function steer(own: Own<SeaTypes>, input: Readonly<Helm>): void {
  const wind = own.singleton("wind");
  if (wind === undefined) return;
  for (const [, boat] of own.rows("boat")) {
    boat.X = Math.max(0, Math.min(boat.X + input.DX * speed * wind.Speed, 1000));
    boat.Head = input.Head;
    if (input.Fire && boat.Fuel > 0) {
      boat.Fuel--;
      own.insert("rocket", { X: boat.X });
    }
  }
  for (const [, rocket] of own.rows("rocket")) rocket.X += 1; // the new one, too
}

/** What the server has of a row. */
interface Sailing {
  table: number;
  index: number;
  mine: boolean;
  row: object;
  made?: { tick: number; insert: number };
}

/** Server plays the sea: it runs the very same step for player 1, and whatever else a test does in a tick. */
export class Server {
  tick = 100;
  sequence = 0;
  rows: Sailing[] = [
    { table: winds, index: 0, mine: false, row: { Speed: 1 } },
    { table: boats, index: 0, mine: true, row: { X: 500, Y: 500, Head: 0, Fuel: 9 } },
    { table: boats, index: 1, mine: false, row: { X: 100, Y: 100, Head: 0, Fuel: 9 } },
  ];
  readonly inputs = new Map<number, Helm>();
  latest: Helm = { DX: 0, Head: 0, Fire: false };
  /** What the server alone decides, in each tick after the input. */
  decide: (server: Server) => void = () => undefined;
  private free = 1;

  get boat(): Mutable<Boat> {
    return this.rows[1]!.row as Mutable<Boat>;
  }

  get other(): Mutable<Boat> {
    return this.rows[2]!.row as Mutable<Boat>;
  }

  step(): Uint8Array {
    this.tick++;
    this.latest = this.inputs.get(this.tick) ?? this.latest;
    let inserts = 0;
    const of = (table: number) => this.rows.filter((r) => r.table === table && r.mine).map((r) => [r.index, r.row] as const);
    const tables = ["boat", "rocket", "wind"];
    steer({
      player: 1, tick: this.tick,
      rows: (name: string) => of(tables.indexOf(name)), get: () => undefined, singleton: () => this.rows[0]!.row,
      insert: (name: string, row: object) => {
        const table = tables.indexOf(name);
        this.rows.push({ table, index: this.free++, mine: true, row: { ...row }, made: { tick: this.tick, insert: ++inserts } });
        return 0;
      },
    } as never, this.latest);
    this.decide(this);
    return this.datagram();
  }

  /** Every row in full: whatever is lost, the next datagram makes good. */
  datagram(own = true, complete = own): Uint8Array {
    const header = { epoch: 1, sequence: ++this.sequence % 16384, tick: this.tick % 16384, ownComplete: complete, viewComplete: false, hasInput: false, inputTick: 0, margin: 0 };
    const sections = [];
    for (const table of [boats, rockets, winds]) {
      for (const mine of [false, true]) {
        const records = this.rows.filter((r) => r.table === table && r.mine === mine && (own || !mine)).map((r) => ({
          index: r.index, generation: 1, columns: columnsOf(sea.tables[table]!, mine ? Class.own : Class.public, r.row),
          ...(r.made && this.tick - r.made.tick < 127 ? { insert: r.made.insert, age: this.tick - r.made.tick } : {}),
        }));
        if (records.length > 0) sections.push({ table: sea.tables[table]!.name, class: mine ? "own" : "public", kind: "full", records });
      }
    }
    return stateBytes(sea, { header, sections });
  }
}

function columnsOf(table: Table, rowClass: number, row: object): ColumnVector[] {
  const buffer = new RowBuffer();
  const values = row as Record<string, number>;
  table.fields.forEach((f, i) => {
    for (const own of [false, true]) {
      const columns = table.fieldColumns(i, own);
      const q = f.quantise(values[f.name]!, own);
      columns.forEach((at) => (buffer.words[at] = Math.floor(q / 2 ** table.columns[at]!.shift) % 2 ** table.columns[at]!.bits));
    }
  });
  return [...table.classColumns(rowClass)].map((column) => ({ column, word: buffer.words[column]! }));
}

/** A network's way in one direction. */
export interface Path {
  delay: number;
  jitter: number;
  loss: number;
}

/** random is a source of chance that a seed begins. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Voyage is a server and a client that plays on it, with frames 120 times a second. */
export class Voyage {
  now = 0;
  readonly server = new Server();
  readonly replica = new Replica(sea, { epoch: 1, tick: 100, nextSequence: 1, ageMax: 64, eventTicks: 8, tickPeriodNanoseconds: period * 1e6 });
  readonly predictor: Predictor<SeaTypes>;
  readonly screen: Screen<SeaTypes>;
  helm: Helm = { DX: 0, Head: 0, Fire: false };
  /** What a frame looks at. */
  frame: (view: View<SeaTypes>, own: OwnRows) => void = () => undefined;
  path: Path;

  private readonly chance: () => number;
  private readonly down: { due: number; bytes: Uint8Array }[] = [];
  private readonly up: { due: number; inputs: [number, Helm][] }[] = [];
  private readonly sent: [number, Helm][] = [];
  private stamped = 0;
  private readonly lead: number;

  constructor(path: Path, options: { step?: typeof steer | undefined; mode?: Mode; teleport?: number; easeTime?: number; seed?: number } = {}) {
    this.path = path;
    this.chance = random(options.seed ?? 1);
    this.lead = Math.ceil((2 * (path.delay + path.jitter)) / period) + 1.5;
    const step = "step" in options ? options.step : steer;
    this.predictor = new Predictor<SeaTypes>(this.replica, { player: 1, tickPeriodNanoseconds: period * 1e6, step, easeTime: options.easeTime, teleport: { boat: options.teleport } });
    this.screen = new Screen<SeaTypes>(this.replica, { tickPeriodNanoseconds: period * 1e6, shownAs: { boat: options.mode } });
    this.predictor.ask(this.helm);
  }

  /** The tick that inputs are for now, and how much of it is over. */
  get at(): number {
    return 100 + (this.now - this.path.delay) / period + this.lead;
  }

  get acting(): number {
    return Math.max(this.stamped, Math.floor(this.at)) + 1;
  }

  /** steer asks for something from now on. */
  steer(helm: Partial<Helm>): void {
    this.helm = { ...this.helm, ...helm };
    this.predictor.ask(this.helm);
    this.screen.acted();
  }

  look(): View<SeaTypes> {
    return this.screen.draw(this.predictor.draw(this.at, this.acting, this.now), this.now);
  }

  /** run plays for so many milliseconds. */
  run(ms: number): void {
    const frame = 1000 / 120;
    for (const until = this.now + ms; this.now < until; this.now += frame) {
      while (100 + this.now / period >= this.server.tick + 1) this.serve((this.server.tick + 1 - 100) * period);
      for (const d of arrivals(this.down, this.now)) {
        const applied = this.replica.apply(d.bytes);
        this.screen.applied(applied, d.due);
        this.predictor.applied(applied, this.acting, this.now);
      }
      this.send();
      this.frame(this.look(), this.predictor.draw(this.at, this.acting, this.now));
    }
  }

  private serve(now: number): void {
    for (const u of arrivals(this.up, now)) for (const [tick, helm] of u.inputs) this.server.inputs.set(tick, helm);
    const bytes = this.server.step();
    if (this.chance() >= this.path.loss) this.down.push({ due: now + this.path.delay + this.chance() * this.path.jitter, bytes });
  }

  /** An input leaves at whole ticks, and the four before it with it. */
  private send(): void {
    const tick = Math.floor(this.at);
    if (tick <= this.stamped) return;
    for (let at = this.stamped === 0 ? tick : this.stamped + 1; at <= tick; at++) {
      this.predictor.input(at, this.helm);
      this.sent.push([at, this.helm]);
    }
    this.stamped = tick;
    if (this.chance() >= this.path.loss) this.up.push({ due: this.now + this.path.delay + this.chance() * this.path.jitter, inputs: this.sent.slice(-5) });
  }
}

/** arrivals takes what is due, the earliest first. */
function arrivals<D extends { due: number }>(way: D[], now: number): D[] {
  const due = way.filter((d) => d.due <= now).sort((a, b) => a.due - b.due);
  for (const d of due) way.splice(way.indexOf(d), 1);
  return due;
}
