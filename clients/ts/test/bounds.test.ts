import assert from "node:assert/strict";
import { test } from "node:test";
import { EventQueue } from "../src/events.js";
import { JoinError } from "../src/index.js";
import { Registers, State } from "../src/registers.js";
import { Traces } from "../src/traces.js";
import { Play, schema } from "./play.js";

// What a server that is dead, or hostile, makes a client keep is bounded.

const unreachable = (says: RegExp) => (e: unknown) => e instanceof JoinError && e.code === "unreachable" && says.test(e.message);

test("a line that is said while there is no connection is an error, and not said later", async () => {
  const p = await new Play().joins();
  p.server.doors.websocket = "silent";
  p.server.last.lose();
  await p.time.pass(100);
  assert.equal(p.client.connected, false);
  assert.throws(() => p.client.say("is anybody there?"), unreachable(/connection is lost.*once the client is connected/));
  p.server.doors.websocket = "open";
  await p.time.pass(10_000);
  assert.equal(p.client.connected, true);
  p.client.say("so there you are");
  await p.time.pass(100);
  assert.deepEqual(p.server.connections.flatMap((c) => c.said.map((s) => s.text)), ["so there you are"]);
});

test("requests that are asked while there is no connection wait, and are bounded", async () => {
  const p = await new Play().joins();
  p.server.doors.websocket = "silent";
  p.server.last.lose();
  await p.time.pass(100);
  const asked = Array.from({ length: 64 }, () => p.client.ask("buy", { Item: 5 }));
  await assert.rejects(p.client.ask("buy", { Item: 5 }), unreachable(/64 requests wait/));
  p.server.doors.websocket = "open";
  await p.time.pass(10_000);
  assert.deepEqual(p.server.last.requests.map((r) => r.number), asked.map((_, i) => i + 1));
  const failed = Promise.allSettled(asked);
  await p.client.close();
  assert.ok((await failed).every((r) => r.status === "rejected"));
});

for (const webTransport of [false, true]) {
  test(`what a server does not read is bounded, over ${webTransport ? "WebTransport" : "a WebSocket"}`, async () => {
    const p = await new Play().joins({}, webTransport);
    const { client, server } = p;
    server.starts();
    server.reads = false;
    let lines = 0;
    const speak = () => {
      for (; lines < 1000; lines++) client.say("x".repeat(250));
    };
    assert.throws(speak, unreachable(/65536 bytes wait/));
    assert.equal(lines, Math.ceil(65_536 / 259));
    await assert.rejects(client.ask("buy", { Item: 5 }), unreachable(/65536 bytes wait/));
    await p.time.pass(200);
    assert.deepEqual([client.connected, server.connections.length], [true, 1], "it plays on");
    // What must be said has another connection looked for.
    server.reads = true;
    p.tells({ table: "mover", class: "public", kind: "partial", records: [{ index: 9, mask: 1, columns: [{ column: 4, word: 1 }] }] });
    await p.time.pass(2000);
    assert.deepEqual([client.connected, server.connections.length], [true, 2]);
    server.stops();
    await client.close();
  });
}

test("what an impaired connection holds back of its stream is bounded", async () => {
  const p = await new Play().joins();
  p.client.impair({ delay: 30_000 });
  const more = new Uint8Array(60_000);
  more.set([0x92, 77, 0xc5, (more.length - 5) >> 8, (more.length - 5) & 255]); // of a later version
  for (let n = 0; n < 17; n++) p.server.last.send(more);
  await p.time.pass(100);
  assert.equal(p.client.connected, true);
  const { last } = p.server;
  last.send(more);
  await p.time.pass(100);
  assert.notEqual(last.closed, undefined, "a connection with more is given up");
  p.client.impair({ delay: 0 });
  p.server.starts();
  await p.time.pass(10_000);
  assert.deepEqual([p.client.connected, p.server.last !== last], [true, true], "another connection is found");
  p.server.stops();
  await p.client.close();
});

test("the names of events are bounded", () => {
  const q = new EventQueue(10);
  const fire = (tick: number, from: number, to: number, newest: number) => {
    q.forget(newest);
    for (let n = from; n < to; n++) q.happened(tick, n, newest);
  };
  fire(1001, 0, 16_384 + 300, 1001);
  assert.deepEqual([q.count, q.dropped], [16_384, 300]);
  fire(1001, 0, 1, 1001);
  assert.deepEqual([q.count, q.dropped], [16_384, 300], "one that was fired is no other");
  fire(1011, 0, 5, 1011);
  assert.deepEqual([q.count, q.dropped], [16_389, 300], "when the others are over there is space");
});

test("traces of removals are bounded", () => {
  const most = 1 << 18;
  const tables = schema.tables.map((t) => new Registers(t));
  const traces = new Traces();
  const at = (index: number) => tables[0]!.page(index).state[index % 64];
  for (let index = 0; index < most + 100; index++) {
    const page = tables[0]!.page(index);
    page.state[index % 64] = State.Gone;
    page.tick[index % 64] = 1010;
    traces.add(0, index, 1010);
  }
  traces.forget(946, tables);
  assert.equal(traces.dropped, 100);
  assert.deepEqual([at(0), at(99), at(100), at(most)], [State.Unknown, State.Unknown, State.Gone, State.Gone]);
  traces.forget(1011, tables);
  assert.deepEqual([traces.dropped, at(100), at(most + 99)], [100, State.Unknown, State.Unknown]);
});
