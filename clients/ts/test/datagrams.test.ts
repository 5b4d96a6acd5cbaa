import assert from "node:assert/strict";
import { test } from "node:test";
import {
  appendInput, Class, Field, FieldKind, lagOf, RowBuffer, short, StateReader, widen, Writer, writeRow,
} from "../src/index.js";
import { records, recordsOf } from "./records.js";
import { parseInput, stateBytes } from "./server.js";
import {
  classNames, fieldKinds, golden, hex, hex64, schemaNamed, unhex, type DatagramFile, type InputVector,
} from "./vectors.js";

const file = golden<DatagramFile>("wire/datagrams.json");
const arena = schemaNamed(file.schema);

test("the golden state datagrams are read and written byte for byte", () => {
  const r = new StateReader(arena);
  assert.ok(file.state.length >= 22);
  for (const v of file.state) {
    assert.deepEqual(records(arena, r, unhex(v.hex)), recordsOf(v), v.name);
    assert.deepEqual(r.header, v.header, v.name);
    assert.equal(r.reject, undefined, v.name);
    assert.equal(hex(stateBytes(arena, v)), v.hex, v.name);
  }
});

function inputBytes(v: InputVector): string {
  const half = (digits: string, at: number) => parseInt(digits.slice(at, at + 8), 16);
  const tableOf = (name: string) => arena.tables.findIndex((t) => t.name === name);
  const w = new Writer();
  appendInput(w, {
    ack: { epoch: v.epoch, hasAck: v.hasAck, newest: v.newest, missingHigh: half(v.missing, 0), missingLow: half(v.missing, 8) },
    tick: v.tick, inputs: v.inputs.map((data, i) => ({ data: unhex(data), lag: v.lags[i]! })),
    row: v.row && { ...v.row, table: tableOf(v.row.table), rowClass: classNames.indexOf(v.row.class), columns: unhex(v.row.columns) },
    page: v.page && { table: tableOf(v.page.table), page: v.page.page, hereHigh: half(v.page.here, 0), hereLow: half(v.page.here, 8) },
  });
  return hex(w.view());
}

test("the golden input datagrams are written and read byte for byte", () => {
  assert.ok(file.input.length >= 11);
  for (const v of file.input) {
    assert.equal(inputBytes(v), v.hex, v.name);
    const { name, hex: bytes, ...fields } = v;
    assert.deepEqual(parseInput(arena, unhex(bytes)), fields, name);
  }
  assert.equal(hex64(0x8000_0000, 1), "8000000000000001");
});

test("inputs are written from objects, and clamped", () => {
  const write = (row: object) => {
    const w = new Writer();
    writeRow(w, arena.input, row, new RowBuffer());
    return hex(w.view());
  };
  assert.equal(write({ DX: 1, Turn: 90, Fire: true }), "02041c01");
  assert.equal(write({ DX: 1, Turn: 89.5, Fire: false }), "02041b00");
  assert.equal(write({}), "01026800");
  assert.equal(write({ DX: 7, Turn: NaN, Fire: true }), "02000001");
  assert.equal(write({ DX: -7n, Turn: 450, Fire: false }), "00041c00");
});

test("lags are as the document says", () => {
  assert.equal(lagOf(1006, 999 * 128 + 64), 832);
  assert.equal(lagOf(1006, 1006 * 128), 1);
  assert.equal(lagOf(1006, 1007 * 128), 1);
  assert.equal(lagOf(1006, 0), 16_383);
});

test("short numbers are widened", () => {
  for (const v of file.widen) {
    assert.equal(widen(v.short, Number(v.near)), Number(v.wide), `${v.short} near ${v.near}`);
    assert.equal(short(Number(v.wide)), v.short);
  }
});

test("values are quantised, and come back", () => {
  for (const v of file.quantise) {
    const f = v.field;
    const field = new Field({
      ...f, kind: fieldKinds.indexOf(f.kind), tolerance: 0, velocity: 0, base: BigInt(f.base ?? 0), top: BigInt(f.top),
    });
    const what = `${v.value} as ${f.name}`;
    if (field.big) {
      assert.equal(field.quantiseBig(BigInt(v.value)).toString(), v.quantised, what);
      assert.equal(field.bigOf(BigInt(v.quantised)).toString(), v.back, what);
      continue;
    }
    assert.equal(field.quantise(Number(v.value), v.own), Number(v.quantised), what);
    assert.ok(Object.is(field.valueOf(Number(v.quantised), v.own), Number(v.back)), what);
  }
});

