import { Class } from "./field.js";
import { entityId, pageRows, type Page } from "./registers.js";
import type { Change, Replica } from "./replica.js";
import type { Row, Words } from "./rowshape.js";
import { extrapolateTicks, MomentsPerTick, setsOut, type Known, type Mode, type Span, type TableShow } from "./shown.js";
import type { Table } from "./table.js";

/** How many records are kept of one entity; when they are more, the oldest goes. */
const recordsKept = 32;

/** What was told of an entity as of a tick. */
class TrackRecord implements Known, Words {
  tick = 0;
  here = false;
  generation = 0;
  rowClass = 0;
  readonly words: Uint32Array;
  readonly texts: string[];
  readonly wordsFrom = 0;
  readonly textsFrom = 0;

  constructor(table: Table) {
    this.words = new Uint32Array(table.columns.length);
    this.texts = new Array<string>(table.texts).fill("");
  }

  /** Whether the player owned the row. */
  get own(): boolean {
    return this.here && this.rowClass === Class.own;
  }

  take(tick: number, page: Page | undefined, row: number): void {
    this.tick = tick;
    this.here = page !== undefined;
    if (page === undefined) return;
    this.generation = page.generation[row]!;
    this.rowClass = page.rowClass[row]!;
    const from = page.look(row);
    for (let i = 0; i < this.words.length; i++) this.words[i] = from.words[from.wordsFrom + i]!;
    for (let i = 0; i < this.texts.length; i++) this.texts[i] = from.texts[from.textsFrom + i]!;
  }

  /** follows tells whether a record is of the same entity as the one before it, seen in the same way. */
  follows(before: TrackRecord): boolean {
    return this.here && before.here && this.generation === before.generation && this.rowClass === before.rowClass;
  }
}

/** Shown is an entity as it is drawn; its row is written to from frame to frame. */
export interface Shown {
  readonly pair: [id: number, row: object];
}

/** One entity's records. */
class Track {
  readonly index: number;
  moving = false; // it is among the moving ones
  /** What is drawn of it; undefined when nothing is. */
  shown: Shown | undefined;

  readonly #table: Table;
  readonly #records: TrackRecord[] = []; // the oldest first, and behind them space
  #count = 0;
  #cut = false; // records were dropped before their time: the oldest that is left stands for them
  #filledTick = 0; // the record that the shown row is of
  #filledGeneration = 0;

  constructor(table: Table, index: number) {
    this.#table = table;
    this.index = index;
  }

  /** add takes a record, with the space of one that was dropped. */
  add(tick: number, page: Page | undefined): void {
    if (this.#count === recordsKept) {
      this.#drop(1);
      this.#cut = true;
    }
    if (this.#count === this.#records.length) this.#records.push(new TrackRecord(this.#table));
    this.#records[this.#count++]!.take(tick, page, this.index % pageRows);
  }

  /** wait is by how many ticks the newest record is later than the moment from which the entity goes towards it. */
  wait(columns: readonly number[], span: Span): number {
    const to = this.#records[this.#count - 1]!;
    const from = this.#records[this.#count - 2];
    if (this.#count < 2 || from === undefined || to.own || !to.follows(from)) return 0;
    if (!columns.some((at) => to.words[at] !== from.words[at])) return 0;
    this.#around(this.#count - 2, span);
    return to.tick - setsOut(span, to);
  }

  /** around finds what is known around a moment, of which record i is the newest that is not after it. */
  #around(i: number, span: Span): void {
    const from = this.#records[i]!;
    const before = this.#records[i - 1];
    const to = i + 1 < this.#count ? this.#records[i + 1] : undefined;
    span.from = from;
    span.before = before !== undefined && from.follows(before) ? before : undefined;
    span.to = to?.follows(from) ? to : undefined;
  }

  /** show shows the entity at a moment, and tells whether that changes as time goes by. */
  show(as: TableShow, mode: Mode, at: number, span: Span): boolean {
    let i = this.#current(mode, at);
    if (i < 0) return true; // it comes later
    this.#cut &&= i === 0;
    this.#drop(Math.max(i - 1, 0));
    i -= Math.max(i - 1, 0);
    const last = this.#count - 1;
    const r = this.#records[i]!;
    if (!r.here || r.own) {
      this.shown = undefined; // own rows are drawn as they are predicted
      return i < last;
    }
    this.#fill(r);
    this.#around(i, span);
    as.show(this.shown!.pair[1], span, at, mode);
    return i < last || (mode === "extrapolate" && Math.floor(at / MomentsPerTick) < r.tick + extrapolateTicks) || as.moves(r);
  }

  /** Whether nothing is known of the entity but that it is gone, and nothing is drawn. */
  get over(): boolean {
    return this.shown === undefined && !this.#records[this.#count - 1]!.here;
  }

  /** fill makes the shown row that of a record. */
  #fill(r: TrackRecord): void {
    const { shape } = this.#table;
    const id = entityId(this.index, r.generation);
    if (this.shown === undefined) this.shown = { pair: [id, shape.read(r.rowClass, r) as Row] };
    else if (r.tick !== this.#filledTick || r.generation !== this.#filledGeneration) shape.fill(this.shown.pair[1], r.rowClass, r);
    this.shown.pair[0] = id;
    this.#filledTick = r.tick;
    this.#filledGeneration = r.generation;
  }

  /**
   * current is the place of the newest record that is not after a moment; -1 when all are. Where a newer one tells that the player
   * owns the row, or did, that is shown at once.
   */
  #current(mode: Mode, at: number): number {
    const last = this.#count - 1;
    if (mode === "latest") return last;
    let i = this.#cut ? 0 : -1;
    for (let n = 0; n <= last; n++) {
      const r = this.#records[n]!;
      if (r.tick * MomentsPerTick <= at || r.own || (n > 0 && this.#records[n - 1]!.own)) i = n;
    }
    return i;
  }

  /** drop drops the oldest records, and keeps their space behind the others. */
  #drop(n: number): void {
    for (let i = 0; i < n; i++) this.#records.push(this.#records.shift()!);
    this.#count -= n;
  }
}

/** Tracks are the latest records of each entity of a table, for what is shown between them. */
export class Tracks {
  /** Entities came or went since it was last set to false. */
  changed = false;

