import { readColumns, RowBuffer } from "./columns.js";
import { Cursor } from "./cursor.js";
import { Class, Classes } from "./field.js";
import { MaxColumns, MaxEntities, MaxEventNumber, MaxGeneration, MaxInsert, MaxRemovalAge } from "./limits.js";
import type { Reject } from "./reject.js";
import type { Schema } from "./schema.js";
import type { Table } from "./table.js";

/** The kinds of datagrams: their first byte. */
export const DatagramKind = { state: 1, input: 2 } as const;

/** What a record does (docs/protocol.md §5.2). */
export const RecordKind = { partial: 0, full: 1, removed: 2, happened: 3 } as const;

/** StateHeader begins each datagram from the server (docs/protocol.md §5.1). */
export interface StateHeader {
  epoch: number;
  /** As short as they travel when a StateReader has read them, else whole; and so are tick and inputTick. */
  sequence: number;
  tick: number;
  /** After this datagram every row that is the player's own equals the server's at the tick. */
  ownComplete: boolean;
  /** Everything that was in sight in the epoch's first tick has been acknowledged. */
  viewComplete: boolean;
  /** Whether inputTick and margin mean anything. */
  hasInput: boolean;
  /** The newest tick of which the server has an input. */
  inputTick: number;
  /** How long before its tick that input arrived, in quarters of a tick, -64 to 63. */
  margin: number;
}

/** A header in which everything is 0. */
export function emptyHeader(): StateHeader {
  return { epoch: 0, sequence: 0, tick: 0, ownComplete: false, viewComplete: false, hasInput: false, inputTick: 0, margin: 0 };
}

const marginBias = 64;
const maskBits = 6;
const maskMore = 1 << maskBits;

/**
 * StateReader reads state datagrams by the schema alone. What the last record had stands in its fields, and is good until
 * the next one: nothing is allocated for a record but its texts.
 */
export class StateReader {
  /** Short, as it travels. */
  readonly header: StateHeader = emptyHeader();
  /** One of RecordKind. */
  kind = 0;
  /** The place among the schema's tables, or its events. */
  table = 0;
  /** One of Class; own for an event, which travels whole. */
  rowClass = 0;
  /** Of the entity. */
  index = 0;
  /** Of a full record. */
  generation = 0;
  /** Of a removal, of an event, or of the input that made an own entity, in ticks before the datagram's. */
  age = 0;
  /** Of a full own record: the entity's number among those that an input made; 0 for none. */
  insert = 0;
  /** Of an event, among those of its tick. */
  number = 0;
  /** The places of the columns that the record has, the first so many of the list. */
  columns: Uint8Array = new Uint8Array(0);
  count = 0;
  /** The record's columns, at their places. */
  readonly row = new RowBuffer();

  readonly #schema: Schema;
  readonly #cursor = new Cursor();
  readonly #changed = new Uint8Array(MaxColumns); // the list of a partial record
  #wire: Table;
  #left = 0;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#wire = schema.input;
  }

  /** What was wrong with the datagram; undefined when nothing was. */
  get reject(): Reject | undefined {
    return this.#cursor.reject;
  }

  /** open reads the header; it returns whether there is one. The bytes are used until the last next. */
  open(b: Uint8Array): boolean {
    const { header: h } = this;
    const c = this.#cursor;
    this.#left = 0;
    if (!c.open(b, DatagramKind.state)) return false;
    h.epoch = c.limb();
    h.sequence = c.limbs(2);
    h.tick = c.limbs(2);
    const flags = c.limb();
    h.ownComplete = (flags & 1) !== 0;
    h.viewComplete = (flags & 2) !== 0;
    h.hasInput = (flags & 4) !== 0;
    h.inputTick = c.limbs(2);
    h.margin = c.limb() - marginBias;
    return c.reject === undefined;
  }

  /** next reads the next record; it returns false at the end and at the first fault. */
  next(): boolean {
    const c = this.#cursor;
    const first = this.#left === 0;
    if (first && (c.ended || !this.#section())) return false;
    this.#left--;
    if (this.kind === RecordKind.happened) return this.#happened();
    const gap = c.compact(MaxEntities - 1);
    this.index = first ? gap : this.index + gap;
    if (!first && (gap === 0 || this.index >= MaxEntities)) c.fail("bad_value");
    switch (this.kind) {
      case RecordKind.removed:
        this.age = c.compact(MaxRemovalAge);
        this.count = 0;
        return c.reject === undefined;
      case RecordKind.full:
        this.generation = c.compact(MaxGeneration);
        if (this.generation === 0) c.fail("bad_value");
        this.insert = this.rowClass === Class.own ? c.compact(MaxInsert) : 0;
        this.age = this.insert === 0 ? 0 : c.limb();
        this.#everything();
        break;
      default:
        this.#mask();
    }
    return this.#fields();
  }

  #section(): boolean {
    const c = this.#cursor;
    this.table = c.limb();
    const form = c.limb();
    this.#left = c.limb();
    this.kind = form & 3;
    this.rowClass = form >> 2;
    const tables = this.kind === RecordKind.happened ? this.#schema.events : this.#schema.tables;
    const wire = tables[this.table];
    if (wire === undefined || this.rowClass >= Classes || this.#left === 0) c.fail("bad_value");
    else this.#wire = wire;
    if (this.kind === RecordKind.happened) this.rowClass = Class.own;
    return c.reject === undefined;
  }

  #happened(): boolean {
    this.index = 0;
    this.age = this.#cursor.limb();
    this.number = this.#cursor.compact(MaxEventNumber);
    this.#everything();
    return this.#fields();
  }

  #everything(): void {
    this.columns = this.#wire.classColumns(this.rowClass);
    this.count = this.columns.length;
  }

  /** mask reads which of the class's columns follow. */
  #mask(): void {
    const c = this.#cursor;
    const seen = this.#wire.classColumns(this.rowClass);
    const wide = this.#wire.wideMask(this.rowClass);
    this.columns = this.#changed;
    this.count = 0;
    for (let from = 0, more = true; more; from += maskBits) {
      let bits = c.limb();
      more = wide && bits >= maskMore;
      if (more) bits -= maskMore;
      else if (bits === 0) c.fail("bad_value"); // the shortest form ends with a bit that is set
      for (let at = from; bits !== 0; bits >>= 1, at++) {
        if ((bits & 1) === 0) continue;
        if (at < seen.length) this.#changed[this.count++] = seen[at]!;
        else c.fail("bad_value");
      }
      if (c.reject !== undefined) return;
    }
  }

  #fields(): boolean {
    const c = this.#cursor;
    if (c.reject === undefined) readColumns(c, this.#wire, this.columns, this.count, this.row);
    return c.reject === undefined;
  }
}
