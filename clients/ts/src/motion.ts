import type { Table } from "./table.js";

const maxAge = 16_383;
const two32 = 0x1_0000_0000;

/** What the formula needs of one member. */
interface Moving {
  top: number;
  still: number;
  fast: number;
  factor: number;
  reach: number;
}

/**
 * Motion is where the dead-reckoned fields of a table are at a tick (docs/protocol.md §8). It reckons in integers, as the
 * server does: both sides come to the same step.
 */
export class Motion {
  readonly #members: Moving[] = [];

  /** For a table with a group, and so many nanoseconds between ticks. Throws an Error when 64 bits don't hold the fastest way. */
  constructor(table: Table, periodNanoseconds: number) {
    for (const m of table.group?.members ?? []) {
      const f = table.fields[m.field]!;
      const v = table.fields[m.velocity]!;
      const factor = Math.floor((v.step / f.step) * (periodNanoseconds / 1e9) * two32 + 0.5);
      const fast = Number(v.top);
      if (!(factor * Math.max(m.still, fast - m.still) * maxAge < 2 ** 62)) throw new Error(`${table.name}: ${f.name} can't be reckoned at this tick period`);
      const reach = Math.floor((Math.max(m.still, fast - m.still) * factor) / two32) + 1 + 2 * Math.floor(f.tolerance / f.step + 1e-6);
      this.#members.push({ top: Number(f.top), still: m.still, fast, factor, reach });
    }
  }

  /** How far a member goes in a tick at a velocity of one step, in 2⁻³² of its position's steps. */
  factor(member: number): number {
    return this.#members[member]!.factor;
  }

  /**
   * How many steps a member's reckoned position can be from the one a tick before: what its fastest velocity carries it, and twice
   * the tolerance, for a new base. What went farther was put elsewhere by the game.
   */
  reach(member: number): number {
    return this.#members[member]!.reach;
  }

  /** position returns where a member is at a tick, quantised, by the low 32 bits of its base's tick, its position and its velocity. */
  position(member: number, tick: number, baseTick: number, position: number, velocity: number): number {
    const m = this.#members[member]!;
    const v = Math.min(velocity, m.fast) - m.still;
    let at = position;
    if (v !== 0) {
      const age = Math.max(0, Math.min((tick - baseTick) | 0, maxAge));
      at += timesFactor(v * age, m.factor);
    }
    return Math.max(0, Math.min(at, m.top));
  }
}

/**
 * timesFactor returns (n * factor + 2³¹) >> 32, rounded down, for |n * factor| < 2⁶²: every product here is a whole number
 * that a double holds.
 */
function timesFactor(n: number, factor: number): number {
  const factorHigh = Math.floor(factor / two32);
  const factorLow = factor - factorHigh * two32;
  const nHigh = Math.floor(n / 0x10_0000);
  const nLow = n - nHigh * 0x10_0000;
  const product = nHigh * factorLow; // times 2²⁰
  const whole = Math.floor(product / 0x1000);
  const rest = (product - whole * 0x1000) * 0x10_0000;
  return n * factorHigh + whole + Math.floor((rest + nLow * factorLow + 0x8000_0000) / two32);
}
