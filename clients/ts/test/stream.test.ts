import assert from "node:assert/strict";
import { test } from "node:test";
import * as q from "../src/index.js";
import { golden, hex, unhex } from "./vectors.js";

interface StreamVector {
  name: string;
  kind: keyof typeof q.Kind;
  fields: Record<string, unknown>;
  hex: string;
  frame: string;
}

const vectors = golden<StreamVector[]>("wire/stream.json");

const types: Record<keyof typeof q.Kind, q.MessageType<never>> = {
  hello: q.hello, welcome: q.welcome, goodbye: q.goodbye, resync: q.resync, list: q.list, rooms: q.rooms, request: q.request, answer: q.answer,
  message: q.message, say: q.say, chat: q.chat, checks: q.checks, diverged: q.diverged, pace: q.pace,
} as unknown as Record<keyof typeof q.Kind, q.MessageType<never>>;

/** likeVector writes a message's fields as the file does, where it is the guide to what is a decimal string. */
function likeVector(value: unknown, vector: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "bigint" || (typeof value === "number" && typeof vector === "string")) return value.toString();
  if (Array.isArray(value)) return value.map((v, i) => likeVector(v, (vector as unknown[])[i]));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, likeVector(v, (vector as Record<string, unknown>)[k])]));
  }
  return value;
}

/** likeMessage turns a vector's fields into a message, by the types of one that was read. */
function likeMessage(vector: unknown, read: unknown): unknown {
  if (read instanceof Uint8Array) return unhex(vector as string);
  if (typeof read === "bigint") return BigInt(vector as string);
  if (typeof read === "number") return Number(vector);
  if (Array.isArray(read)) return (vector as unknown[]).map((v, i) => likeMessage(v, read[i]));
  if (typeof read === "object" && read !== null) {
    return Object.fromEntries(Object.entries(read).map(([k, v]) => [k, likeMessage((vector as Record<string, unknown>)[k], v)]));
  }
  return vector;
}

test("the golden messages are read and written byte for byte", () => {
  assert.ok(vectors.length >= 39);
  for (const v of vectors) {
    const b = unhex(v.hex);
    assert.equal(q.kindOf(b), q.Kind[v.kind], v.name);
    const type = types[v.kind];
    const read = type.parse(b);
    assert.deepEqual(likeVector(read, v.fields), v.fields, v.name);
    assert.equal(hex(type.encode(likeMessage(v.fields, read) as never)), v.hex, v.name);
    assert.equal(hex(q.frame(b)), v.frame, v.name);
  }
});

test("frames are put together from any pieces of a stream", () => {
  const stream = unhex(vectors.map((v) => v.frame).join(""));
  for (const size of [1, 2, 7, 1000, stream.length]) {
    const r = new q.FrameReader();
    const got: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      r.push(stream.subarray(at, at + size));
      for (let m = r.next(); m !== undefined; m = r.next()) got.push(hex(m));
    }
    assert.deepEqual(got, vectors.map((v) => v.hex));
    assert.equal(r.partial, false);
  }
});

test("every message that ends too early is refused, and so is one with something behind it", () => {
  for (const v of vectors) {
    const b = unhex(v.hex);
    for (let n = 0; n < b.length; n++) assert.throws(() => types[v.kind].parse(b.subarray(0, n)), q.RejectError, `${v.name} cut to ${n}`);
    assert.throws(() => types[v.kind].parse(unhex(v.hex + "00")), { reject: "trailing_bytes" }, v.name);
  }
});

test("fields of a later revision are passed over", () => {
  assert.deepEqual(q.resync.parse(unhex("94 04 7e 93 01 a1 78 c0 cb 0000000000000000")), { epoch: 126 });
  const room = "95 a4 706f6e67 a1 61 01 02 92 01 02"; // a fifth element
  assert.deepEqual(q.rooms.parse(unhex(`93 06 01 91 ${room}`)).rooms, [{ game: "pong", name: "a", players: 1, maxPlayers: 2 }]);
});

test("integers are taken in any type that holds them", () => {
  for (const seven of ["07", "cc 07", "cd 0007", "ce 00000007", "cf 0000000000000007", "d0 07", "d1 0007", "d2 00000007", "d3 0000000000000007"]) {
    assert.equal(q.resync.parse(unhex(`92 04 ${seven}`)).epoch, 7, seven);
  }
});

