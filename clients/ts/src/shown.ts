import { Class, FieldKind } from "./field.js";
import { Motion } from "./motion.js";
import { between } from "./own.js";
import type { Words } from "./rowshape.js";
import type { Table } from "./table.js";

/** How many parts of a tick the view time has. */
export const MomentsPerTick = 128;

/** The longest time between an entity's records, in ticks, that counts as its usual one. */
const gapMax = 8;
/** For how many ticks floats go on without a record. */
export const extrapolateTicks = 8;

/**
 * Mode is how a table's rows are shown to those who don't own them. Interpolate goes along between the two records around the
 * view time: the default of tables with a position. Extrapolate does too, and lets floats go on for eight ticks where there is no
 * later record. Latest shows the newest record: the default of tables without a position.
 */
export type Mode = "interpolate" | "extrapolate" | "latest";

/** Known is what is known of an entity as of one tick. */
export interface Known extends Words {
  readonly tick: number;
  readonly rowClass: number;
}

/** Span is an entity's records around a moment: the newest that is not after it, and its neighbours as far as they are of the same entity. */
export interface Span {
  before: Known | undefined;
  from: Known;
  to: Known | undefined;
}

/** setsOut is the tick at which floats set out from one record to the next. */
export function setsOut(s: Span, to: Known): number {
  const usual = gap(s);
  return to.tick - s.from.tick > 2 * usual ? to.tick - usual : s.from.tick;
}

/** gap is the usual one between the entity's records, in ticks. */
function gap(s: Span): number {
  return s.before === undefined ? 1 : Math.max(1, Math.min(s.from.tick - s.before.tick, gapMax));
}

/** portion is the part of the way between two ticks that is behind one at a moment; 0 before, and above 1 afterwards. */
function portion(start: number, end: number, at: number): number {
  const from = start * MomentsPerTick;
  return at <= from ? 0 : (at - from) / (MomentsPerTick * Math.max(1, end - start));
}

/** TableShow makes of the records of one table's entities what is shown at a moment, as Tx.Seen has it on the server. Moments are in 128ths of a tick. */
export class TableShow {
  readonly mode: Mode;
  /** The columns that are waited for: those of the position that others see, or of all floats. */
  readonly waited: readonly number[];

  readonly #table: Table;
  readonly #motion: Motion | undefined;
  readonly #lines: readonly (readonly number[])[]; // per class, the floats that go along a line

  constructor(table: Table, mode: Mode, periodNanoseconds: number) {
    const { group } = table;
    this.#table = table;
    this.mode = mode;
    this.#motion = group && new Motion(table, periodNanoseconds);
    const floats = table.fields.flatMap((f, i) => (f.kind === FieldKind.float ? [i] : []));
    this.#lines = [Class.public, Class.team, Class.own].map((rowClass) =>
      floats.filter((i) => table.fields[i]!.visible(rowClass) && (rowClass === Class.own || !group?.has(i))));
    const waited = mode === "interpolate" ? floats.filter((i) => !group?.has(i) && (table.x < 0 || i === table.x || i === table.y)) : [];
    this.waited = waited.flatMap((i) => table.fieldColumns(i, false));
  }

  /** moves tells whether a row moves as its dead-reckoned base says. */
  moves(r: Known): boolean {
    const { group } = this.#table;
    return group !== undefined && this.#reckons(r.rowClass) && group.members.some((m, i) => r.words[r.wordsFrom + group.first + 2 + 2 * i] !== m.still);
  }

  /** show writes into a row, which is as in the span's from, the floats as they are at a moment. */
  show(row: object, s: Span, at: number, mode: Mode): void {
    const { shape } = this.#table;
    let { from } = s;
    let to = s.to;
    let along = 0;
    if (mode !== "latest") {
      if (to !== undefined) {
        along = portion(setsOut(s, to), to.tick, at);
      } else if (mode === "extrapolate" && s.before !== undefined) {
        const until = Math.min(at, (s.from.tick + extrapolateTicks) * MomentsPerTick);
        along = 1 + portion(s.from.tick, s.from.tick + gap(s), until);
        [from, to] = [s.before, s.from];
      }
    }
    if (to === undefined || to.rowClass !== from.rowClass) {
      from = to = s.from;
      along = 0;
    }
    for (const i of this.#lines[s.from.rowClass]!) {
      const leaf = shape.leaves[i]!;
      const v = shape.value(from.rowClass, i, from) as number;
      leaf.set(row, along === 0 ? v : between(leaf.field, v, shape.value(to.rowClass, i, to) as number, along));
    }
    if (this.#reckons(s.from.rowClass)) this.#showReckoned(row, s, at, mode);
  }

  /** reckons tells whether a class is told a base. */
  #reckons(rowClass: number): boolean {
    const { group } = this.#table;
    return group !== undefined && rowClass !== Class.own && this.#table.fields[group.members[0]!.field]!.visible(rowClass);
  }

  /**
   * showReckoned writes the dead-reckoned fields: at whole ticks by the base in from, from to on by that of to, and in between on
   * the line. What goes farther in a tick than its velocity can carry it was put there, and jumps.
   */
  #showReckoned(row: object, s: Span, at: number, mode: Mode): void {
    const tick = Math.floor(at / MomentsPerTick);
    const along = (at % MomentsPerTick) / MomentsPerTick;
    const next = mode !== "latest" && s.to?.tick === tick + 1 && s.to.rowClass === s.from.rowClass ? s.to : s.from;
    const { members } = this.#table.group!;
    for (let i = 0; i < members.length; i++) {
      const leaf = this.#table.shape.leaves[members[i]!.field]!;
      const q = this.#position(s.from, i, tick);
      let v = leaf.field.valueOf(q, false) as number;
      if (along > 0) {
        const then = this.#position(next, i, tick + 1);
        if (Math.abs(q - then) <= this.#motion!.reach(i)) v += ((leaf.field.valueOf(then, false) as number) - v) * along;
      }
      leaf.set(row, v);
    }
  }

  #position(r: Known, member: number, tick: number): number {
    const first = r.wordsFrom + this.#table.group!.first;
    return this.#motion!.position(member, tick, r.words[first]!, r.words[first + 1 + 2 * member]!, r.words[first + 2 + 2 * member]!);
  }
}