  readonly #table: number;
  readonly #wire: Table;
  readonly #as: TableShow;
  readonly #byIndex = new Map<number, Track>();
  readonly #span: Span = { before: undefined, from: nothing, to: undefined };
  #moving: Track[] = []; // those that are not shown yet as they are

  constructor(table: number, wire: Table, as: TableShow) {
    this.#table = table;
    this.#wire = wire;
    this.#as = as;
  }

  /** For how many ticks something is waited for even while nothing moves, so that what begins to move does so smoothly. */
  get least(): number {
    return this.#as.waited.length > 0 ? 1 : 0;
  }

  clear(): void {
    this.#byIndex.clear();
    this.#moving.length = 0;
    this.changed = true;
  }

  /** told takes what a datagram told of an entity. It returns for how many ticks its motion had to wait for that. */
  told(replica: Replica, c: Change): number {
    return this.#add(c.index, c.tick, c.kind === "removed" ? undefined : replica.pageOf(this.#table, c.index));
  }

  /** begin takes the rows that a replica has already. */
  begin(replica: Replica): void {
    for (const [index, page, row] of replica.here(this.#table)) this.#add(index, page.tick[row]!, page);
  }

  /** again has every entity shown anew. */
  again(): void {
    for (const track of this.#byIndex.values()) this.#move(track);
  }

  /** show brings the entities to a moment, which is never before the former one. Newest is the newest tick that was received. */
  show(at: number, newest: number, interpolating: boolean): void {
    const mode = interpolating ? this.#as.mode : "latest";
    const moment = mode === "latest" ? newest * MomentsPerTick : at;
    let still = 0;
    for (const track of this.#moving) {
      const was = track.shown;
      const id = was?.pair[0];
      track.moving = track.show(this.#as, mode, moment, this.#span);
      if (track.shown !== was || track.shown?.pair[0] !== id) this.changed = true;
      if (track.moving) this.#moving[still++] = track;
      else if (track.over) this.#byIndex.delete(track.index);
    }
    this.#moving.length = still;
  }

  /** get returns what is shown of an index. */
  get(index: number): Shown | undefined {
    return this.#byIndex.get(index)?.shown;
  }

  /** list adds what is shown to a list, in any order. */
  list(into: Shown[]): void {
    for (const track of this.#byIndex.values()) if (track.shown !== undefined) into.push(track.shown);
  }

  #add(index: number, tick: number, page: Page | undefined): number {
    let track = this.#byIndex.get(index);
    if (track === undefined) this.#byIndex.set(index, (track = new Track(this.#wire, index)));
    track.add(tick, page);
    this.#move(track);
    return track.wait(this.#as.waited, this.#span);
  }

  #move(track: Track): void {
    if (track.moving) return;
    track.moving = true;
    this.#moving.push(track);
  }
}

const nothing: Known = { tick: 0, rowClass: 0, words: new Uint32Array(0), wordsFrom: 0, texts: [], textsFrom: 0 };
