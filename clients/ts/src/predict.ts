import { RowBuffer } from "./columns.js";
import { Easing } from "./ease.js";
import { Class, FieldKind } from "./field.js";
import { between, compare, OwnPlaces, OwnRows, type Misprediction } from "./own.js";
import { generationOf, indexOf, pageRows } from "./registers.js";
import type { Applied, Replica } from "./replica.js";
import { listOf, Stage, type Others, type Step, type StepTypes } from "./step.js";

/** How many of the latest inputs are remembered: as many as a server lets be ahead. */
const inputsKept = 64;
/** How many ticks ahead of the server's own rows are predicted at most; further ahead they are shown as the server said. */
const predictMost = inputsKept - 2;
/** What is left of a correction after the ease time. */
const easedLeft = 0.05;

/** PredictorConfig is whose rows are predicted, and how. */
export interface PredictorConfig<T extends StepTypes> {
  player: number;
  tickPeriodNanoseconds: number;
  /** Without one nothing is predicted. */
  step?: Step<T> | undefined;
  /** In milliseconds, until little is left of a correction; 100 unless given, 0 eases nothing. */
  easeTime?: number | undefined;
  /**
   * By the names of tables, from which distance on, in the units of the fields, a row that was predicted wrongly is drawn at its
   * right place at once: along an axis for a table with a position, of any float otherwise. A 64th of the field's range unless
   * given; a negative distance eases nothing. It is world.Teleport in Go, and does not travel.
   */
  teleport?: Readonly<Record<string, number | undefined>> | undefined;
}

/** FieldMispredictions is how often and by how much a field was predicted otherwise than the server then had it. */
export interface FieldMispredictions {
  table: string;
  /** "row" for rows that an input was predicted to make, or has made, alone. */
  field: string;
  /** In how many ticks and rows. */
  count: number;
  /** The largest difference, in the field's own units. */
  largest: number;
  latest: Misprediction;
}

/** An input that was stamped for a tick. */
interface Stamped {
  tick: number;
  row: object;
}

/**
 * Predictor is what the player's own rows are expected to be, ahead of what the server has said: the game's step, run over the
 * rows as of a tick for each input since. It begins anew where a datagram says that all own rows are complete (docs/protocol.md
 * §7). It has no clock and no transport: ticks and times are arguments, times in milliseconds.
 */
export class Predictor<T extends StepTypes = StepTypes> {
  /** Ticks that were compared with the server's, and those of them in which anything differed. */
  compared = 0;
  wrong = 0;
  /** What the step threw last; undefined when it never did. Own rows are then as the server said, until its next word. */
  error: unknown;

  readonly #replica: Replica;
  readonly #step: Step<T> | undefined;
  readonly #dt: number;
  readonly #easeTime: number;
  readonly #places = new OwnPlaces();
  readonly #stage: Stage;
  readonly #ring: OwnRows[] = [];
  readonly #ease: Easing;
  readonly #latest: OwnRows; // as the server said last
  readonly #shown: OwnRows;
  readonly #fields: FieldMispredictions[] = [];
  readonly #inputs: (Stamped | undefined)[] = new Array<undefined>(inputsKept).fill(undefined);
  readonly #neutral: object;
  #asked: object | undefined;
  readonly #askedAs = new RowBuffer();
  readonly #scratch = new RowBuffer();
  #said: OwnRows; // while it is compared
  #former: OwnRows; // what was predicted before a correction
  #enabled = true;
  #base = 0; // the tick as of which the server has told all own rows; 0 before the first
  #upto = 0; // what was predicted last
  #sure = false; // it stands on base and on the inputs as they are
  #failed = false; // the step threw in the latest one
  #newest = 0;
  #stamped = 0;
  #fresh = false; // latest is as the replica is
  #eased = 0; // since when

  /** The replica may have rows already. */
  constructor(replica: Replica, config: PredictorConfig<T>) {
    const { schema } = replica;
    this.#replica = replica;
    this.#step = config.step;
    this.#dt = config.tickPeriodNanoseconds / 1e9;
    this.#easeTime = config.easeTime ?? 100;
    this.#ease = new Easing(schema, config.teleport ?? {});
    this.#latest = new OwnRows(schema);
    this.#shown = new OwnRows(schema);
    this.#said = new OwnRows(schema);
    this.#former = new OwnRows(schema);
    for (let i = 0; i < inputsKept; i++) this.#ring.push(new OwnRows(schema));
    this.#stage = new Stage(schema, config.player, othersIn(replica));
    this.#neutral = this.#rounded({});
    this.#places.scan(replica);
  }

  /** Whether anything is predicted; it may be switched while the game runs. */
  get on(): boolean {
    return this.#enabled && this.#step !== undefined;
  }

