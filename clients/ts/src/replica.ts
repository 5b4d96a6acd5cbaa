import { EventQueue, noEvents, type GameEvent } from "./events.js";
import { Class } from "./field.js";
import type { Ack } from "./input.js";
import { MaxEpoch, MinAge } from "./limits.js";
import { Motion } from "./motion.js";
import { Received } from "./received.js";
import { entityId, pageRows, Registers, State, type Made, type Page } from "./registers.js";
import type { Reject } from "./reject.js";
import type { Reckoning, Row, Words } from "./rowshape.js";
import type { Schema } from "./schema.js";
import { ShortRange, widen } from "./short.js";
import { emptyHeader, RecordKind, StateReader, type StateHeader } from "./state.js";
import { Traces } from "./traces.js";

/** How a replica begins: what the welcome said. */
export interface ReplicaConfig {
  epoch: number;
  tick: number;
  /** The sequence number of the first datagram to come; 0 is read as 1. */
  nextSequence: number;
  /** How many ticks behind the newest a datagram may be, at least 64. */
  ageMax: number;
  /** For how many ticks an event is worth telling. */
  eventTicks: number;
  tickPeriodNanoseconds: number;
}

/** What a record did to an entity. Replaced: another entity has its index now. */
export type ChangeKind = "added" | "changed" | "replaced" | "removed";

/** Change is what a datagram did to an entity. */
export interface Change {
  kind: ChangeKind;
  /** The place among the schema's tables. */
  table: number;
  index: number;
  /** The entity; of what was removed, the one that was here. */
  id: number;
  /** As of when: the datagram's, or that since which what was removed is out of sight. */
  tick: number;
}

/** Applied is what became of a datagram. It is good until the next one. */
export interface Applied {
  /** With sequence, tick and inputTick whole. It means nothing when the datagram had none, or is of a former epoch. */
  header: StateHeader;
  /** The datagram began a new epoch: every row from before is gone. */
  newEpoch: boolean;
  /** The datagram was a duplicate, too old, of a former epoch, or none at all. It can begin a new epoch all the same. */
  ignored: boolean;
  /** Why the datagram could not be read to its end; what came before is applied. */
  reject: Reject | undefined;
  /** In the order of the datagram. */
  changes: Change[];
  /** Those that came for the first time, in the order in which they happened. */
  events: readonly GameEvent[];
}

/** Counters count what a replica met. */
export interface Counters {
  datagrams: number;
  duplicates: number;
  tooOld: number;
  staleEpoch: number;
  rejected: number;
  records: number;
  superseded: number;
  orphans: number;
  events: number;
  eventsLate: number;
  /** More than are told apart, which no honest server sends; and removals that were forgotten before their time, likewise. */
  eventsDropped: number;
  tracesDropped: number;
}

/** Entity is how far a row that is here is. */
export interface Entity {
  generation: number;
  /** What the client is to it: one of Class. */
  rowClass: number;
  /** That of its newest record: its fields are the server's at that tick. */
  tick: number;
  /** By which of the player's inputs it was made; undefined when by none. */
  made: Made | undefined;
}

/**
 * Replica is what a client has, by the rules of docs/protocol.md §7: datagrams in, rows, events and acknowledgements out. It
 * has no clock and no transport.
 */
export class Replica {
  readonly schema: Schema;

  readonly #ageMax: number;
  readonly #reader: StateReader;
  readonly #received: Received;
  readonly #fired: EventQueue;
  readonly #reckonings: (Mutable<Reckoning> | undefined)[];
  readonly #traces = new Traces();
  readonly #pool: Change[] = [];
  readonly #applied: Applied = { header: emptyHeader(), newEpoch: false, ignored: false, reject: undefined, changes: [], events: noEvents };
  readonly #counted = { datagrams: 0, duplicates: 0, tooOld: 0, staleEpoch: 0, rejected: 0, records: 0, superseded: 0, orphans: 0 };
  #tables: Registers[];
  #currentEpoch: number;
  #newest: number;
  #orphaned = false;
  #resyncAsked = false;

  /** Throws an Error when the age is too small, or a table can't be reckoned at the tick period. */
  constructor(schema: Schema, config: ReplicaConfig) {
    if (!(config.ageMax >= MinAge)) throw new Error(`ageMax is ${config.ageMax} ticks; at least ${MinAge} are needed`);
    this.schema = schema;
    this.#ageMax = config.ageMax;
    this.#reader = new StateReader(schema);
    this.#received = new Received(Math.max(config.nextSequence, 1) - 1);
    this.#fired = new EventQueue(config.eventTicks);
    this.#currentEpoch = config.epoch;
    this.#newest = config.tick;
    this.#tables = schema.tables.map((t) => new Registers(t));
    this.#reckonings = schema.tables.map((t) => (t.group ? { motion: new Motion(t, config.tickPeriodNanoseconds), tick: 0 } : undefined));
  }

  /** The epoch that the rows belong to. */
  get epoch(): number {
    return this.#currentEpoch;
  }

  /** The newest tick of which a datagram was taken. */
  get tick(): number {
    return this.#newest;
  }

