import { FieldKind, type Field } from "./field.js";
import { way, type Origin, type OwnRow, type OwnRows } from "./own.js";
import type { Schema } from "./schema.js";
import type { Table } from "./table.js";

/** The part of a float's range from which on a correction is not eased, unless the game says how much. */
const teleportShare = 1 / 64;
/** The part of its step below which what is left of a correction is none. */
const restShare = 1 / 1000;

/** By how much a row is drawn away from where it is, per field. */
interface Eased {
  readonly row: Origin;
  readonly off: Float64Array;
}

/** Easing is by how much own rows are drawn away from where they are predicted, so that a correction shows little by little. */
export class Easing {
  readonly #schema: Schema;
  readonly #teleports: readonly (number | undefined)[];
  #rows: Eased[] = [];

  /** Teleports are, by the names of tables, the distances from which on a row is drawn at its right place at once. */
  constructor(schema: Schema, teleports: Readonly<Record<string, number | undefined>>) {
    this.#schema = schema;
    this.#teleports = schema.tables.map((t) => teleports[t.name]);
  }

  /** Whether nothing is eased. */
  get idle(): boolean {
    return this.#rows.length === 0;
  }

  clear(): void {
    this.#rows.length = 0;
  }

  /** correct takes what was predicted for a tick, and what is by now. */
  correct(before: OwnRows, after: OwnRows): void {
    const rows: Eased[] = [];
    for (let i = 0; i < after.count; i++) {
      const now = after.list[i]!;
      const was = before.find(now);
      if (was === undefined) continue;
      const off = this.#away(this.#schema.tables[now.table]!, was, now);
      if (off !== undefined) rows.push({ row: { table: now.table, id: now.id, madeTick: now.madeTick, madeInsert: now.madeInsert }, off });
    }
    this.#rows = rows;
  }

  /** fade leaves a share, 0 to 1, of what is eased. */
  fade(share: number): void {
    let rest = 0;
    for (const e of this.#rows) {
      const { fields } = this.#schema.tables[e.row.table]!;
      let some = false;
      for (let i = 0; i < e.off.length; i++) {
        e.off[i]! *= share;
        some ||= Math.abs(e.off[i]!) > fields[i]!.step * restShare;
      }
      if (some) this.#rows[rest++] = e;
    }
    this.#rows.length = rest;
  }

  /** of returns how far each field of a row is drawn off; undefined when it is not. */
  of(row: OwnRow): Float64Array | undefined {
    return this.#rows.find((e) => row.same(e.row))?.off;
  }

  /** away is how far a row is to be drawn off; undefined when it is not. */
  #away(table: Table, was: OwnRow, now: OwnRow): Float64Array | undefined {
    const old = this.of(now);
    let off = old;
    const { leaves } = table.shape;
    for (let i = 0; i < leaves.length; i++) {
      const { field } = leaves[i]!;
      if (field.kind !== FieldKind.float) continue;
      const d = way(field, leaves[i]!.get(now.row) as number, leaves[i]!.get(was.row) as number);
      if (this.#teleported(now.table, table, i, field, d)) return undefined;
      if (d === 0) continue;
      off ??= new Float64Array(leaves.length);
      off[i]! += d;
    }
    return off;
  }

  /** teleported tells whether a correction of a field is too large to be eased. */
  #teleported(at: number, table: Table, place: number, field: Field, off: number): boolean {
    if (table.x >= 0 && place !== table.x && place !== table.y) return false;
    return !(Math.abs(off) <= (this.#teleports[at] || (field.max - field.min) * teleportShare));
  }
}
