import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, parseSchema, type Field, type Table } from "../src/index.js";
import { schemaBytes } from "./server.js";
import { classNames, fieldKinds, golden, hex, unhex, type FieldVector, type ReckonFile, type SchemaVector, type TableVector } from "./vectors.js";

function fieldVector(f: Field): FieldVector {
  const v: FieldVector = {
    name: f.name, kind: fieldKinds[f.kind]!, audience: f.audience, min: f.min, max: f.max, step: f.step, ownStep: f.ownStep, wrap: f.wrap,
    top: f.top.toString(),
  };
  if (v.kind !== "float") v.base = f.base.toString();
  if (f.ownStep > 0) v.ownTop = f.ownTop.toString();
  if (f.tolerance > 0) {
    v.velocity = f.velocity;
    v.tolerance = f.tolerance;
  }
  return v;
}

function tableVector(t: Table): TableVector {
  return {
    name: t.name, x: t.x, y: t.y, fields: t.fields.map(fieldVector),
    columns: t.columns.map((c) => ({
      field: c.field, shift: c.shift, bits: c.bits, limbs: c.limbs, own: c.own, text: c.textAt >= 0, ...(c.base ? { base: true } : {}),
    })),
    classes: Object.fromEntries(classNames.map((name, i) => [name, Array.from(t.classColumns(i))])),
  };
}

const vectors = [...golden<SchemaVector[]>("wire/schema.json"), golden<ReckonFile>("wire/reckon.json").schema];

test("the golden schemas are read, derived and written byte for byte", () => {
  assert.ok(vectors.length >= 5);
  for (const v of vectors) {
    const s = parseSchema(unhex(v.hex));
    assert.deepEqual({
      name: s.game, tables: s.tables.map(tableVector), input: tableVector(s.input), events: s.events.map(tableVector),
      messages: s.messages.map(tableVector), requests: s.requests.map((r) => [tableVector(r.ask), tableVector(r.answer)]),
      hash: s.hash.toString(), hex: v.hex,
    }, v);
    assert.equal(hex(schemaBytes(s)), v.hex, v.name);
    assert.equal(hashOf(unhex(v.hex)).toString(), v.hash);
  }
});

test("a schema that is cut anywhere, or has a byte too many, is refused", () => {
  for (const v of vectors) {
    const b = unhex(v.hex);
    for (let n = 0; n < b.length; n++) assert.throws(() => parseSchema(b.subarray(0, n)), Error);
    assert.throws(() => parseSchema(unhex(v.hex + "00")), /behind its end/);
  }
});

/** game is a schema of one table with these fields, and no input. */
function game(fields: string, count = 1, x = "ff", y = "ff"): Uint8Array {
  return unhex(`96 a1 67 91 94 a1 74 ${x} ${y} 9${count} ${fields} 94 a1 69 ff ff 90 90 90 90`);
}

const float = (min: string, max: string, step: string, own = "0000000000000000") => `98 a1 66 03 00 cb ${min} cb ${max} cb ${step} cb ${own} 00`;
const [zero, half, one, hundred] = ["0000000000000000", "3fe0000000000000", "3ff0000000000000", "4059000000000000"];

test("definitions that can't be are refused", () => {
  assert.equal(parseSchema(game(float(zero, hundred, half))).tables[0]!.fields[0]!.top, 200n);
  for (const [what, b] of [
    ["min is not below max", game(float(hundred, zero, half))],
    ["a step of 0", game(float(zero, hundred, zero))],
    ["not a number", game(float(zero, "7ff8000000000000", half))],
    ["more than 2^32 steps", game(float(zero, hundred, "3cb0000000000000"))],
    ["the owner's step is not finer", game(float(zero, hundred, half, one))],
    ["an unknown kind", game("95 a1 66 06 00 00 01")],
    ["an unknown audience", game("95 a1 66 01 03 00 01")],
    ["a bool with a range", game("95 a1 66 00 00 00 02")],
    ["a text without bytes", game("95 a1 66 04 00 00 00")],
    ["an integer above 2^63 - 1", game("95 a1 66 01 00 01 cf 7fffffffffffffff")],
    ["no name", game("95 a0 01 00 00 01")],
    ["a field of six elements", game("96 a1 66 01 00 00 01 00")],
    ["a position that is not there", game("95 a1 66 01 00 00 01", 1, "00", "01")],
    ["half a position", game("95 a1 66 01 00 00 01", 1, "00", "ff")],
    ["a position of one field", game("95 a1 66 01 00 00 01", 1, "00", "00")],
    ["two fields of one name", game("95 a1 66 01 00 00 01 95 a1 66 01 00 00 01", 2)],
    ["a field within a field", game("95 a1 66 01 00 00 01 95 a3 66 2e 67 01 00 00 01", 2)],
    ["a hole in an array", game("95 a4 66 5b 39 5d 01 00 00 01")],
    ["a prototype", game("95 a9 5f5f70726f746f5f5f 01 00 00 01")],
    ["a velocity that is no other field", game(`9a a1 66 03 00 cb ${zero} cb ${hundred} cb ${half} cb ${zero} 00 00 cb ${one}`)],
    ["an event for some", unhex("96 a1 67 90 94 a1 69 ff ff 90 91 94 a1 65 ff ff 91 95 a1 66 01 01 00 01 90 90")],
    ["two tables of one name", unhex("96 a1 67 92 94 a1 74 ff ff 90 94 a1 74 ff ff 90 94 a1 69 ff ff 90 90 90 90")],
  ] as const) {
    assert.throws(() => parseSchema(b), Error, what);
  }
  assert.throws(() => parseSchema(game(`95 a1 66 04 00 00 cc ff `.repeat(4), 4)), /t: its row of up to 1028 bytes can't be/);
});
