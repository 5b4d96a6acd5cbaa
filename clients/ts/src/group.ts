import { bitsOf, column, type Column } from "./column.js";
import { Audience, FieldKind, type Field } from "./field.js";

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
  private readonly fields: Set<number>;

  constructor(first: number, members: readonly Member[]) {
    this.first = first;
    this.members = members;
    this.fields = new Set(members.flatMap((m) => [m.field, m.velocity]));
  }

  /** Whether a field is a position or a velocity of the group. */
  has(field: number): boolean {
    return this.fields.has(field);
  }
}

/** deriveGroup finds the dead-reckoned fields of a table and adds the columns of their base. */
export function deriveGroup(name: string, fields: readonly Field[], columns: Column[]): Group | undefined {
  const members: Member[] = [];
  fields.forEach((f, field) => {
    if (f.tolerance === 0) return;
    const why = reckonFault(fields, field, members);
    if (why !== undefined) throw new Error(`${name}: ${f.name}: ${why}`);
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

/** reckonFault tells why a field can't be dead-reckoned. */
function reckonFault(fields: readonly Field[], at: number, before: readonly Member[]): string | undefined {
  const f = fields[at]!;
  const v = fields[f.velocity];
  if (f.kind !== FieldKind.float || f.wrap) return "only a float without wrap can be dead-reckoned";
  if (f.audience === Audience.ownerOnly) return "it is for the owner, who gets the true value";
  if (!(f.tolerance >= f.step / 2 && f.tolerance <= f.max - f.min)) return "its tolerance is below half a step, or above the range";
  if (v === undefined || f.velocity === at) return "its velocity is no other field of the row";
  if (v.kind !== FieldKind.float || v.wrap || v.tolerance !== 0) return "its velocity must be a float without wrap that is not reckoned itself";
  if (v.audience !== f.audience) return "its velocity must be for the same players";
  if (before.some((m) => m.velocity === f.velocity)) return "its velocity is that of another field";
  const still = Math.floor(-v.min / v.step + 0.5) * v.step;
  if (v.min > 0 || v.max < 0 || Math.abs(still + v.min) > v.step * 1e-6) return "its velocity can't be 0";
  if (before.some((m) => fields[m.field]!.audience !== f.audience)) return "dead-reckoned fields are for the same players";
  return undefined;
}
