import { Class, FieldKind, type Field, type Value } from "./field.js";
import { entityId, pageRows, type Page } from "./registers.js";
import type { Change, Replica } from "./replica.js";
import { RowBuffer } from "./columns.js";
import type { Schema } from "./schema.js";

const indexRange = 1 << 20;
const nothing = new RowBuffer();

/** Origin is what tells an own row from others. */
export interface Origin {
  readonly table: number;
  readonly id: number;
  readonly madeTick: number;
  readonly madeInsert: number;
}

/** OwnRow is one of the player's own rows at a tick. */
export class OwnRow implements Origin {
  /** The place among the schema's tables. */
  readonly table: number;
  /** The row's id and its fields, which change from tick to tick. The id is negative while the server has not told of the row. */
  readonly pair: [id: number, row: object];
  /** By which of the player's inputs the row was made: the input's tick, and the row's number among those that it made; 0, 0 for none. */
  madeTick = 0;
  madeInsert = 0;

  constructor(schema: Schema, table: number) {
    this.table = table;
    this.pair = [0, schema.tables[table]!.shape.read(Class.own, nothing)];
  }

  get id(): number {
    return this.pair[0];
  }

  get row(): object {
    return this.pair[1];
  }

  /** Whether it is the same row as another one: of the same origin, or of the same id when one of them has none. */
  same(other: Origin): boolean {
    if (this.table !== other.table) return false;
    if (this.madeInsert !== 0 && other.madeInsert !== 0) return this.madeInsert === other.madeInsert && this.madeTick === other.madeTick;
    return this.id === other.id;
  }
}

/** OwnRows are a player's own rows at a tick. Their space is used again. */
export class OwnRows {
  /** 0 before the first use. */
  tick = 0;
  /** How many there are, of the list. */
  count = 0;
  readonly list: OwnRow[] = [];
  readonly #schema: Schema;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** begin empties it, for the rows of a tick. */
  begin(tick: number): void {
    this.tick = tick;
    this.count = 0;
  }

  /** add adds a row whose fields are anything yet. */
  add(table: number, id: number, madeTick: number, madeInsert: number): OwnRow {
    const at = this.count++;
    let from = at;
    while (from < this.list.length && this.list[from]!.table !== table) from++;
    const row = this.list[from] ?? new OwnRow(this.#schema, table);
    if (from > at) this.list[from] = this.list[at]!;
    this.list[at] = row;
    row.pair[0] = id;
    row.madeTick = madeTick;
    row.madeInsert = madeInsert;
    return row;
  }

  /** copy makes these the rows of others, as of a tick. */
  copy(from: OwnRows, tick: number): void {
    this.begin(tick);
    for (let i = 0; i < from.count; i++) {
      const r = from.list[i]!;
      this.#schema.tables[r.table]!.shape.copy(r.row, this.add(r.table, r.id, r.madeTick, r.madeInsert).row);
    }
  }

  /** load makes these the rows that a replica has at some places. */
  load(replica: Replica, places: OwnPlaces, tick: number): void {
    this.begin(tick);
    for (const place of places.sorted) {
      const [table, index] = [Math.floor(place / indexRange), place % indexRange];
      const page = replica.pageOf(table, index);
      if (page === undefined) continue;
      const at = index % pageRows;
      const made = page.made.get(at);
      const r = this.add(table, entityId(index, page.generation[at]!), made?.tick ?? 0, made?.insert ?? 0);
      this.#schema.tables[table]!.shape.fill(r.row, Class.own, page.look(at));
    }
  }

  /** find returns the same row among these; undefined when it is not there. */
  find(like: OwnRow): OwnRow | undefined {
    for (let i = 0; i < this.count; i++) if (this.list[i]!.same(like)) return this.list[i];
    return undefined;
  }

  /** remove takes away the row of an index; it tells whether it was there. */
  remove(table: number, index: number): boolean {
    for (let i = 0; i < this.count; i++) {
      const r = this.list[i]!;
      if (r.table !== table || r.id < 0 || r.id % indexRange !== index) continue;
      this.list.splice(i, 1);
      this.list.push(r);
      this.count--;
      return true;
    }
    return false;
  }
}

/** OwnPlaces are where in a replica the player's own rows are, in the order of tables and indexes. */
export class OwnPlaces {
  readonly sorted: number[] = [];

