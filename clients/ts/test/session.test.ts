import assert from "node:assert/strict";
import { test } from "node:test";
import { CloseCode, type JoinError } from "../src/index.js";
import { messages } from "./fakeserver.js";
import { arena, mover, Play, rowOf, schema, still } from "./play.js";

for (const webTransport of [false, true]) {
  const name = webTransport ? "webtransport" : "websocket";

  test(`${name}: a player joins, sends inputs and sees rows`, async () => {
    const p = await new Play().joins({ room: "lobby" }, webTransport);
    const { client, server } = p;
    assert.deepEqual([client.transport, server.last.transport, client.player, client.room, client.connected], [name, name, 3, "room-1", true]);
    assert.deepEqual([server.last.hello!.room, server.last.hello!.game, server.last.hello!.schemaHash], ["lobby", "arena", arena.hash]);
    server.starts();
    await p.time.pass(100);
    assert.ok(server.last.inputs.length >= 2, "it acknowledges without inputs, too");
    assert.equal(server.last.inputs.at(-1)!.hasAck, true);
    client.send({ DX: 1, Turn: 90, Fire: true });
    p.tells(mover(5, 30));
    await p.time.pass(200);
    assert.deepEqual([...client.table("mover").all()].map(([, row]) => row.Heading), [90]);
    const got = server.last.inputs.at(-1)!;
    assert.equal(got.inputs[0], "02041c01");
    assert.ok(server.last.inTime.has(got.tick), "in time for its tick");
    assert.ok(client.tick >= server.tick - 1);
    assert.deepEqual([client.stats().rejected, client.stats().transport], [0, name]);
    await client.close();
    assert.equal(server.last.closed?.code, CloseCode.normal);
    assert.equal(await client.done, undefined);
    server.stops();
    await p.time.pass(100);
    assert.equal(p.time.waiting, 0, "no timer is left");
  });
}

test("listeners are told what comes, changes and goes", async () => {
  const p = await new Play().joins();
  const told: unknown[] = [];
  const movers = p.client.table("mover");
  movers.on("add", (id, row) => told.push(["add", id, row.Heading]));
  movers.on("change", (id, row, before) => told.push(["change", id, row.Heading, before?.Heading]));
  const off = movers.on("remove", (id, row) => told.push(["remove", id, row.Heading]));
  p.server.tick++;
  p.tells(mover(5, 10));
  await p.time.pass(50);
  p.server.tick++;
  p.tells(mover(5, 20));
  await p.time.pass(50);
  p.server.tick++;
  p.tells(mover(5, 20, 2));
  await p.time.pass(50);
  const [id] = [...movers.all()][0]!;
  assert.deepEqual([movers.size, movers.get(id)?.Heading, movers.owner(id), [...movers.owned()].length, movers.get(5)], [1, 60, 0, 0, undefined]);
  off();
  p.server.tick++;
  p.tells({ table: "mover", class: "public", kind: "removed", records: [{ index: 5, age: 0 }] });
  await p.time.pass(50);
  assert.deepEqual(told, [["add", 1048581, 30], ["change", 1048581, 60, 30], ["remove", 1048581, 60], ["add", 2097157, 60]]);
});

test("events, messages, chat, requests", async () => {
  const p = await new Play().joins();
  const { client } = p;
  const { last } = p.server;
  last.send(messages.message.encode({ tick: 1001, message: 0, data: rowOf(schema.messages[0]!, { Winner: "june", Rounds: 3 }) }));
  last.send(messages.chat.encode({ from: 7, scope: 0, text: "gg" }));
  await p.time.pass(50);
  const told: unknown[] = [];
  client.onMessage("verdict", (m, tick) => told.push([m.Winner, m.Rounds, tick]));
  client.onChat((line) => told.push([line.from, line.text]));
  client.on("shot", (tick, e) => told.push([tick, e.Power]));
  p.server.tick = 1002;
  p.tells({ table: "shot", class: "public", kind: "happened", events: [{ age: 1, number: 4, columns: [{ column: 0, word: 5 }, { column: 1, word: 6 }] }] });
  await p.time.pass(50);
  assert.deepEqual(told, [["june", 3, 1001], [7, "gg"], [1001, 7]]);
  client.say("hello");
  client.whisper(4, "psst");
  assert.throws(() => client.say(""), /empty/);
  const bought = client.ask("buy", { Item: 5 });
  const refused = client.ask("buy", { Item: 6 });
  await p.time.pass(50);
  assert.deepEqual(last.said.map((s) => [s.scope, s.player, s.text]), [[0, 0, "hello"], [2, 4, "psst"]]);
  assert.deepEqual(last.requests.map((r) => [r.number, r.request]), [[1, 0], [2, 0]]);
  last.send(messages.answer.encode({ number: 2, data: new Uint8Array(0), refusal: "sold out" }));
  last.send(messages.answer.encode({ number: 1, data: rowOf(schema.requests[0]!.answer, { Left: 200 }), refusal: "" }));
  await assert.rejects(p.outcome(refused, 100), (e: JoinError) => e.code === "denied" && /sold out/.test(e.message));
  assert.deepEqual(await bought, { Left: 200 });
});

test("an input out of its range is refused by the field's name, and the former one stays", async () => {
  const p = await new Play().joins();
  p.client.send(still);
  assert.throws(() => p.client.send({ ...still, DX: 2 }), /steer\.DX is 2: -1 to 1 are possible/);
  assert.throws(() => p.client.send({ ...still, DX: 0.5 }), /DX/);
  assert.throws(() => p.client.send({ ...still, Turn: NaN }), /Turn/);
  assert.throws(() => p.client.send({ ...still, Fire: 1 as unknown as boolean }), /Fire/);
  await p.time.pass(100);
  assert.equal(p.server.last.inputs.at(-1)!.inputs[0], "01026800");
});
