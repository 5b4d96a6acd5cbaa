import assert from "node:assert/strict";
import { test } from "node:test";
import { defineGame, Field, FieldKind, parseSchema, SchemaError, Table, type FieldSpec, type Game, type GameTypes, type Mutable, type Schema } from "../src/index.js";
import { schemaBytes } from "./server.js";

interface Ship { readonly X: number; readonly Hull: number; readonly Spin: number; readonly Name: string; readonly Cells: readonly [number, number] }

interface Fleet {
  tables: { ship: Ship };
  singletons: never;
  input: { Aim: number; Power: number; Call: string };
  events: { shot: { readonly X: number } };
  messages: {};
  requests: { rename: [{ Name: string }, { readonly Name: string }] };
}

const spec: FieldSpec = { name: "", kind: 0, audience: 0, min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base: 0n, top: 0n };

const float = (name: string, min: number, max: number, more: Partial<FieldSpec> = {}) =>
  new Field({ ...spec, name, kind: FieldKind.float, min, max, step: 0.5, ...more });
const integer = (name: string, from: bigint, to: bigint, more: Partial<FieldSpec> = {}) =>
  new Field({ ...spec, name, kind: FieldKind.int, base: from, top: to - from, ...more });
const text = (name: string, top: bigint, more: Partial<FieldSpec> = {}) => new Field({ ...spec, name, kind: FieldKind.text, top, ...more });
const bool = (name: string) => new Field({ ...spec, name, kind: FieldKind.bool, top: 1n });
const id = (name: string) => new Field({ ...spec, name, kind: FieldKind.entity, top: 0xffff_ffffn });
const table = (name: string, ...fields: Field[]) => new Table(name, -1, -1, fields);

const ship = [float("X", 0, 100), integer("Hull", 0n, 4n), float("Spin", 0, 360, { wrap: true }), text("Name", 16n), integer("Cells[0]", 0n, 9n), integer("Cells[1]", 0n, 9n)];
const steer = [float("Aim", 0, 360, { wrap: true }), integer("Power", -1n, 1n), text("Call", 8n)];
const shot = table("shot", float("X", 0, 100));
const rename = { ask: table("rename", text("Name", 16n)), answer: table("renamed", text("Name", 16n)) };

/** fleet is the schema of the game with parts in place of its own. */
function fleet(change: Partial<Omit<Schema, "hash">> = {}): Schema {
  return parseSchema(schemaBytes({
    game: "fleet", tables: [table("ship", ...ship)], input: table("steer", ...steer), events: [shot], messages: [], requests: [rename], hash: 0n, ...change,
  }));
}

const ships = (...fields: Field[]) => fleet({ tables: [table("ship", ...fields)] });
const inputs = (...fields: Field[]) => fleet({ input: table("steer", ...fields) });
/** The fields with one of them in place of that of its name. */
const but = (fields: Field[], ...others: Field[]) => fields.map((f) => others.find((o) => o.name === f.name) ?? f);

const game: Game<Fleet> = defineGame<Fleet>({ name: "fleet", schema: schemaBytes(fleet()), command: "fleet gen ts" });

test("a game knows its schema and its hash", () => {
  assert.equal(game.schema.game, "fleet");
  assert.equal(game.hash, fleet().hash);
  const base64 = Buffer.from(schemaBytes(fleet())).toString("base64");
  assert.equal(defineGame({ name: "fleet", schema: base64 }).hash, game.hash);
  assert.throws(() => defineGame({ name: "fleet", schema: base64.slice(4) }), Error);
  assert.throws(() => defineGame({ name: "pong", schema: base64 }), /its schema is of fleet/);
});

test("the types are those of the game, and of any game", () => {
  const of: Game<GameTypes> = game;
  const row: Mutable<Ship> = { X: 1, Hull: 4, Spin: 0, Name: "Ann", Cells: [1, 2] };
  row.X = 2;
  row.Cells[1] = 3;
  assert.equal(of.name, "fleet");
});

