import {
  Class, Cursor, DatagramKind, FieldKind, InputsPerDatagram, MaxEntities, MaxGeneration, readColumns, RowBuffer, writeColumns, Writer,
  type Schema, type Table,
} from "../src/index.js";
import { classNames, hex, kindNames, type ColumnVector, type InputVector, type StateVector } from "./vectors.js";

// What only a server does: it writes schemas and state datagrams, and reads input datagrams. Here it holds the client's
// side against the golden bytes in both directions.

/** schemaBytes writes a schema as it travels. */
export function schemaBytes(s: Schema): Uint8Array {
  const w = new Writer();
  const tables = (list: readonly Table[]) => {
    w.array(list.length);
    for (const t of list) writeTable(w, t);
  };
  w.array(6);
  w.text(s.game);
  tables(s.tables);
  writeTable(w, s.input);
  tables(s.events);
  tables(s.messages);
  w.array(s.requests.length);
  for (const r of s.requests) {
    w.array(2);
    writeTable(w, r.ask);
    writeTable(w, r.answer);
  }
  return w.finish();
}

function writeTable(w: Writer, t: Table): void {
  w.array(4);
  w.text(t.name);
  writeInt(w, BigInt(t.x));
  writeInt(w, BigInt(t.y));
  w.array(t.fields.length);
  for (const f of t.fields) {
    w.array(f.kind !== FieldKind.float ? 5 : f.tolerance > 0 ? 10 : 8);
    w.text(f.name);
    w.uint(f.kind);
    w.uint(f.audience);
    if (f.kind !== FieldKind.float) {
      writeInt(w, f.base);
      writeInt(w, f.top);
      continue;
    }
    for (const v of [f.min, f.max, f.step, f.ownStep]) w.float64(v);
    w.uint(f.wrap ? 1 : 0);
    if (f.tolerance > 0) {
      w.uint(f.velocity);
      w.float64(f.tolerance);
    }
  }
}

/** writeInt writes an integer of 64 bits in its shortest form, a negative one as signed. */
function writeInt(w: Writer, v: bigint): void {
  if (v >= 0n) {
    w.bigint(v);
    return;
  }
  const [type, bytes] = v >= -0x80n ? [0xd0, 1] : v >= -0x8000n ? [0xd1, 2] : v >= -0x8000_0000n ? [0xd2, 4] : [0xd3, 8];
  if (v < -0x20n) w.byte(type);
  for (let at = bytes - 1; at >= 0; at--) w.byte(Number((v >> BigInt(8 * at)) & 0xffn));
}

/** stateBytes writes the state datagram that a vector describes. */
export function stateBytes(s: Schema, v: Pick<StateVector, "header" | "sections">): Uint8Array {
  const w = new Writer();
  const h = v.header;
  w.byte(DatagramKind.state);
  w.limbs(h.epoch, 1);
  w.limbs(h.sequence, 2);
  w.limbs(h.tick, 2);
  w.byte((h.ownComplete ? 1 : 0) | (h.viewComplete ? 2 : 0) | (h.hasInput ? 4 : 0));
  w.limbs(h.inputTick, 2);
  w.byte(h.margin + 64);
  for (const sec of v.sections) {
    const kind = kindNames.indexOf(sec.kind);
    const tables = sec.kind === "happened" ? s.events : s.tables;
    const table = tables.findIndex((t) => t.name === sec.table);
    const rowClass = classNames.indexOf(sec.class);
    w.byte(table);
    w.byte(rowClass * 4 + kind);
    w.byte((sec.records ?? sec.events ?? []).length);
    for (const e of sec.events ?? []) {
      w.byte(e.age);
      w.uint(e.number);
      columnBytes(w, tables[table]!, e.columns ?? []);
    }
    let last = 0;
    for (const r of sec.records ?? []) {
      w.uint(r.index - last);
      last = r.index;
      if (sec.kind === "removed") w.uint(r.age ?? 0);
      if (sec.kind === "full") w.uint(r.generation!);
      if (sec.kind === "full" && rowClass === Class.own) w.uint(r.insert ?? 0);
      if (r.insert !== undefined) w.byte(r.age ?? 0);
      if (sec.kind === "partial") maskBytes(w, r.mask!, tables[table]!.wideMask(rowClass));
      columnBytes(w, tables[table]!, r.columns ?? []);
    }
  }
  return w.finish();
}

function maskBytes(w: Writer, mask: number, wide: boolean): void {
  for (; wide && mask >= 64; mask = Math.floor(mask / 64)) w.byte((mask % 64) + 64);
  w.byte(mask);
}

function columnBytes(w: Writer, t: Table, columns: ColumnVector[]): void {
  for (const c of columns) {
    const column = t.columns[c.column]!;
    if (column.textAt >= 0) w.text(c.text ?? "");
    else w.limbs(c.word, column.limbs);
  }
}

/** parseInput reads an input datagram as a server does; it returns what is wrong instead when it is refused. */
export function parseInput(s: Schema, b: Uint8Array): Omit<InputVector, "name" | "hex"> | string {
  const c = new Cursor();
  if (!c.open(b, DatagramKind.input)) return c.reject!;
  const epoch = c.limb();
  const flags = c.limb();
  const newest = c.limbs(2);
  const missing = compact64(c);
  const tick = c.limbs(2);
  const count = c.limb();
  if (count > InputsPerDatagram) return "too_many_inputs";
  const v: Omit<InputVector, "name" | "hex"> = { epoch, hasAck: (flags & 1) !== 0, newest, missing, tick, inputs: [], lags: [] };
  for (let i = 0; i < count; i++) {
    v.lags.push(c.limbs(2));
    v.inputs.push(rowBytes(c, s.input, Class.own));
  }
  if (flags & 2) {
    const table = c.limb();
    const rowClass = c.limb();
    const t = s.tables[table];
    if (t === undefined || rowClass >= 3) return c.reject ?? "bad_value";
    const index = c.compact(MaxEntities - 1);
    const generation = c.compact(MaxGeneration);
    const at = c.limbs(2);
    v.row = { table: t.name, class: classNames[rowClass]!, index, generation, tick: at, columns: rowBytes(c, t, rowClass) };
  }
  if (flags & 4) {
    const t = s.tables[c.limb()];
    if (t === undefined) return c.reject ?? "bad_value";
    v.page = { table: t.name, page: c.compact(MaxEntities / 64 - 1), here: compact64(c) };
  }
  if (c.reject === undefined && !c.ended) return "trailing_bytes";
  return c.reject ?? v;
}

function rowBytes(c: Cursor, t: Table, rowClass: number): string {
  const from = c.at;
  const row = new RowBuffer();
  const list = t.classColumns(rowClass);
  readColumns(c, t, list, list.length, row);
  const w = new Writer();
  writeColumns(w, t, rowClass, row);
  return c.reject === undefined ? hex(w.view()) : hex(c.b.subarray(from));
}

/** compact64 reads an integer of 64 bits as 16 hexadecimal digits. */
function compact64(c: Cursor): string {
  if (c.b[c.at] !== 0xcf) return c.compact(Number.MAX_SAFE_INTEGER).toString(16).padStart(16, "0");
  const digits = hex(c.b.subarray(c.at + 1, c.at + 9));
  c.at += 9;
  return digits;
}