  /** scan finds all of a replica's. */
  scan(replica: Replica): void {
    this.sorted.length = 0;
    replica.schema.tables.forEach((_, table) => {
      for (const [index, page, row] of replica.here(table)) if (isOwn(page, row)) this.sorted.push(table * indexRange + index);
    });
  }

  /** changed takes what a datagram did to an entity; it tells whether the entity is the player's own now. */
  changed(replica: Replica, c: Change): boolean {
    const own = isOwn(replica.pageOf(c.table, c.index), c.index % pageRows);
    const place = c.table * indexRange + c.index;
    let at = this.sorted.indexOf(place);
    if (own && at < 0) {
      for (at = this.sorted.length; at > 0 && this.sorted[at - 1]! > place; at--);
      this.sorted.splice(at, 0, place);
    } else if (!own && at >= 0) {
      this.sorted.splice(at, 1);
    }
    return own;
  }
}

function isOwn(page: Page | undefined, row: number): boolean {
  return page !== undefined && page.rowClass[row] === Class.own;
}

/** Misprediction is one field of a row that was predicted otherwise than the server has it. */
export interface Misprediction {
  /** The tick for which it was predicted. */
  tick: number;
  table: string;
  /** "row" for a row that was predicted and is not there, or that an input has made and was not predicted. */
  field: string;
  id: number;
  /** The values, for a person. */
  predicted: string;
  server: string;
  /** How far they are apart, in the field's own units: an angle the shorter way, 1 for what is no number. */
  size: number;
}

/**
 * compare reports each field of the rows that the server has which is not as predicted. Floats differ when they are more than
 * their step apart: what is predicted begins with rounded values, and is not rounded itself. Rows that came or went without an
 * input of the player's are not compared.
 */
export function compare(schema: Schema, said: OwnRows, predicted: OwnRows, report: (m: Misprediction) => void): void {
  const lone = (r: OwnRow, p: string, server: string) => {
    if (r.madeInsert === 0 || r.madeTick !== said.tick) return;
    report({ tick: said.tick, table: schema.tables[r.table]!.name, field: "row", id: r.id, predicted: p, server, size: 1 });
  };
  for (let i = 0; i < said.count; i++) {
    const now = said.list[i]!;
    const was = predicted.find(now);
    if (was === undefined) {
      lone(now, "none", "there");
      continue;
    }
    const table = schema.tables[now.table]!;
    for (const leaf of table.shape.leaves) {
      const [a, b] = [leaf.get(was.row), leaf.get(now.row)];
      const size = apart(leaf.field, a, b);
      if (size === 0 || (leaf.field.kind === FieldKind.float && size <= leaf.field.step)) continue;
      report({ tick: said.tick, table: table.name, field: leaf.field.name, id: now.id, predicted: String(a), server: String(b), size });
    }
  }
  for (let i = 0; i < predicted.count; i++) {
    const was = predicted.list[i]!;
    if (was.madeTick === said.tick && said.find(was) === undefined) lone(was, "there", "none");
  }
}

/** apart is how far two values of a field are from each other; NaN is as far as can be. */
export function apart(field: Field, a: Value, b: Value): number {
  if (a === b) return 0;
  if (typeof a === "bigint" && typeof b === "bigint") return Number(a > b ? a - b : b - a);
  if (field.kind === FieldKind.entity || typeof a !== "number" || typeof b !== "number") return 1;
  const size = Math.abs(way(field, a, b));
  return Number.isNaN(size) ? Infinity : size;
}

/** way is from one value of a float to another, of an angle the shorter one. */
export function way(field: Field, from: number, to: number): number {
  const by = to - from;
  if (!field.wrap) return by;
  const turn = field.max - field.min;
  return by - turn * Math.round(by / turn);
}

/** between is what lies on the way from one value of a float to another, angles the shorter way, and within the field's range. */
export function between(field: Field, from: number, to: number, along: number): number {
  if (along === 0 || from === to) return from;
  if (!field.wrap) return Math.max(field.min, Math.min(from + (to - from) * along, field.max));
  const turn = field.max - field.min;
  const at = (from + way(field, from, to) * along - field.min) % turn;
  return field.min + (at < 0 ? at + turn : at);
}
