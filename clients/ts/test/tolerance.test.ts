import assert from "node:assert/strict";
import { test } from "node:test";
import { Field, FieldKind, join, JoinError, parseSchema, Table, type FieldSpec, type Schema } from "../src/index.js";
import { FakeServer } from "./fakeserver.js";
import { arena, mover, schema, still } from "./play.js";
import { schemaBytes } from "./server.js";
import { VirtualTime } from "./virtual.js";

const spec: FieldSpec = { name: "", kind: 0, audience: 0, min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base: 0n, top: 0n };
const bool = (name: string) => new Field({ ...spec, name, kind: FieldKind.bool, top: 1n });

/** A schema as its own bytes say. */
const anew = (s: Schema) => parseSchema(schemaBytes(s));

/** joining is a client of the arena's types at a server that has another schema. */
async function joining(server: FakeServer, time: VirtualTime) {
  let end: unknown;
  const client = join(arena, { environment: server.environment() });
  client.then((c) => (end = c), (e: unknown) => (end = e));
  for (let n = 0; n < 200 && end === undefined; n++) await time.pass(10);
  return client;
}

test("an old client plays on with a server that has more: its rows are found by their names, and its input is complete", async () => {
  const time = new VirtualTime();
  const [first, ...others] = schema.tables;
  const more = anew({
    ...schema, tables: [new Table("rock", -1, -1, [bool("Wet")]), new Table(first!.name, first!.x, first!.y, [...first!.fields, bool("Shiny")]), ...others],
    input: new Table(schema.input.name, -1, -1, [bool("Jump"), ...schema.input.fields]),
  });
  const server = new FakeServer(time, more);
  const client = await joining(server, time);
  const section = mover(7, 10);
  const columns = more.tables[1]!.columns.map((_, column) => ({ column, word: section.records![0]!.columns!.find((c) => c.column === column)?.word ?? 0 }));
  server.last.state({}, { ...section, records: [{ ...section.records![0]!, columns }] });
  await time.pass(100);
  const rows = Array.from(client.table("mover").all(), ([, row]) => ({ ...row }));
  assert.deepEqual(rows, [{ ...rows[0], Heading: 30, Shiny: false }]);
  client.send({ ...still, Fire: true });
  server.starts();
  await time.pass(500);
  assert.equal(client.connected, true);
  await client.close();
});

test("a server that has something else is refused at join, by its name", async () => {
  const time = new VirtualTime();
  const less = anew({ ...schema, tables: schema.tables.map((t) => (t.name === "ship" ? new Table(t.name, t.x, t.y, t.fields.filter((f) => f.name !== "Hull")) : t)) });
  const server = new FakeServer(time, less);
  await assert.rejects(joining(server, time), (e: unknown) => {
    assert.ok(e instanceof JoinError);
    assert.equal(e.code, "version");
    assert.match(e.message, /table ship, field Hull: the server does not have it.*write the types anew/);
    return true;
  });
});