  /** What the replica met so far. */
  get counters(): Counters {
    return { ...this.#counted, events: this.#fired.count, eventsLate: this.#fired.late, eventsDropped: this.#fired.dropped, tracesDropped: this.#traces.dropped };
  }

  /** apply reads a datagram and brings the rows up to it. The bytes are not kept. */
  apply(datagram: Uint8Array): Applied {
    const a = this.#applied;
    a.newEpoch = a.ignored = false;
    a.changes.length = 0;
    a.events = noEvents;
    if (!this.#reader.open(datagram)) return this.#refused();
    if (!this.#enterEpoch(this.#reader.header.epoch)) {
      this.#counted.staleEpoch++;
      return this.#ignore();
    }
    const h = this.#widened();
    if (h.tick + this.#ageMax < this.#newest) {
      this.#counted.tooOld++;
      return this.#ignore();
    }
    if (this.#received.has(h.sequence)) {
      this.#counted.duplicates++;
      return this.#ignore();
    }
    if (h.tick > this.#newest) {
      this.#newest = h.tick;
      this.#fired.forget(h.tick);
    }
    this.#counted.datagrams++;
    let whole = true;
    while (this.#reader.next()) {
      if (this.#reader.kind === RecordKind.happened) this.#happened(h.tick);
      else if (!this.#record(h.tick)) whole = false;
    }
    a.reject = this.#reader.reject;
    if (a.reject !== undefined) this.#counted.rejected++;
    else if (whole) this.#received.add(h.sequence);
    this.#traces.forget(this.#newest - this.#ageMax, this.#tables);
    a.events = this.#fired.end();
    return a;
  }

  /** ack returns what was received, for the next input datagram. */
  ack(): Ack {
    const ack = { epoch: this.#currentEpoch, hasAck: false, newest: 0, missingHigh: 0, missingLow: 0 };
    this.#received.writeTo(ack);
    return ack;
  }

  /** takeResync returns the epoch for which to send a resync, once in an epoch: an orphan came. */
  takeResync(): number | undefined {
    if (!this.#orphaned || this.#resyncAsked) return undefined;
    this.#resyncAsked = true;
    return this.#currentEpoch;
  }

  /** resume goes on over a new connection, with the rows as they are: what was received before is acknowledged no more. */
  resume(tick: number, nextSequence: number): void {
    this.#newest = Math.max(this.#newest, tick);
    this.#received.forget();
    this.#received.newest = Math.max(nextSequence, 1) - 1;
  }

  /** tableOf returns the place of a table by its name; -1 when there is none. */
  tableOf(name: string): number {
    return this.schema.tables.findIndex((t) => t.name === name);
  }

  /**
   * row returns an entity as a plain object; undefined when none is here. The same object comes back until the entity
   * changes. What is dead-reckoned is where it is at the newest tick. T is the game's own type of the row.
   */
  row<T extends object = Row>(table: number, index: number): T | undefined {
    const page = this.pageOf(table, index);
    return page === undefined ? undefined : (this.#show(table, page, index % pageRows) as T);
  }

  /** entity returns how far an entity is; undefined when none is here. */
  entity(table: number, index: number): Entity | undefined {
    const page = this.pageOf(table, index);
    if (page === undefined) return undefined;
    const row = index % pageRows;
    return { generation: page.generation[row]!, rowClass: page.rowClass[row]!, tick: page.tick[row]!, made: page.made.get(row) };
  }

  /** columns returns where the columns of an entity are, good until the next call; undefined when none is here. */
  columns(table: number, index: number): Words | undefined {
    return this.pageOf(table, index)?.look(index % pageRows);
  }

  /** all iterates over the entities of a table that are here, in the order of their indexes. */
  *all<T extends object = Row>(table: number): IterableIterator<[index: number, row: T]> {
    for (const [index, page, row] of this.here(table)) yield [index, this.#show(table, page, row) as T];
  }

  /** here is all, with the page of each entity and its row there instead of an object. A table that is not there is empty. */
  *here(table: number): IterableIterator<[index: number, page: Page, row: number]> {
    const pages = this.#tables[table]?.pages ?? [];
    for (const [n, page] of pages.entries()) {
      for (let row = 0; page !== undefined && row < pageRows; row++) {
        if (page.state[row] === State.Here) yield [n * pageRows + row, page, row];
      }
    }
  }

  /** pages returns the pages of a table, for reports; those that were never used are undefined. */
  pages(table: number): readonly (Page | undefined)[] {
    return this.#tables[table]!.pages;
  }

  /** pageOf returns the page of an entity, at the row of its index modulo 64; undefined when none is here. */
  pageOf(table: number, index: number): Page | undefined {
    const page = this.#tables[table]?.pages[Math.floor(index / pageRows)];
    return page !== undefined && page.state[index % pageRows] === State.Here ? page : undefined;
  }

  #show(table: number, page: Page, row: number): Row {
    const rowClass = page.rowClass[row]!;
    const reckoning = rowClass === Class.own ? undefined : this.#reckonings[table];
    const tick = reckoning === undefined ? 0 : this.#newest;
    const kept = page.kept(row, tick);
    if (kept !== undefined) return kept;
    if (reckoning !== undefined) reckoning.tick = tick;
    return page.keep(row, tick, this.schema.tables[table]!.shape.read(rowClass, page.look(row), reckoning));
  }

  /** enterEpoch begins the epoch of a datagram when it is a newer one; it returns false for a former one. */
  #enterEpoch(epoch: number): boolean {
    if (epoch === this.#currentEpoch) return true;
    const ahead = (epoch - this.#currentEpoch) & MaxEpoch;
    if (ahead > MaxEpoch / 2) return false;
    this.#currentEpoch = epoch;
    this.#received.forget();
    this.#tables = this.schema.tables.map((t) => new Registers(t));
    this.#traces.clear();
    this.#orphaned = this.#resyncAsked = false;
    this.#applied.newEpoch = true;
    return true;
  }

  #widened(): StateHeader {
    const h = this.#applied.header;
    Object.assign(h, this.#reader.header);
    h.sequence = widen(h.sequence, this.#received.newest);
    h.tick = widen(h.tick, this.#newest);
    h.inputTick = widen(h.inputTick, h.tick);
    return h;
  }

  #refused(): Applied {
    this.#counted.rejected++;
    return this.#ignore(this.#reader.reject);
  }

  #ignore(reject?: Reject): Applied {
    this.#applied.ignored = true;
    this.#applied.reject = reject;
    return this.#applied;
  }

  #happened(tick: number): void {
    const r = this.#reader;
    const then = Math.max(tick - r.age, 0);
    if (!this.#fired.happened(then, r.number, this.#newest)) return;
    const row = this.schema.events[r.table]!.shape.read(Class.own, r.row);
    this.#fired.push({ tick: then, number: r.number, kind: r.table, row });
  }

  /** record applies a record that is of an entity; it returns false for an orphan. */
  #record(tick: number): boolean {
    const r = this.#reader;
    const page = this.#tables[r.table]!.page(r.index);
    const row = r.index % pageRows;
    const state = page.state[row]!;
    this.#counted.records++;
    if (r.kind === RecordKind.removed) {
      this.#remove(page, row, Math.max(tick - r.age, 0));
      return true;
    }
    if (state !== State.Unknown && tick <= page.tick[row]!) {
      this.#counted.superseded++;
      return true;
    }
    if (r.kind === RecordKind.partial && (state !== State.Here || page.rowClass[row] !== r.rowClass)) {
      this.#counted.orphans++;
      this.#orphaned = true;
      return false;
    }
    let kind: ChangeKind = "changed";
    if (r.kind === RecordKind.full) {
      if (state !== State.Here) kind = "added";
      else if (page.generation[row] !== r.generation) kind = "replaced";
      page.empty(row);
      page.state[row] = State.Here;
      page.generation[row] = r.generation;
      page.rowClass[row] = r.rowClass;
      if (r.insert > 0) page.made.set(row, { tick: Math.max(tick - r.age, 0), insert: r.insert });
      else page.made.delete(row);
    }
    page.tick[row] = tick;
    this.#write(page, row, tick);
    this.#change(kind, r.index, page.generation[row]!, tick);
    return true;
  }

  /** write copies the columns of the record that was read into its row. */
  #write(page: Page, row: number, tick: number): void {
    const r = this.#reader;
    const table = this.schema.tables[r.table]!;
    const { words, texts, wordsFrom, textsFrom } = page.look(row);
    for (let i = 0; i < r.count; i++) {
      const at = r.columns[i]!;
      const column = table.columns[at]!;
      if (column.textAt >= 0) {
        texts[textsFrom + column.textAt] = r.row.texts[column.textAt]!;
      } else if (column.base) {
        for (let part = at; part < table.columns.length; part++) words[wordsFrom + part] = r.row.words[part]!;
        words[wordsFrom + at] = baseTick(r.row.words[at]!, tick);
      } else {
        words[wordsFrom + at] = r.row.words[at]!;
      }
    }
    page.stale(row);
  }

  #remove(page: Page, row: number, since: number): void {
    const r = this.#reader;
    const state = page.state[row]!;
    if (state !== State.Unknown && page.tick[row]! >= since) {
      this.#counted.superseded++;
      return;
    }
    page.state[row] = State.Gone;
    page.tick[row] = since;
    page.stale(row);
    this.#traces.add(r.table, r.index, since);
    if (state === State.Here) this.#change("removed", r.index, page.generation[row]!, since);
  }

  #change(kind: ChangeKind, index: number, generation: number, tick: number): void {
    const { changes } = this.#applied;
    const table = this.#reader.table;
    const id = entityId(index, generation);
    const n = changes.length;
    let c = this.#pool[n];
    if (c === undefined) {
      c = { kind, table, index, id, tick };
      this.#pool.push(c);
    } else {
      c.kind = kind;
      c.table = table;
      c.index = index;
      c.id = id;
      c.tick = tick;
    }
    changes.push(c);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** baseTick returns the low 32 bits of the latest tick with these 14 bits that is not after a tick. */
function baseTick(short: number, tick: number): number {
  const back = (((tick - short) % ShortRange) + ShortRange) % ShortRange;
  return (tick - back) >>> 0;
}