  set on(on: boolean) {
    this.#enabled = on;
    this.reset();
  }

  /** reset begins anew at the next tick of which the server tells all own rows: after an epoch began, or on another connection. */
  reset(): void {
    this.#base = this.#upto = 0;
    this.#sure = false;
    this.#ease.clear();
    for (const rows of this.#ring) rows.tick = 0;
  }

  /** ask sets what the player asks for now, rounded as it travels: it counts for every tick that is not stamped yet. */
  ask(row: T["input"]): void {
    const { schema } = this.#replica;
    schema.input.shape.write(row, this.#scratch.words, this.#scratch.texts);
    if (this.#asked !== undefined && sameRow(this.#scratch, this.#askedAs, schema.input.columns.length, schema.input.texts)) return;
    this.#askedAs.words.set(this.#scratch.words);
    for (let i = 0; i < schema.input.texts; i++) this.#askedAs.texts[i] = this.#scratch.texts[i]!;
    this.#asked = schema.input.shape.read(Class.own, this.#askedAs);
    this.#sure = false;
  }

  /** input takes the input that was stamped for a tick; one after the other, also for those that repeat the one before. */
  input(tick: number, row: T["input"]): void {
    this.ask(row);
    const at = tick % inputsKept;
    const slot = this.#inputs[at];
    if (slot === undefined) {
      this.#inputs[at] = { tick, row: this.#asked! };
    } else {
      slot.tick = tick;
      slot.row = this.#asked!;
    }
    this.#stamped = Math.max(this.#stamped, tick);
  }

  /**
   * applied takes what a datagram has changed in the replica. Acting is the tick that what is asked for now is for. Where the
   * datagram says that own rows are complete, they are compared with what was predicted, and predicted anew from there.
   */
  applied(a: Applied, acting: number, now: number): void {
    if (a.newEpoch) {
      this.#places.sorted.length = 0;
      this.reset();
    }
    if (a.ignored) return;
    for (const c of a.changes) {
      if (!this.#places.changed(this.#replica, c) && this.#base !== 0 && this.#at(this.#base).remove(c.table, c.index)) this.#sure = false;
    }
    this.#fresh = false;
    if (a.header.tick <= this.#newest) return;
    this.#newest = a.header.tick;
    if (this.on && a.header.ownComplete) this.#reconcile(this.#newest, acting, now);
  }

  /** predict goes on to a tick. It tells whether rows differ from those of the former call. */
  predict(acting: number): boolean {
    if (!this.on || this.#base === 0 || this.#asked === undefined || (this.#sure && acting <= this.#upto)) return false;
    let news = false;
    if (!this.#sure) {
      this.#upto = this.#base;
      this.#sure = news = true;
      this.#failed = false;
    }
    if (acting > this.#base + predictMost || this.#failed) return news;
    for (let tick = this.#upto + 1; tick <= acting; tick++) {
      this.#at(tick).copy(this.#at(tick - 1), tick);
      try {
        this.#step!(this.#stage.begin(this.#at(tick)) as never, this.#inputFor(tick), this.#dt);
      } catch (error) {
        this.error = error;
        this.#failed = true; // until the next datagram: rows are as the server said
        this.#upto = this.#base;
        return true;
      }
      this.#upto = tick;
      news = true;
    }
    return news;
  }

  /** rows returns the own rows of a table at the end of the tick that was predicted last; the server's when nothing is predicted. */
  rows<K extends keyof T["tables"] & string>(table: K): readonly (readonly [id: number, row: T["tables"][K]])[] {
    return listOf(this.#current(), this.#replica.tableOf(table)) as [number, T["tables"][K]][];
  }

  /**
   * draw returns the own rows as they are drawn at a moment, in ticks, when acting is the tick after it: between the two
   * predicted ticks around it, so that they move as evenly as the moment does, with corrections eased. Fields that are no floats
   * are as in the later tick. Rows that nothing is predicted of are as the server said last. It is good until the next call.
   */
  draw(at: number, acting: number, now: number): OwnRows {
    this.predict(acting);
    const rows = this.#current();
    const tick = Math.max(0, Math.floor(at));
    const [from, to] = [this.#at(tick), this.#at(tick + 1)];
    if (!this.on || this.#upto <= this.#base || to.tick !== tick + 1) return rows;
    this.#fade(now);
    this.#shown.copy(rows, tick + 1);
    for (let i = 0; i < this.#shown.count; i++) {
      const row = this.#shown.list[i]!;
      const b = to.find(row);
      if (b === undefined) continue;
      const a = from.tick === tick ? from.find(row) : undefined;
      const off = this.#ease.idle ? undefined : this.#ease.of(row);
      const { leaves } = this.#replica.schema.tables[row.table]!.shape;
      for (let l = 0; l < leaves.length; l++) {
        const leaf = leaves[l]!;
        if (leaf.field.kind !== FieldKind.float) continue;
        let v = leaf.get(b.row) as number;
        if (a !== undefined) v = between(leaf.field, leaf.get(a.row) as number, v, at - tick);
        if (off !== undefined && off[l] !== 0) v = between(leaf.field, v, v + off[l]!, 1);
        leaf.set(row.row, v);
      }
    }
    return this.#shown;
  }

  /** mispredictions returns in which fields the server had something else than was predicted, by table and field. */
  mispredictions(): FieldMispredictions[] {
    const name = (f: FieldMispredictions) => `${f.table}\0${f.field}`;
    return this.#fields.map((f) => ({ ...f })).sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }

  /** at is where what is predicted for a tick stands; for the base, what the server said. */
  #at(tick: number): OwnRows {
    return this.#ring[tick % inputsKept]!;
  }

  /** current are the own rows as they are known now. */
  #current(): OwnRows {
    if (this.on && this.#base !== 0 && this.#newest <= this.#base + predictMost) return this.#at(Math.max(this.#upto, this.#base));
    if (!this.#fresh) this.#latest.load(this.#replica, this.#places, this.#newest);
    this.#fresh = true;
    return this.#latest;
  }

  /** reconcile takes the own rows as of a tick whose datagram had all of them. */
  #reconcile(tick: number, acting: number, now: number): void {
    this.predict(acting); // as far as could be drawn by now, so that it can be eased
    const shown = this.#upto;
    this.#former.tick = 0;
    if (shown > tick && this.#at(shown).tick === shown) this.#former.copy(this.#at(shown), shown);
    this.#said.load(this.#replica, this.#places, tick);
    const was = this.#at(tick);
    if (was.tick === tick && this.#base < tick) {
      this.compared++;
      if (this.#judge(was)) this.wrong++;
    }
    this.#ring[tick % inputsKept] = this.#said;
    this.#said = was;
    this.#base = tick;
    this.#sure = false;
    this.predict(acting);
    if (this.#former.tick === shown && this.#at(shown).tick === shown && shown > tick) {
      this.#fade(now);
      this.#ease.correct(this.#former, this.#at(shown));
    }
  }

  /** judge compares what was predicted with what the server has said, and tells whether anything differs. */
  #judge(was: OwnRows): boolean {
    let wrong = false;
    compare(this.#replica.schema, this.#said, was, (m) => {
      wrong = true;
      const f = this.#fields.find((one) => one.table === m.table && one.field === m.field);
      if (f === undefined) {
        this.#fields.push({ table: m.table, field: m.field, count: 1, largest: m.size, latest: m });
        return;
      }
      f.count++;
      f.largest = Math.max(f.largest, m.size);
      f.latest = m;
    });
    return wrong;
  }

  /** fade takes from what is eased what the time has taken. */
  #fade(now: number): void {
    if (!this.#ease.idle) this.#ease.fade(this.#easeTime > 0 ? easedLeft ** (Math.max(0, now - this.#eased) / this.#easeTime) : 0);
    this.#eased = now;
  }

  /**
   * inputFor is the input that the server is expected to take for a tick: the one that was stamped for it, what is asked for now
   * in those to come, or the one before again.
   */
  #inputFor(tick: number): T["input"] {
    if (tick > this.#stamped) return this.#asked!;
    for (let back = 0; back < inputsKept; back++) {
      const slot = this.#inputs[(tick - back + inputsKept) % inputsKept];
      if (slot !== undefined && slot.tick === tick - back) return slot.row;
    }
    return this.#neutral;
  }

  #rounded(row: object): object {
    const { shape } = this.#replica.schema.input;
    shape.write(row, this.#scratch.words, this.#scratch.texts);
    return shape.read(Class.own, this.#scratch);
  }
}

/** othersIn are the rows that a replica has. */
function othersIn(replica: Replica): Others {
  return {
    row(table, id) {
      const index = indexOf(id);
      return replica.pageOf(table, index)?.generation[index % pageRows] === generationOf(id) ? replica.row(table, index) : undefined;
    },
    singleton: (table) => replica.row(table, 0),
  };
}

function sameRow(a: RowBuffer, b: RowBuffer, words: number, texts: number): boolean {
  for (let i = 0; i < words; i++) if (a.words[i] !== b.words[i]) return false;
  for (let i = 0; i < texts; i++) if (a.texts[i] !== b.texts[i]) return false;
  return true;
}