/** refused is what hostile bytes come to. */
const refused: [what: string, bytes: string, reject: q.Reject, read?: (b: Uint8Array) => unknown][] = [
  ["nothing", "", "truncated"],
  ["an integer in place of a message", "01", "wrong_type"],
  ["a huge array", "dd ffffffff", "truncated"],
  ["a huge array as a field", "94 04 7e dd ffffffff 00", "too_many_elements"],
  ["a huge map as a field", "93 04 7e df ffffffff", "too_many_elements"],
  ["a bin that reaches past the end", "93 04 7e c6 ffffffff", "truncated"],
  ["nine levels", `92 04 ${"91".repeat(8)} 00`, "too_deep"],
  ["an extension", "93 04 7e d4 01 00", "unsupported_type"],
  ["the reserved byte", "93 04 7e c1", "unsupported_type"],
  ["a map with a bin as a key", "93 04 7e 81 c4 00 00", "wrong_type"],
  ["too few elements", "91 04", "missing_field"],
  ["a float for an integer", "92 04 cb 0000000000000000", "wrong_type"],
  ["nil for an integer", "92 04 c0", "wrong_type"],
  ["a negative epoch", "92 04 ff", "bad_value"],
  ["an epoch above the last", "92 04 cc 80", "bad_value"],
  ["another kind", "92 03 00", "unexpected"],
  ["another version, whatever else there is", "92 01 02", "wrong_version", (b) => q.hello.parse(b)],
  ["a reason with a line feed", "93 03 00 a1 0a", "bad_value", (b) => q.goodbye.parse(b)],
  ["a reason that is no UTF-8", "93 03 00 a2 c328", "bad_value", (b) => q.goodbye.parse(b)],
  ["a reason that is too long", `93 03 00 da 0101 ${"41".repeat(257)}`, "oversized", (b) => q.goodbye.parse(b)],
  ["bytes for a text", "93 03 00 c4 01 41", "wrong_type", (b) => q.goodbye.parse(b)],
  ["data beside a refusal", "94 08 07 c4 01 00 a1 41", "bad_value", (b) => q.answer.parse(b)],
  ["an empty line", "94 0a 00 00 a0", "bad_value", (b) => q.say.parse(b)],
  ["a line to nobody", "94 0a 02 00 a1 41", "bad_value", (b) => q.say.parse(b)],
  ["a tick above 2^53 - 1", "94 09 cf 0020000000000000 00 c4 00", "bad_value", (b) => q.message.parse(b)],
  ["too many rooms", `93 06 01 dc 0101 ${"94 a0 a0 00 00".repeat(257)}`, "oversized", (b) => q.rooms.parse(b)],
  ["a room without its players", "93 06 01 91 92 a0 a0", "missing_field", (b) => q.rooms.parse(b)],
];

test("hostile messages are refused by name", () => {
  for (const [what, bytes, reject, read] of refused) {
    assert.throws(() => (read ?? ((b) => q.resync.parse(b)))(unhex(bytes)), { name: "RejectError", reject }, what);
  }
  assert.throws(() => q.kindOf(unhex("91 0f")), { reject: "unknown_kind" });
  assert.throws(() => q.kindOf(unhex("91 00")), { reject: "unknown_kind" });
});

test("a frame that can't be is refused at its header", () => {
  for (const [bytes, reject] of [["92", "wrong_type"], ["c6 ffffffff", "oversized"], ["c6 00010001", "oversized"]] as const) {
    const r = new q.FrameReader();
    r.push(unhex(bytes));
    assert.throws(() => r.next(), { reject }, bytes);
  }
  const r = new q.FrameReader(4);
  r.push(unhex("c4 05"));
  assert.throws(() => r.next(), { reject: "oversized" });
});

test("what a reader would refuse is not written", () => {
  assert.throws(() => q.goodbye.encode({ code: 0, reason: "a\nb" }), { reject: "bad_value" });
  assert.throws(() => q.say.encode({ scope: q.Scope.room, player: 0, text: "" }), { reject: "bad_value" });
  for (const epoch of [128, -1, 1.5, NaN, 2 ** 53]) assert.throws(() => q.resync.encode({ epoch }), { reject: "bad_value" }, String(epoch));
  const first = q.hello.parse(unhex(vectors[0]!.hex));
  for (const schemaHash of [-1n, 1n << 64n]) assert.throws(() => q.hello.encode({ ...first, schemaHash }), { reject: "bad_value" });
  const w = new q.Writer(1);
  w.text("gone");
  w.reset();
  w.uint(300);
  assert.equal(hex(w.finish()), "cd012c");
});
