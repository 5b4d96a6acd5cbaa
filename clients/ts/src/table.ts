import { bitsOf, column, type Column } from "./column.js";
import { Audience, Class, Classes, FieldKind, must, nameFits, type Field } from "./field.js";
import { deriveGroup, type Group } from "./group.js";
import { MaxColumns, MaxPositionBits, MaxRowBytes } from "./limits.js";
import { RowShape } from "./rowshape.js";

/** Bits of a coordinate's low column: two limbs. */
const fineBits = 14;
/** Bits of the widest column. */
const wordBits = 32;

/** Table is the wire form of one kind of row: a table's, the input's, an event's, a message's or half a request's. */
export class Table {
  readonly name: string;
  readonly fields: readonly Field[];
  /** The places of the coordinates; -1 each without a position. */
  readonly x: number;
  readonly y: number;
  /** What the fields become on the wire. */
  readonly columns: readonly Column[];
  /** The number of text columns. */
  readonly texts: number;
  /** The dead-reckoned fields; undefined without. */
  readonly group: Group | undefined;
  /** Rows as plain objects. */
  readonly shape: RowShape;

  readonly #all: Column[] = [];
  readonly #plain: number[][]; // per field, its columns, most significant first
  readonly #owns: number[][]; // per field, those at the owner's step
  readonly #classes: Uint8Array[] = [];

  /** Throws an Error for what can't be a table. */
  constructor(name: string, x: number, y: number, fields: readonly Field[]) {
    must(nameFits(name), name, "name");
    must(fields.length <= MaxColumns, name, "number of fields");
    this.name = name;
    this.fields = fields;
    this.x = x;
    this.y = y;
    this.#plain = fields.map(() => []);
    this.#owns = fields.map(() => []);
    let texts = 0;
    fields.forEach((f, i) => {
      if (f.kind === FieldKind.text) {
        this.#plain[i]!.push(this.#all.push({ ...column(i, 0, 0), textAt: texts++ }) - 1);
        return;
      }
      this.#addColumns(i, false);
      if (f.ownStep > 0) this.#addColumns(i, true);
    });
    this.texts = texts;
    this.group = deriveGroup(name, fields, this.#all);
    this.columns = this.#all;
    must(this.#all.length <= MaxColumns, name, "number of columns");
    for (let c = 0; c < Classes; c++) this.#classes.push(this.#deriveClass(c));
    this.#checkPosition();
    this.shape = new RowShape(this);
  }

  /** The columns that a class sees, in the order of a mask's bits. The group's first stands for all of it. */
  classColumns(rowClass: number): Uint8Array {
    return this.#classes[rowClass]!;
  }

  /** Whether a mask of the class may take more than one byte. */
  wideMask(rowClass: number): boolean {
    return this.#classes[rowClass]!.length > 7;
  }

  /** The columns that hold a field, the most significant first: at the owner's step when own is set and it has one. */
  fieldColumns(field: number, own: boolean): readonly number[] {
    return own && this.#owns[field]!.length > 0 ? this.#owns[field]! : this.#plain[field]!;
  }

  /** Whether a row is told whole to whoever it is for, as events, messages and requests must be. */
  get travelsWhole(): boolean {
    return this.fields.every((f) => f.audience === Audience.everyone && f.ownStep === 0 && f.tolerance === 0);
  }

  #addColumns(i: number, own: boolean): void {
    const f = this.fields[i]!;
    const into = own ? this.#owns[i]! : this.#plain[i]!;
    let width = own ? bitsOf(BigInt(f.ownTop)) : bitsOf(f.top);
    const coordinate = i === this.x || i === this.y;
    must(!coordinate || own || width <= MaxPositionBits, f.name, "range as a position");
    const low = coordinate ? fineBits : wordBits;
    if (width > low) {
      into.push(this.#all.push(column(i, low, width - low, { own })) - 1);
      width = low;
    }
    into.push(this.#all.push(column(i, 0, width, { own })) - 1);
  }

  #deriveClass(rowClass: number): Uint8Array {
    const seen: number[] = [];
    let bytes = 0;
    this.#all.forEach((c, at) => {
      if (!this.#sees(rowClass, c)) return;
      if (!c.base || at === this.group?.first) seen.push(at);
      bytes += c.limbs + (c.textAt < 0 ? 0 : 2 + Number(this.fields[c.field]!.top));
    });
    must(bytes <= MaxRowBytes, this.name, `row of up to ${bytes} bytes`);
    return Uint8Array.from(seen);
  }

  /** The rule of rights: which columns a class is ever sent. */
  #sees(rowClass: number, c: Column): boolean {
    const f = this.fields[c.field]!;
    const own = rowClass === Class.own;
    if (c.base) return !own && f.visible(rowClass);
    if (!own && this.group?.has(c.field)) return false; // it gets the base
    return f.ownStep > 0 ? c.own === own : f.visible(rowClass);
  }

  #checkPosition(): void {
    if (this.x < 0) return;
    const x = this.fields[this.x]!;
    const y = this.fields[this.y]!;
    const fits = (f: Field) => f.kind >= FieldKind.int && f.kind <= FieldKind.float && f.audience === Audience.everyone && !f.wrap;
    must(fits(x) && fits(y) && x !== y && x.step === y.step, this.name, "position");
  }
}