test("integers that a double does not hold are bigint, all others numbers", () => {
  const field = (kind: number, base: bigint, top: bigint) => new Field({
    name: "f", kind, audience: 0, min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base, top,
  });
  const exact = BigInt(Number.MAX_SAFE_INTEGER);
  assert.equal(field(FieldKind.uint, 0n, exact).big, false);
  assert.equal(field(FieldKind.uint, 0n, exact + 1n).big, true);
  assert.equal(field(FieldKind.int, -exact, exact).big, false);
  assert.equal(field(FieldKind.int, -exact, 2n * exact).big, true);
  assert.equal(field(FieldKind.int, -exact - 1n, 2n).big, true);
});

/** What is wrong with a datagram whose records these bytes are. */
const refused: [what: string, bytes: string, reject: string, before: number][] = [
  ["a table that is not there", "02 00 01", "bad_value", 0],
  ["an event that is not there", "03 03 01 00 00", "bad_value", 0],
  ["a class that is not there", "00 0c 01", "bad_value", 0],
  ["no records", "00 00 00", "bad_value", 0],
  ["a section that ends", "00 00", "truncated", 0],
  ["a section of another type", "cc 00 01", "wrong_type", 0],
  ["a gap of 0", "00 00 02 05 02 00 64 00 02 00 64", "bad_value", 1],
  ["an index past the last", "00 00 02 ce 000fffff 02 00 64 01 02 00 64", "bad_value", 1],
  ["a first index past the last", "00 00 01 ce 00100000 02 00 64", "bad_value", 0],
  ["an empty mask", "00 00 01 05 00", "bad_value", 0],
  ["a bit beyond the columns", "00 00 01 05 20 00", "bad_value", 0],
  ["a wide mask that ends with 0", "01 08 01 05 41 00", "bad_value", 0],
  ["a wide mask beyond the columns", "01 08 01 05 40 08 00", "bad_value", 0],
  ["a wide mask without end", `01 08 01 05 ${"40".repeat(20)}`, "truncated", 0],
  ["generation 0", "00 01 01 05 00 00 00 00 00 00 00 00", "bad_value", 0],
  ["a generation past the last", "00 01 01 05 cd 1000 00 00 00 00 00 00 00", "bad_value", 0],
  ["a column of more bits than it has", "00 00 01 05 01 02", "bad_value", 0],
  ["a limb above 7f", "00 00 01 05 02 00 80", "wrong_type", 0],
  ["a limb that is missing", "00 00 01 05 02 00", "truncated", 0],
  ["a text longer than its field", `01 00 01 05 01 d9 29 ${"41".repeat(41)}`, "oversized", 0],
  ["a text past the end", "01 00 01 05 01 a5 41", "truncated", 0],
  ["a text of 16 bits of length", "01 00 01 05 01 da 0001 41", "wrong_type", 0],
  ["a text that is no UTF-8", "01 00 01 05 01 a2 c328", "bad_value", 0],
  ["an age past the last", "00 02 01 05 cd 4000", "bad_value", 0],
  ["a negative age", "00 02 01 05 ff", "bad_value", 0],
  ["an event's number past the last", "00 03 01 00 ce 00010000 00 00 00 00 00 00", "bad_value", 0],
];

test("a fault ends a datagram, and what came before it is good", () => {
  const r = new StateReader(arena);
  const header = "01 01 00 03 07 6a 07 07 6c 46";
  for (const [what, bytes, reject, before] of refused) {
    assert.equal(records(arena, r, unhex(header + bytes)).length, before, what);
    assert.equal(r.reject, reject, what);
    assert.equal(records(arena, r, unhex(header + "00 02 01 05 00" + bytes)).length, before + 1, what);
  }
  for (const [bytes, reject] of [["", "truncated"], ["02", "unknown_kind"], ["a1 41", "wrong_type"], ["01 80", "wrong_type"], ["01 01 00", "truncated"]] as const) {
    assert.equal(r.open(unhex(bytes)), false);
    assert.equal(r.reject, reject, bytes);
  }
  assert.equal(r.open(new Uint8Array(1201)), false);
  assert.equal(r.reject, "oversized");
});

test("whatever is cut off or changed in a datagram, it is read or refused and nothing else", () => {
  const r = new StateReader(arena);
  let seed = 1;
  const chance = (n: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  for (const v of file.state) {
    const b = unhex(v.hex);
    for (let n = 0; n < b.length; n++) {
      if (r.open(b.subarray(0, n))) while (r.next());
    }
    for (let round = 0; round < 300; round++) {
      const bad = b.slice();
      for (let i = 0; i <= chance(3); i++) bad[chance(bad.length)] = chance(256);
      if (r.open(bad)) while (r.next()) assert.ok(r.index < 1 << 20 && r.rowClass <= Class.own);
    }
  }
});
