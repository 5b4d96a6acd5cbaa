import assert from "node:assert/strict";
import { test } from "node:test";
import * as q from "../src/index.js";
import { golden, hex, schemaNamed, unhex, type DatagramFile } from "./vectors.js";

interface Mutant {
  kind: keyof typeof q.Kind | "state";
  hex: string;
  reject?: string;
  again?: string;
  records?: number;
}

const mutants = golden<Mutant[]>("wire/mutants.json");
const arena = schemaNamed(golden<DatagramFile>("wire/datagrams.json").schema);

const types = {
  hello: q.hello, welcome: q.welcome, goodbye: q.goodbye, resync: q.resync, list: q.list, rooms: q.rooms, request: q.request, answer: q.answer,
  message: q.message, say: q.say, chat: q.chat, checks: q.checks, diverged: q.diverged, pace: q.pace,
} as unknown as Record<string, q.MessageType<never>>;

/** ours is what this package makes of a mutant, in the file's words. */
function ours(m: Mutant): Mutant {
  const b = unhex(m.hex);
  if (m.kind === "state") {
    const r = new q.StateReader(arena);
    let records = 0;
    if (r.open(b)) while (r.next()) records++;
    return { kind: m.kind, hex: m.hex, ...(r.reject !== undefined && { reject: r.reject }), ...(records > 0 && { records }) };
  }
  const type = types[m.kind]!;
  try {
    return { kind: m.kind, hex: m.hex, again: hex(type.encode(type.parse(b))) };
  } catch (e) {
    assert.ok(e instanceof q.RejectError, `${m.kind} ${m.hex}: ${e}`);
    return { kind: m.kind, hex: m.hex, reject: e.reject };
  }
}

test("bytes that are not quite right are taken, or refused for the same reason, as Go's parsers do", () => {
  assert.ok(mutants.length >= 800);
  assert.ok(mutants.filter((m) => m.reject === undefined).length >= 80);
  const other = mutants.map((m) => [ours(m), m] as const).filter(([a, b]) => JSON.stringify(Object.entries(a).sort()) !== JSON.stringify(Object.entries(b).sort()));
  assert.deepEqual(other.map(([a]) => a), other.map(([, b]) => b));
});