test("what is added, widened or only travels otherwise is tolerated", () => {
  for (const [what, server] of [
    ["the same", fleet()],
    ["a field before the others", ships(bool("Ready"), ...ship)],
    ["the fields in another order", ships(...ship.slice(1), ship[0]!)],
    ["a longer array", ships(...ship, integer("Cells[2]", 0n, 9n))],
    ["another table first", fleet({ tables: [table("rock"), table("ship", ...ship)] })],
    ["more events, messages and requests", fleet({
      events: [table("boom"), shot], messages: [table("kill")], requests: [{ ask: table("leave"), answer: table("left") }, rename],
    })],
    ["other ranges and steps of rows", ships(...but(ship, float("X", -5, 50, { step: 0.1, ownStep: 0.01 }), integer("Hull", 1n, 2n), text("Name", 8n)))],
    ["a row's angle that is none any more", ships(...but(ship, float("Spin", 0, 360)))],
    ["unsigned for signed", ships(...but(ship, integer("Hull", 0n, 4n, { kind: FieldKind.uint })))],
    ["another input", inputs(bool("Fire"), ...steer)],
    ["an input that takes more", inputs(...but(steer, integer("Power", -2n, 2n), text("Call", 9n)))],
    ["an input's angle from elsewhere on", inputs(...but(steer, float("Aim", -180, 180, { wrap: true })))],
    ["an answer's other range", fleet({ requests: [{ ask: rename.ask, answer: table("renamed", text("Name", 4n), bool("New")) }] })],
    ["another name of the answer", fleet({ requests: [{ ask: rename.ask, answer: table("named", ...rename.answer.fields) }] })],
  ] as const) {
    assert.doesNotThrow(() => game.check(server), what);
  }
});

test("a field that was for some may be for more", () => {
  const some = defineGame({ name: "fleet", schema: schemaBytes(ships(...but(ship, text("Name", 16n, { audience: 2 })))) });
  assert.doesNotThrow(() => some.check(ships(...but(ship, text("Name", 16n, { audience: 1 })))));
  assert.doesNotThrow(() => some.check(fleet()));
});

test("what breaks is refused, and named with what was and what is", () => {
  for (const [server, breaks] of [
    [fleet({ game: "armada" }), ["the server has game armada, this client is for fleet"]],
    [fleet({ tables: [table("rock"), table("vessel", ...ship)] }), ["table ship: the server does not have it, but rock, vessel"]],
    [ships(...ship.filter((f) => f.name !== "Hull"), integer("Health", 0n, 4n)), ["table ship, field Hull: the server does not have it, but Health (it was integer from 0 to 4)"]],
    [ships(...ship.slice(0, -1)), ["table ship, field Cells[1]: the server does not have it (it was integer from 0 to 9)"]],
    [ships(...but(ship, float("Hull", 0, 1))), ["table ship, field Hull: it was integer from 0 to 4 and is float from 0 to 1"]],
    [ships(...but(ship, bool("Hull"))), ["table ship, field Hull: it was integer from 0 to 4 and is bool"]],
    [ships(...but(ship, id("Hull"))), ["table ship, field Hull: it was integer from 0 to 4 and is ID"]],
    [ships(...but(ship, integer("Hull", 0n, 1n << 60n))), ["table ship, field Hull: it was integer from 0 to 4 and is integer from 0 to 1152921504606846976"]],
    [ships(...but(ship, text("Name", 16n, { audience: 2 }))), ["table ship, field Name: it was for everyone and is for the owner only"]],
    [inputs(...steer.slice(1)), ["input, field Aim: the server does not have it (it was angle from 0 to 360)"]],
    [inputs(...but(steer, float("Aim", 0, 360))), ["input, field Aim: the server takes float from 0 to 360, this client may send angle from 0 to 360"]],
    [inputs(...but(steer, integer("Power", 0n, 1n))), ["input, field Power: the server takes integer from 0 to 1, this client may send integer from -1 to 1"]],
    [inputs(...but(steer, text("Call", 7n))), ["input, field Call: the server takes text of at most 7 bytes, this client may send text of at most 8 bytes"]],
    [fleet({ events: [] }), ["event shot: the server does not have it"]],
    [fleet({ requests: [] }), ["request rename: the server does not have it"]],
    [fleet({ requests: [{ ask: table("rename", text("Name", 8n)), answer: rename.answer }] }), ["request rename, field Name: the server takes text of at most 8 bytes, this client may send text of at most 16 bytes"]],
    [fleet({ requests: [{ ask: rename.ask, answer: table("renamed") }] }), ["answer to rename, field Name: the server does not have it (it was text of at most 16 bytes)"]],
  ] as const) {
    assert.throws(() => game.check(server), (err: unknown) => {
      assert.ok(err instanceof SchemaError);
      assert.deepEqual(err.breaks, breaks);
      assert.ok(err.message.includes(breaks[0]!) && err.message.includes('"fleet gen ts"'), err.message);
      return true;
    });
  }
});

test("a message tells the first breaks, and how many more there are", () => {
  assert.throws(() => game.check(ships()), (err: unknown) => {
    assert.ok(err instanceof SchemaError);
    assert.equal(err.breaks.length, 6);
    assert.match(err.message, /field Name: .*; and 2 more\. If the server is newer/);
    return true;
  });
});
