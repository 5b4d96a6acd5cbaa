/** Column is one value on the wire: a field, or a part of one (docs/protocol.md §8, Columns). */
export interface Column {
  /** The place in the table's fields. */
  readonly field: number;
  /** How far the quantised value is shifted right before the low bits are taken. */
  readonly shift: number;
  /** Its width; 0 for text. */
  readonly bits: number;
  /** The bytes that it takes; 0 for text. */
  readonly limbs: number;
  /** Whether it is at the owner's finer step. */
  readonly own: boolean;
  /** Whether it is of the dead-reckoned group. */
  readonly base: boolean;
  /** The place among the row's texts; -1 for all else. */
  readonly textAt: number;
}

/** column makes a column that is no text. */
export function column(field: number, shift: number, bits: number, flags: { own?: boolean; base?: boolean } = {}): Column {
  return { field, shift, bits, limbs: Math.ceil(bits / 7), own: flags.own ?? false, base: flags.base ?? false, textAt: -1 };
}

/** bitsOf is the width of a number from 0 to top. */
export function bitsOf(top: bigint): number {
  return top === 0n ? 1 : top.toString(2).length;
}
