/** How many numbers the two limbs of a tick or a sequence number tell apart (docs/protocol.md §1). */
export const ShortRange = 16_384;

/** short cuts a tick or a sequence number down to what a datagram carries. */
export function short(v: number): number {
  return v % ShortRange;
}

/** widen returns the number closest to near whose low 14 bits are those; never below 0. */
export function widen(shortNumber: number, near: number): number {
  let diff = shortNumber - (near % ShortRange);
  if (diff >= ShortRange / 2) diff -= ShortRange;
  else if (diff < -ShortRange / 2) diff += ShortRange;
  if (near + diff < 0) diff += ShortRange;
  return near + diff;
}
