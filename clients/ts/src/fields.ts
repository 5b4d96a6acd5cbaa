import { MaxElements, Version } from "./limits.js";
import { Form, headFault, headOf, integerAt, newHead, numberAt, walk } from "./msgpack.js";
import { nameFault, textFault } from "./plain.js";
import { RejectError, type Reject } from "./reject.js";
import { readText } from "./text.js";
import type { Writer } from "./writer.js";

/** Fields reads the elements of one message in their order (docs/protocol.md §4). It throws RejectErrors. */
export class Fields {
  readonly #b: Uint8Array;
  readonly #name: string;
  readonly #head = newHead();
  #at = 0;
  #left = 1; // elements still to come

  constructor(message: Uint8Array, name: string) {
    this.#b = message;
    this.#name = name;
    this.#left = this.array("array", 0xffff_ffff);
  }

  /** checkForm walks the whole message, and refuses what is too long or has something behind its end. */
  checkForm(maxBytes: number): void {
    if (this.#b.length > maxBytes) throw this.#tooLong("message", this.#b.length, maxBytes);
    if (walk(this.#b) < this.#b.length) throw this.#fault("trailing_bytes", "message", "has bytes behind its end: send one array in a frame");
  }

  /** Reads a whole number of a range within 2⁵³ − 1. */
  number(field: string, min: number, max: number): number {
    const at = this.#next(field, Form.Int);
    const v = numberAt(this.#b, at);
    if (!(v >= min && v <= max)) throw this.#outOfRange(field);
    return v;
  }

  /** Reads an integer of 64 bits. */
  bigint(field: string): bigint {
    const v = integerAt(this.#b, this.#next(field, Form.Int));
    if (v < 0n) throw this.#outOfRange(field);
    return v;
  }

  /** Reads a string that may travel; what is wrong with others, why says. */
  text(field: string, maxBytes: number, why = textFault): string {
    const [from, to] = this.#payload(field, Form.Str, maxBytes);
    const text = readText(this.#b, from, to);
    if (text === undefined) throw this.#fault("bad_value", field, "is not valid UTF-8");
    const wrong = why(text);
    if (wrong !== undefined) throw this.#fault("bad_value", field, wrong);
    return text;
  }

  /** Reads a bin; the result is a copy. */
  bytes(field: string, maxBytes: number): Uint8Array {
    const [from, to] = this.#payload(field, Form.Bin, maxBytes);
    return this.#b.slice(from, to);
  }

  /** Reads the head of an array, and returns how many elements it has. Those are what is read next, with within. */
  array(field: string, max: number): number {
    this.#next(field, Form.Array);
    const count = this.#head.count;
    if (count > max) throw this.#tooLong(field, count, max);
    return count;
  }

  /** Reads an array of fields within the message; what it has more than read takes is passed over. */
  within<T>(field: string, read: () => T): T {
    const count = this.array(field, MaxElements);
    const outer = this.#left;
    this.#left = count;
    const value = read();
    for (; this.#left > 0; this.#left--) this.#at = walk(this.#b, this.#at);
    this.#left = outer;
    return value;
  }

  /** Reads an array whose elements are arrays of fields. */
  list<T>(field: string, max: number, read: () => T): T[] {
    const count = this.array(field, max);
    const outer = this.#left;
    const values: T[] = [];
    for (let i = 0; i < count; i++) {
      this.#left = 1;
      values.push(this.within(field, read));
    }
    this.#left = outer;
    return values;
  }

  #payload(field: string, form: Form, maxBytes: number): [from: number, to: number] {
    this.#next(field, form);
    const from = this.#at;
    const count = this.#head.count;
    if (count > maxBytes) throw this.#tooLong(field, count, maxBytes);
    if (count > this.#b.length - from) throw this.#fault("truncated", field, "reaches past the end: send the whole message");
    this.#at += count;
    return [from, this.#at];
  }

  /** next reads the head of the next element, which has to be of the form, moves past it and returns where it was. */
  #next(field: string, form: Form): number {
    if (this.#left === 0) throw this.#fault("missing_field", field, "is missing: send all fields");
    const at = this.#at;
    const reject = headOf(this.#b, at, this.#head);
    if (reject !== undefined) throw headFault(reject, at);
    if (this.#head.form !== form) throw this.#fault("wrong_type", field, "is of another msgpack type");
    this.#left--;
    this.#at += this.#head.size;
    return at;
  }

  #outOfRange(field: string): RejectError {
    return this.#fault("bad_value", field, "is out of range");
  }

  #tooLong(field: string, count: number, max: number): RejectError {
    return this.#fault("oversized", field, `has a length of ${count}: send at most ${max}`);
  }

  #fault(reject: Reject, field: string, what: string): RejectError {
    return new RejectError(reject, `${this.#name}'s ${field} ${what}`);
  }
}

/** FieldOf is how one field of a message is read and written. */
export interface FieldOf<T> {
  read(from: Fields, name: string): T;
  write(to: Writer, value: T): void;
}

/** A whole number of a range. */
export function int(min: number, max: number): FieldOf<number> {
  return { read: (r, name) => r.number(name, min, max), write: (w, v) => w.uint(v) };
}

/** An integer of 64 bits. */
export const int64: FieldOf<bigint> = { read: (r, name) => r.bigint(name), write: (w, v) => w.bigint(v) };

/** A string of at most so many bytes. */
export function text(maxBytes: number): FieldOf<string> {
  return { read: (r, name) => r.text(name, maxBytes), write: (w, v) => w.text(v) };
}

/** A name of at most so many bytes. */
export function title(maxBytes: number): FieldOf<string> {
  return { read: (r, name) => r.text(name, maxBytes, nameFault), write: (w, v) => w.text(v) };
}

/** Bytes, at most so many. */
export function bin(maxBytes: number): FieldOf<Uint8Array> {
  return { read: (r, name) => r.bytes(name, maxBytes), write: (w, v) => w.bin(v) };
}

/** The 16 bytes of an id. */
export const id: FieldOf<Uint8Array> = {
  read(r, name) {
    const b = r.bytes(name, 16);
    if (b.length !== 16) throw new RejectError("bad_value", `${name} has ${b.length} bytes: send 16`);
    return b;
  },
  write: (w, v) => w.bin(v),
};

/** Shape is how every field of a message, or of an array within one, is read and written, in the order of the wire. */
export type Shape<T> = { readonly [K in keyof T]: FieldOf<T[K]> };

/** Reads the fields of a shape. */
export function readShape<T>(r: Fields, shape: Shape<T>): T {
  const value: Partial<T> = {};
  for (const name in shape) value[name] = shape[name].read(r, name);
  return value as T;
}

/** Writes the fields of a shape. */
export function writeShape<T>(w: Writer, shape: Shape<T>, value: T): void {
  for (const name in shape) shape[name].write(w, value[name]);
}

/** An array of fields within a message. */
export function nested<T>(shape: Shape<T>): FieldOf<T> {
  const count = Object.keys(shape).length;
  return {
    read: (r, name) => r.within(name, () => readShape(r, shape)),
    write(w, value) {
      w.array(count);
      writeShape(w, shape, value);
    },
  };
}

/** An array of at most so many arrays of fields. */
export function listOf<T>(max: number, shape: Shape<T>): FieldOf<T[]> {
  const one = nested(shape);
  return {
    read: (r, name) => r.list(name, max, () => readShape(r, shape)),
    write(w, values) {
      w.array(values.length);
      for (const value of values) one.write(w, value);
    },
  };
}

/** The protocol's version, which is read before anything else is looked at. */
export const version: FieldOf<number> = {
  read(r, name) {
    const v = r.number(name, 0, Number.MAX_SAFE_INTEGER);
    if (v !== Version) {
      throw new RejectError("wrong_version", `the peer speaks protocol version ${v} and this side version ${Version}: update the older one`);
    }
    return v;
  },
  write: (w, v) => w.uint(v),
};
