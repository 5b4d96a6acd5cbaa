import { MaxDepth, MaxElements } from "./limits.js";
import { RejectError, type Reject } from "./reject.js";

/** What a msgpack value is, whatever width it was written in. */
export const enum Form {
  Nil,
  Bool,
  Int,
  Float,
  Str,
  Bin,
  Array,
  Map,
}

/** The beginning of a msgpack value. */
export interface Head {
  form: Form;
  /** Bytes of type and length, or of all of a number. */
  size: number;
  /** Bytes of a string, elements of an array, pairs of a map: below 2³², and not to be trusted. */
  count: number;
}

/** A head that headOf may fill. */
export function newHead(): Head {
  return { form: Form.Nil, size: 0, count: 0 };
}

/** unsigned reads a big-endian number of 1, 2 or 4 bytes, which must be there. */
export function unsigned(b: Uint8Array, at: number, bytes: number): number {
  let v = 0;
  for (let i = 0; i < bytes; i++) v = v * 256 + b[at + i]!;
  return v;
}

/** headOf reads the head of the value at a place; it returns what is wrong, or undefined. */
export function headOf(b: Uint8Array, at: number, into: Head): Reject | undefined {
  if (at >= b.length) return "truncated";
  const c = b[at]!;
  into.size = 1;
  into.count = 0;
  if (c <= 0x7f || c >= 0xe0) {
    into.form = Form.Int;
    return undefined;
  }
  if (c <= 0xbf) {
    into.form = c <= 0x8f ? Form.Map : c <= 0x9f ? Form.Array : Form.Str;
    into.count = c <= 0x9f ? c & 0x0f : c & 0x1f;
    return undefined;
  }
  const form = formOf(c);
  if (form < 0) return "unsupported_type";
  into.form = form >> 4;
  into.size = 1 + (form & 15);
  if (b.length - at < into.size) return "truncated";
  if (into.form >= Form.Str) into.count = unsigned(b, at + 1, form & 15);
  return undefined;
}

/**
 * formOf tells what a first byte of c0 to df announces: the form, times 16, and how many bytes its length or number has. It
 * is -1 for what is refused.
 */
function formOf(c: number): number {
  if (c === 0xc0) return Form.Nil * 16;
  if (c === 0xc2 || c === 0xc3) return Form.Bool * 16;
  if (c >= 0xc4 && c <= 0xc6) return Form.Bin * 16 + (1 << (c - 0xc4));
  if (c === 0xca || c === 0xcb) return Form.Float * 16 + (4 << (c - 0xca));
  if (c >= 0xcc && c <= 0xd3) return Form.Int * 16 + (1 << (c & 3));
  if (c >= 0xd9 && c <= 0xdb) return Form.Str * 16 + (1 << (c - 0xd9));
  if (c === 0xdc || c === 0xdd) return Form.Array * 16 + (2 << (c - 0xdc));
  if (c === 0xde || c === 0xdf) return Form.Map * 16 + (2 << (c - 0xde));
  return -1; // c1 and the extension types
}

/** integerAt returns the integer whose head is at a place and has been read, signed ones included. */
export function integerAt(b: Uint8Array, at: number): bigint {
  const c = b[at]!;
  if (c <= 0x7f) return BigInt(c);
  if (c >= 0xe0) return BigInt(c - 0x100);
  const bytes = 1 << (c & 3);
  let v = 0n;
  for (let i = 1; i <= bytes; i++) v = (v << 8n) | BigInt(b[at + i]!);
  return c >= 0xd0 ? BigInt.asIntN(8 * bytes, v) : v;
}

/** numberAt is integerAt for what must lie from 0 to 2⁵³ − 1; it returns NaN for every other. */
export function numberAt(b: Uint8Array, at: number): number {
  const c = b[at]!;
  if (c <= 0x7f) return c;
  if (c >= 0xe0) return NaN;
  const bytes = 1 << (c & 3);
  if (c >= 0xd0 && b[at + 1]! >= 0x80) return NaN;
  if (bytes < 8) return unsigned(b, at + 1, bytes);
  const high = unsigned(b, at + 1, 4);
  return high > 0x1f_ffff ? NaN : high * 0x1_0000_0000 + unsigned(b, at + 5, 4);
}

/** What a reader says of a head that it can't read. */
export function headFault(reject: Reject, at: number): RejectError {
  return fault(reject, at, reject === "truncated" ? pastEnd : "extension type or reserved byte: use nil, bool, number, string, bin, array and map");
}

const pastEnd = "the value reaches past the end: send all of it";

function fault(reject: Reject, at: number, what: string): RejectError {
  return new RejectError(reject, `at byte ${at}: ${what}`);
}

/**
 * walk checks the one msgpack value that starts at a place and returns where it ends (docs/protocol.md §9): every length
 * lies within the bytes, nesting and elements within the limits, extension types are refused, map keys are strings or
 * integers. It allocates nothing by a length, and throws a RejectError.
 */
export function walk(b: Uint8Array, from = 0, maxElements: number = MaxElements): number {
  const left: number[] = []; // per open array or map, the values still to come
  const isMap: boolean[] = [];
  const h = newHead();
  let elements = 0;
  let at = from;
  for (let owed = 1; owed > 0; ) {
    while (left.length > 0 && left[left.length - 1] === 0) {
      left.pop();
      isMap.pop();
    }
    const reject = headOf(b, at, h);
    if (reject !== undefined) throw headFault(reject, at);
    const depth = left.length;
    if (depth > 0) {
      const toCome = left[depth - 1]!;
      if (isMap[depth - 1] && toCome % 2 === 0 && h.form !== Form.Int && h.form !== Form.Str) {
        throw fault("wrong_type", at, "map key: use a string or an integer");
      }
      left[depth - 1] = toCome - 1;
    }
    at += h.size;
    owed--;
    if (h.form === Form.Str || h.form === Form.Bin) {
      if (h.count > b.length - at) throw fault("truncated", at, pastEnd);
      at += h.count;
    } else if (h.form >= Form.Array) {
      if (depth === MaxDepth) throw fault("too_deep", at, `more than ${MaxDepth} levels: nest less`);
      const children = h.form === Form.Map ? 2 * h.count : h.count;
      if (children > maxElements - elements) throw fault("too_many_elements", at, `more than ${maxElements} elements: send fewer`);
      elements += children;
      owed += children;
      if (owed > b.length - at) throw fault("truncated", at, pastEnd);
      left.push(children);
      isMap.push(h.form === Form.Map);
    }
  }
  return at;
}
