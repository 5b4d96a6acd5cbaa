import assert from "node:assert/strict";
import { test } from "node:test";
import { Motion, parseSchema, StateReader } from "../src/index.js";
import { records, recordsOf } from "./records.js";
import { stateBytes } from "./server.js";
import { golden, hex, unhex, type ReckonFile } from "./vectors.js";

const file = golden<ReckonFile>("wire/reckon.json");
const flock = parseSchema(unhex(file.schema.hex));

test("the golden datagrams of dead-reckoned rows are read and written byte for byte", () => {
  const r = new StateReader(flock);
  for (const v of file.state) {
    assert.deepEqual(records(flock, r, unhex(v.hex)), recordsOf(v), v.name);
    assert.deepEqual(r.header, v.header, v.name);
    assert.equal(hex(stateBytes(flock, v)), v.hex, v.name);
  }
});

test("rows are where their bases say", () => {
  assert.ok(file.positions.length >= 20);
  for (const p of file.positions) {
    const motion = new Motion(flock.tables[0]!, p.periodNs);
    assert.equal(motion.factor(0), Number(p.factor), p.name);
    assert.equal(motion.position(0, p.tick, p.baseTick, p.position, p.velocity), p.at, p.name);
  }
});

test("positions are what big integers make of the document's formula", () => {
  const table = flock.tables[0]!;
  let seed = 7;
  const chance = (n: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  for (let round = 0; round < 20_000; round++) {
    const motion = new Motion(table, [4_166_666, 33_333_333, 1e9 / 7, 10_000_000_000][chance(4)]!);
    const [position, velocity, age] = [chance(40_001), chance(401), chance(16_384)];
    const went = (BigInt(velocity - 200) * BigInt(age) * BigInt(motion.factor(0)) + (1n << 31n)) >> 32n;
    const want = Math.max(0, Math.min(position + Number(went), 40_000));
    assert.equal(motion.position(0, 1000 + age, 1000, position, velocity), want, `${position}, ${velocity}, ${age}`);
  }
});
