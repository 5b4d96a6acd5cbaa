import { bitsOf, column, type Column } from "./column.js";
import { Audience, FieldKind, must, type Field } from "./field.js";

/** Bits of a base's tick. */
const tickBits = 14;

/** A dead-reckoned field. */
export interface Member {
  /** The places of position and velocity among the fields. */
  readonly field: number;
  readonly velocity: number;
  /** The quantised velocity of what stands still. */
  readonly still: number;
}

/**
 * Group is the dead-reckoned fields of a table (docs/protocol.md §8). To everybody but the row's owner they travel together,
 * as a base: its tick, then position and velocity of each, from the column first to the last of all.
 */
export class Group {
  /** The column of the base's tick, which stands for the group among a class's columns. */
  readonly first: number;
  readonly members: readonly Member[];
  readonly #fields: Set<number>;

  constructor(first: number, members: readonly Member[]) {
    this.first = first;
    this.members = members;
    this.#fields = new Set(members.flatMap((m) => [m.field, m.velocity]));
  }

  /** Whether a field is a position or a velocity of the group. */
  has(field: number): boolean {
    return this.#fields.has(field);
  }
}

/** deriveGroup finds the dead-reckoned fields of a table and adds the columns of their base. */
export function deriveGroup(name: string, fields: readonly Field[], columns: Column[]): Group | undefined {
  const members: Member[] = [];
  fields.forEach((f, field) => {
    if (f.tolerance === 0) return;
    checkReckoned(name, fields, field, members);
    const v = fields[f.velocity]!;
    members.push({ field, velocity: f.velocity, still: Math.floor(-v.min / v.step + 0.5) });
  });
  if (members.length === 0) return undefined;
  const first = columns.push(column(members[0]!.field, 0, tickBits, { base: true })) - 1;
  for (const m of members) {
    for (const field of [m.field, m.velocity]) columns.push(column(field, 0, bitsOf(fields[field]!.top), { base: true }));
  }
  return new Group(first, members);
}

/** checkReckoned throws an Error when a field can't be dead-reckoned beside those before it. */
function checkReckoned(table: string, fields: readonly Field[], at: number, before: readonly Member[]): void {
  const f = fields[at]!;
  const v = fields[f.velocity];
  const name = `${table}.${f.name}`;
  must(f.kind === FieldKind.float && !f.wrap, name, "dead reckoning");
  must(f.audience !== Audience.ownerOnly && before.every((m) => fields[m.field]!.audience === f.audience), name, "audience");
  must(f.tolerance >= f.step / 2 && f.tolerance <= f.max - f.min, name, "tolerance");
  const fits = v !== undefined && f.velocity !== at && v.kind === FieldKind.float && !v.wrap && v.tolerance === 0 && v.audience === f.audience;
  must(fits && canBeZero(v) && before.every((m) => m.velocity !== f.velocity), name, "velocity");
}

function canBeZero(v: Field): boolean {
  const still = Math.floor(-v.min / v.step + 0.5) * v.step;
  return v.min <= 0 && v.max >= 0 && Math.abs(still + v.min) <= v.step * 1e-6;
}
