import assert from "node:assert/strict";
import { RecordKind, type Schema, type StateReader, type Table } from "../src/index.js";
import { classNames, kindNames, type ColumnVector, type StateVector } from "./vectors.js";

/** columnsRead are the columns of the record that was read last, as a vector has them. */
function columnsRead(r: StateReader, t: Table): ColumnVector[] {
  const read: ColumnVector[] = [];
  for (const first of r.columns.subarray(0, r.count)) {
    const last = t.columns[first]!.base ? t.columns.length - 1 : first;
    for (let column = first; column <= last; column++) {
      const { textAt } = t.columns[column]!;
      if (textAt < 0) read.push({ column, word: r.row.words[column]! });
      else read.push({ column, word: 0, ...(r.row.texts[textAt] === "" ? {} : { text: r.row.texts[textAt]! }) });
    }
  }
  return read;
}

/** records is what a reader makes of a datagram, each record with what its section says. */
export function records(s: Schema, r: StateReader, b: Uint8Array): object[] {
  const out: object[] = [];
  assert.ok(r.open(b));
  while (r.next()) {
    const happened = r.kind === RecordKind.happened;
    const t = (happened ? s.events : s.tables)[r.table]!;
    const head = { table: t.name, class: happened ? "public" : classNames[r.rowClass]!, kind: kindNames[r.kind]! };
    const columns = columnsRead(r, t);
    const seen = t.classColumns(r.rowClass);
    const mask = Array.from(r.columns.subarray(0, r.count)).reduce((m, at) => m + 2 ** seen.indexOf(at), 0);
    if (happened) out.push({ ...head, age: r.age, number: r.number, columns });
    else if (r.kind === RecordKind.removed) out.push({ ...head, index: r.index, age: r.age, columns });
    else if (r.kind === RecordKind.full) out.push({ ...head, index: r.index, generation: r.generation, ...(r.insert > 0 ? { insert: r.insert, age: r.age } : {}), columns });
    else out.push({ ...head, index: r.index, mask, columns });
  }
  return out;
}

/** recordsOf is what a vector says of them. */
export function recordsOf(v: StateVector): object[] {
  return v.sections.flatMap(({ records, events, ...head }) =>
    (events ?? records ?? []).map((r) => ({ ...head, ...(head.kind === "removed" || "insert" in r ? { age: 0 } : {}), columns: [], ...r })));
}
