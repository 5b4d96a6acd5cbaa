import { Field, FieldKind, must, nameFits, type FieldSpec } from "./field.js";
import { MaxColumns, MaxName, MaxSchema, MaxSchemaElements, MaxTables } from "./limits.js";
import { Form, headOf, integerAt, newHead, numberAt, walk } from "./msgpack.js";
import { Table } from "./table.js";
import { readText } from "./text.js";

/** RequestTables is a kind of request: what is asked, and what is answered. */
export interface RequestTables {
  readonly ask: Table;
  readonly answer: Table;
}

/** Schema is everything that a reader must know of a game (docs/protocol.md §8). It is immutable. */
export interface Schema {
  readonly game: string;
  readonly tables: readonly Table[];
  /** What a player asks for in a tick. */
  readonly input: Table;
  readonly events: readonly Table[];
  readonly messages: readonly Table[];
  readonly requests: readonly RequestTables[];
  /** Its name in a hello. */
  readonly hash: bigint;
}

/** parseSchema reads a schema from its own bytes, and derives the columns. It throws an Error that says what can't be. */
export function parseSchema(b: Uint8Array): Schema {
  must(b.length <= MaxSchema, schemaName, "length");
  if (walk(b, 0, MaxSchemaElements) < b.length) throw new Error("the schema has bytes behind its end");
  const r = new Reader(b);
  r.array(6, 6);
  const schema: Schema = {
    game: r.text(), tables: r.list(() => r.table()), input: r.table(), events: r.list(() => r.table()), messages: r.list(() => r.table()),
    requests: r.list(() => r.request()), hash: hashOf(b),
  };
  check(schema);
  return schema;
}

/** hashOf is the FNV-1a sum of a schema's bytes. */
export function hashOf(b: Uint8Array): bigint {
  let sum = 14695981039346656037n;
  for (const c of b) sum = BigInt.asUintN(64, (sum ^ BigInt(c)) * 1099511628211n);
  return sum;
}

const schemaName = "the schema";

function check(s: Schema): void {
  must(nameFits(s.game), schemaName, "game's name");
  must(s.input.group === undefined, s.input.name, "dead reckoning");
  const asks = s.requests.map((r) => r.ask);
  for (const t of [...s.events, ...s.messages, ...asks, ...s.requests.map((r) => r.answer)]) {
    must(t.travelsWhole, t.name, "audience, step for the owner or dead reckoning, as it travels whole,");
  }
  for (const tables of [s.tables, s.events, s.messages, asks]) {
    must(new Set(tables.map((t) => t.name)).size === tables.length, schemaName, "name of two tables, events, messages or requests");
  }
}

/** Reader reads the values of a schema that has been walked. */
class Reader {
  readonly #b: Uint8Array;
  readonly #head = newHead();
  #at = 0;

  constructor(b: Uint8Array) {
    this.#b = b;
  }

  array(min: number, max: number): number {
    this.#next(Form.Array);
    const n = this.#head.count;
    must(n >= min && n <= max, schemaName, `array of ${n} elements`);
    return n;
  }

  text(): string {
    this.#next(Form.Str);
    const from = this.#at;
    this.#at += this.#head.count;
    const text = this.#head.count > MaxName ? undefined : readText(this.#b, from, this.#at);
    must(text !== undefined, schemaName, `name at byte ${from}`);
    return text!;
  }

  list<T>(read: () => T): T[] {
    const values: T[] = [];
    for (let n = this.array(0, MaxTables); n > 0; n--) values.push(read());
    return values;
  }

  request(): RequestTables {
    this.array(2, 2);
    return { ask: this.table(), answer: this.table() };
  }

  table(): Table {
    this.array(4, 4);
    const name = this.text();
    const x = Number(this.#int());
    const y = Number(this.#int());
    const fields: Field[] = [];
    for (let n = this.array(0, MaxColumns); n > 0; n--) fields.push(this.#field());
    const no = (place: number) => place < -1 || place >= fields.length;
    must(!no(x) && !no(y) && x < 0 === y < 0, name, "position");
    return new Table(name, x, y, fields);
  }

  #field(): Field {
    const elements = this.array(5, 10);
    const spec: FieldSpec = {
      name: this.text(), kind: this.#small(), audience: this.#small(),
      min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base: 0n, top: 0n,
    };
    must(spec.kind === FieldKind.float ? elements === 8 || elements === 10 : elements === 5, spec.name, "number of elements");
    if (spec.kind !== FieldKind.float) {
      spec.base = this.#int();
      spec.top = this.#int();
      must(spec.base === BigInt.asIntN(64, spec.base) && spec.top >= 0n, spec.name, "range");
      return new Field(spec);
    }
    spec.min = this.#float();
    spec.max = this.#float();
    spec.step = this.#float();
    spec.ownStep = this.#float();
    spec.wrap = this.#small() !== 0;
    if (elements === 10) {
      spec.velocity = this.#small();
      spec.tolerance = this.#float();
      must(spec.tolerance > 0, spec.name, "tolerance");
    }
    return new Field(spec);
  }

  #int(): bigint {
    return integerAt(this.#b, this.#next(Form.Int));
  }

  /** Reads a number that fits in seven bits. */
  #small(): number {
    const at = this.#next(Form.Int);
    const v = numberAt(this.#b, at);
    must(v <= 0x7f, schemaName, `number at byte ${at}`);
    return v;
  }

  #float(): number {
    const at = this.#next(Form.Float);
    const view = new DataView(this.#b.buffer, this.#b.byteOffset + at + 1, this.#head.size - 1);
    return this.#head.size === 9 ? view.getFloat64(0) : view.getFloat32(0);
  }

  /** next reads the head of the next value, which has to be of the form, moves past it and returns where it was. */
  #next(form: Form): number {
    const at = this.#at;
    const reject = headOf(this.#b, at, this.#head);
    must(reject === undefined && this.#head.form === form, schemaName, `value at byte ${at}`);
    this.#at += this.#head.size;
    return at;
  }
}
