import { MaxName, MaxText } from "./limits.js";
import { utf8 } from "./writer.js";

/** The kind of value that a field holds (docs/protocol.md §8); the number is the wire's. */
export const FieldKind = { bool: 0, int: 1, uint: 2, float: 3, text: 4, entity: 5 } as const;

/** Who may see a field. */
export const Audience = { everyone: 0, teamAndOwner: 1, ownerOnly: 2 } as const;

/** What a client is to a row, and so which of its fields it sees. */
export const Class = { public: 0, team: 1, own: 2 } as const;

/** How many classes there are. */
export const Classes = 3;

/** Value is what a field holds: integers that a double does not hold exactly are bigint. */
export type Value = boolean | number | bigint | string;

/** What the schema says of a field. */
export interface FieldSpec {
  /** The path in the game's type: "Y", "Pos.X", "Cells[3]". */
  name: string;
  /** One of FieldKind. */
  kind: number;
  /** One of Audience. */
  audience: number;
  /** Range and step of a float. */
  min: number;
  max: number;
  step: number;
  /** A finer step for the owner; 0: none. */
  ownStep: number;
  /** An angle: max is the same place as min. */
  wrap: boolean;
  /** Above 0 for a dead-reckoned field: by how much others than the owner may see it off. */
  tolerance: number;
  /** The place of a dead-reckoned field's velocity among the fields. */
  velocity: number;
  /** What an integer's quantised 0 stands for. */
  base: bigint;
  /** The highest quantised value; for text the most bytes. Derived for floats. */
  top: bigint;
}

/** Field is one value of a row. Quantised, it is an integer from 0 to its top. It throws an Error for what can't be. */
export class Field implements FieldSpec {
  readonly name!: string;
  readonly kind!: number;
  readonly audience!: number;
  readonly min!: number;
  readonly max!: number;
  readonly step!: number;
  readonly ownStep!: number;
  readonly wrap!: boolean;
  readonly tolerance!: number;
  readonly velocity!: number;
  readonly base!: bigint;
  readonly top: bigint;
  /** The highest quantised value at the owner's step; 0 without one. */
  readonly ownTop: number;
  /** Whether values are bigint, and so are quantised ones. */
  readonly big: boolean;

  readonly #low: number; // base and top, as far as a double holds them
  readonly #high: number;

  constructor(spec: FieldSpec) {
    Object.assign(this, spec);
    this.top = spec.kind === FieldKind.float ? BigInt(floatTop(spec, spec.step)) : spec.top;
    this.ownTop = spec.ownStep > 0 ? floatTop(spec, spec.ownStep) : 0;
    check(this);
    this.#low = Number(this.base);
    this.#high = Number(this.top);
    const exact = BigInt(Number.MAX_SAFE_INTEGER);
    this.big = this.base < -exact || this.top > exact || this.base + this.top > exact;
  }

  /** Whether a class may see the field. */
  visible(rowClass: number): boolean {
    if (this.audience === Audience.ownerOnly) return rowClass === Class.own;
    return this.audience === Audience.everyone || rowClass !== Class.public;
  }

  /** The highest quantised value, the owner's when it has a step of its own; inexact above 2⁵³. */
  topOf(own: boolean): number {
    return own && this.ownStep > 0 ? this.ownTop : this.#high;
  }

  /** The value that is read when nothing is known: false, 0 or "". */
  get neutral(): Value {
    if (this.kind === FieldKind.bool) return false;
    if (this.kind === FieldKind.text) return "";
    return this.big ? 0n : 0;
  }

  /** valueOf returns what a quantised value stands for; above the top it counts as the top. Not for big fields and text. */
  valueOf(q: number, own: boolean): boolean | number {
    if (this.kind === FieldKind.bool) return q !== 0;
    const top = this.topOf(own);
    if (this.kind !== FieldKind.float) return this.#low + Math.min(q, top);
    if (q >= top && !this.wrap) return this.max;
    return this.min + Math.min(q, top) * (own && this.ownStep > 0 ? this.ownStep : this.step);
  }

  /** bigOf is valueOf for a big field. */
  bigOf(q: bigint): bigint {
    return this.base + (q < this.top ? q : this.top);
  }

  /** quantise returns what travels for a value; out of its range, or not a number, it is clamped. Not for big fields and text. */
  quantise(v: boolean | number, own: boolean): number {
    if (typeof v === "boolean") return v ? 1 : 0;
    const top = this.topOf(own);
    if (this.kind !== FieldKind.float) return Math.max(0, Math.min(Math.trunc(v) - this.#low, top)) || 0;
    const step = own && this.ownStep > 0 ? this.ownStep : this.step;
    if (this.wrap) return this.#quantiseAngle(v, step, top);
    const half = step / 2;
    if (v >= this.min - half && v <= this.max + half) return Math.min(Math.max(0, Math.floor((v - this.min) / step + 0.5)), top);
    return v > this.max ? top : 0;
  }

  /** quantiseBig is quantise for a big field. */
  quantiseBig(v: bigint): bigint {
    const q = v - this.base;
    return q < 0n ? 0n : q > this.top ? this.top : q;
  }

  #quantiseAngle(v: number, step: number, top: number): number {
    if (!Number.isFinite(v)) return 0;
    const turn = this.max - this.min;
    let at = (v - this.min) % turn;
    if (at < 0) at += turn;
    const q = Math.floor(at / step + 0.5);
    return q > top ? 0 : q; // a full turn is where it began
  }
}

/** floatTop is the highest quantised value of a float's range: the number of steps, less one for an angle. */
function floatTop(f: FieldSpec, step: number): number {
  must(Number.isFinite(f.min) && Number.isFinite(f.max) && f.min < f.max, f.name, "range");
  const n = Math.floor((f.max - f.min) / step + 0.5);
  must(step > 0 && step <= f.max - f.min && n >= 1 && n <= 0xffff_ffff, f.name, "step");
  return f.wrap ? Math.max(n - 1, 1) : n;
}

function check(f: Field): void {
  must(nameFits(f.name), f.name, "name");
  must(f.audience <= Audience.ownerOnly, f.name, "audience");
  must(f.kind <= FieldKind.entity, f.name, "kind");
  const own = f.ownStep === 0 || (f.ownStep > 0 && f.ownStep < f.step && f.audience === Audience.everyone);
  must(f.kind !== FieldKind.float || own, f.name, "step for its owner");
  must(rangeFits(f), f.name, "range");
}

/** rangeFits tells whether a field that is no float has a range that its kind can have. */
function rangeFits(f: Field): boolean {
  const highest = f.base + f.top;
  switch (f.kind) {
    case FieldKind.bool:
      return f.base === 0n && f.top === 1n;
    case FieldKind.entity:
      return f.base === 0n && f.top === 0xffff_ffffn;
    case FieldKind.int:
      return highest === BigInt.asIntN(64, highest);
    case FieldKind.uint:
      return f.base >= 0n && highest === BigInt.asUintN(64, highest);
    case FieldKind.text:
      return f.base === 0n && f.top > 0n && f.top <= BigInt(MaxText);
    default:
      return true;
  }
}

/** must throws an Error that names a thing of the schema and which part of it can't be, unless that is right. */
export function must(right: boolean, name: string, part: string): void {
  if (!right) throw new Error(`${name}: its ${part} can't be`);
}

/** nameFits tells whether a name of the schema has 1 to 64 bytes. */
export function nameFits(name: string): boolean {
  return name !== "" && utf8(name).length <= MaxName;
}
