import assert from "node:assert/strict";
import { test } from "node:test";
import { CloseCode, goodbye, type Status } from "../src/index.js";
import { messages } from "./fakeserver.js";
import { arena, mover, Play, rowOf, schema, still } from "./play.js";

// What becomes of a session while its connection is bad, lost, or the page is not seen.

test("over a bad network inputs come in time, and the figures tell what it is like", async () => {
  const p = await new Play().joins();
  const { client, server } = p;
  server.delay = 60;
  server.upLost = (n) => n % 20 === 7;
  server.downLost = (n) => n % 10 === 3;
  server.starts();
  client.send(still);
  await p.time.pass(20_000);
  const from = server.tick - 300;
  const lacked = Array.from({ length: 300 }, (_, i) => from + i).filter((tick) => !server.last.inTime.has(tick));
  assert.ok(lacked.length <= 3, `${lacked.length} of 300 ticks go without their input`);
  const s = client.stats();
  assert.ok(Math.abs(s.loss - 0.1) < 0.02, `loss ${s.loss}`);
  assert.ok(Math.abs(s.roundTrip - 120) < 15, `round trip ${s.roundTrip} ms`);
  assert.ok(s.lead >= 4 && s.lead <= 7, `lead ${s.lead}`);
  assert.deepEqual([s.resumes, s.rejected, s.replica.rejected], [0, 0, 0]);
  assert.ok(client.timeline().acting > client.tick + 3);
});

test("inputs that are lost travel again with the next", async () => {
  const p = new Play();
  p.server.delay = 100;
  await p.joins();
  p.server.starts();
  p.client.send(still);
  await p.time.pass(1000);
  const at = p.server.last.newest;
  p.server.upLost = () => true;
  await p.time.pass(100);
  p.server.upLost = () => false;
  await p.time.pass(200);
  const first = p.server.last.inputs.find((v) => v.tick > at)!;
  assert.ok(first.inputs.length >= 3, `${first.inputs.length} inputs are in the first datagram that comes through`);
  assert.ok(first.tick - first.inputs.length + 1 <= at + 1, "none is missing");
});

test("a page that is not seen acknowledges and plays on, though its timers come once a second", async () => {
  const p = await new Play().joins();
  const { client, server } = p;
  server.starts();
  client.send(still);
  p.time.throttle = 1000;
  await p.time.pass(30_000);
  const { last } = server;
  const late = last.inputs.filter((v) => v.at > p.time.now() - 20_000);
  assert.ok(late.length > 0.95 * 20 * 30, `${late.length} datagrams in 600 ticks`);
  assert.ok(last.inTime.size > 0.95 * 29 * 30);
  assert.deepEqual([server.connections.length, client.connected, client.stats().resumes], [1, true, 0]);
  p.time.throttle = 60_000; // as when it has not been seen for minutes
  await p.time.pass(60_000);
  assert.deepEqual([server.connections.length, client.connected, client.stats().lateInputs], [1, true, 0]);
});

test("in a frozen room the client acknowledges and waits, also while it is not seen", async () => {
  const p = await new Play().joins();
  const { client, server } = p;
  server.starts();
  client.send(still);
  await p.time.pass(1000);
  server.stops();
  server.last.send(messages.pace.encode({ tick: server.tick, every: 0 }));
  await p.time.pass(200);
  const [stamped, timeline] = [server.last.newest, client.timeline()];
  for (const throttle of [0, 60_000]) {
    p.time.throttle = throttle;
    const before = server.last.inputs.length;
    for (let i = 0; i < 300; i++) {
      server.last.state();
      await p.time.pass(server.period);
    }
    assert.ok(server.last.inputs.length - before > 120, `${server.last.inputs.length - before} datagrams in 300 periods`);
  }
  assert.equal(server.last.newest, stamped, "with no new inputs");
  assert.deepEqual([client.timeline().rate, client.timeline().drawn, client.timeline().acting], [0, timeline.drawn, timeline.acting]);
  assert.deepEqual([server.connections.length, client.stats().lateInputs], [1, 0]);
});

test("a lost connection is followed by another: same player, same rows, requests are asked again", async () => {
  const status: Status[] = [];
  const tokens: Uint8Array[] = [];
  const p = await new Play().joins({ onStatus: (s) => status.push(s), onToken: (t) => tokens.push(t) });
  const { client, server } = p;
  server.starts();
  p.tells(mover(5, 10));
  await p.time.pass(200);
  const gone: number[] = [];
  client.table("mover").on("remove", (id) => gone.push(id));
  const asked = [client.ask("buy", { Item: 1 }), client.ask("buy", { Item: 2 })];
  await p.time.pass(50);
  server.last.send(messages.answer.encode({ number: 1, data: rowOf(schema.requests[0]!.answer, { Left: 7 }), refusal: "" }));
  await p.time.pass(50);
  server.welcomeWith = { tick: server.tick, schema: new Uint8Array(0) };
  server.last.lose();
  await p.time.pass(1000);
  const { last } = server;
  assert.equal(server.connections.length, 2);
  assert.deepEqual([last.hello!.resume, last.hello!.replica, last.hello!.schemaHash], [tokens[0], server.epoch + 1, schema.hash]);
  assert.deepEqual(last.requests.map((r) => r.number), [2], "what was answered is not asked again");
  assert.deepEqual([client.player, client.stats().resumes, client.connected, gone, client.table("mover").size], [3, 1, true, [], 1]);
  assert.ok(last.inputs.at(-1)!.hasAck);
  last.send(messages.answer.encode({ number: 2, data: rowOf(schema.requests[0]!.answer, { Left: 6 }), refusal: "" }));
  await p.time.pass(50);
  assert.deepEqual(await Promise.all(asked), [{ Left: 7 }, { Left: 6 }]);
  assert.deepEqual(status, ["joined", "away", "joined"]);
  assert.deepEqual(client.token, tokens[1]);
});

test("when nothing comes, another connection is tried beside the present one", async () => {
  const p = await new Play().joins();
  const { server } = p;
  server.starts();
  await p.time.pass(500);
  const [first] = server.connections;
  first!.dark = true;
  await p.time.pass(2000);
  assert.equal(server.connections.length, 2);
  assert.deepEqual([p.client.connected, p.client.stats().resumes], [true, 1]);
  assert.equal(first!.closed?.code, CloseCode.abandoned, "the former one is given up, and not the session");
});

test("a server that goes on with another session is not believed, and that is why the client ends", async () => {
  const p = await new Play().joins();
  const { server, client } = p;
  server.starts();
  await p.time.pass(500);
  server.welcomeWith = { session: new Uint8Array(16).fill(8) };
  server.last.dark = true;
  await p.time.pass(3000);
  assert.deepEqual([client.error?.code, server.connections.length], ["protocol", 2]);
  assert.match(client.error!.message, /another session/);
});

test("a connection that was only in the dark goes on", async () => {
  const p = await new Play().joins();
  const { server, client } = p;
  server.starts();
  await p.time.pass(500);
  server.doors.websocket = "silent";
  server.last.dark = true;
  await p.time.pass(2000);
  assert.equal(client.connected, false);
  server.last.dark = false;
  await p.time.pass(500);
  assert.deepEqual([client.connected, server.connections.length, client.stats().resumes], [true, 1, 0]);
  await p.time.pass(5000);
  assert.deepEqual([client.connected, server.connections.length], [true, 1]);
});

test("a connection that was in the dark once, and is lost later, is followed by another", async () => {
  const p = await new Play().joins();
  const { server, client } = p;
  server.starts();
  await p.time.pass(500);
  server.doors.websocket = "silent";
  server.last.dark = true;
  await p.time.pass(2000);
  server.last.dark = false;
  await p.time.pass(500);
  assert.equal(client.connected, true);
  server.doors.websocket = "open";
  server.last.lose();
  await p.time.pass(3000);
  assert.deepEqual([client.connected, server.connections.length, client.stats().resumes], [true, 2, 1]);
});

test("a page that slept listens before it looks for another connection", async () => {
  const p = await new Play().joins();
  const { server, client } = p;
  server.starts();
  await p.time.pass(500);
  const told: Status[] = [];
  client.onStatus((status) => told.push(status));
  p.time.throttle = 100_000; // nothing runs until then, and nothing comes
  server.last.dark = true;
  await p.time.pass(100_000 - p.time.now());
  p.time.throttle = 0;
  server.last.dark = false;
  await p.time.pass(5000);
  assert.deepEqual([client.connected, server.connections.length, told], [true, 1, []]);
});

test("a session that the server does not know any more is joined anew, with rows of its own", async () => {
  const p = await new Play().joins();
  const { server, client } = p;
  server.starts();
  p.tells(mover(5, 10));
  await p.time.pass(200);
  const told: string[] = [];
  client.table("mover").on("remove", (id) => told.push(`remove ${id % 1024}`));
  client.table("mover").on("add", (id) => told.push(`add ${id % 1024}`));
  const asked = client.ask("buy", { Item: 1 });
  asked.catch(() => {});
  server.welcomes = false;
  server.last.lose();
  await p.time.pass(300);
  server.last.goodbye(CloseCode.expired);
  server.welcomes = true;
  server.welcomeWith = { player: 9, session: new Uint8Array(16).fill(8), tick: server.tick };
  await p.time.pass(1500);
  assert.equal(server.last.hello!.resume.length, 0);
  p.tells(mover(6, 10));
  await p.time.pass(100);
  assert.deepEqual([client.player, client.stats().rejoins, client.connected, told], [9, 1, true, ["remove 5", "add 6"]]);
  await assert.rejects(asked, (e: { code?: string }) => e.code === "unreachable", "nobody knows whether the game has acted");
});

test("a server that restarts is joined again; the private room by its code", async () => {
  const p = await new Play().joins({ private: true });
  const { server, client } = p;
  server.starts();
  assert.deepEqual([server.last.hello!.join, client.room], [2, "room-1"]);
  server.last.goodbye(CloseCode.shutdown);
  await p.time.pass(1500);
  assert.deepEqual([server.last.hello!.join, server.last.hello!.room, client.stats().rejoins], [3, "room-1", 1]);
  server.welcomes = false;
  server.last.goodbye(CloseCode.shutdown);
  await p.time.pass(1500);
  server.last.goodbye(CloseCode.refused, "no such room");
  server.welcomes = true;
  await p.time.pass(3000);
  assert.equal(server.last.hello!.join, 2, "the room has ended: another is made");
});

for (const [code, want, why] of [
  [CloseCode.replaced, "replaced", "another connection"], [CloseCode.refused, "refused", "banned"], [CloseCode.abuse, "refused", "too much"],
  [CloseCode.protocol, "protocol", "a bug"], [CloseCode.kicked, "kicked", "be kind"],
] as const) {
  test(`after a goodbye of code ${code} the client does not come back: ${want}`, async () => {
    const p = await new Play().joins();
    p.server.last.goodbye(code, why);
    await p.time.pass(20_000);
    const error = (await p.client.done)!;
    assert.deepEqual([error.code, p.server.connections.length, p.client.connected], [want, 1, false]);
    assert.match(error.message, new RegExp(why));
    assert.throws(() => p.client.send(still), /./);
    await assert.rejects(p.client.ask("buy", { Item: 1 }));
  });
}

test("a server that stays away is looked for as long as the configuration says, and no longer", async () => {
  const p = await new Play().joins({ reconnect: 4000 });
  p.server.starts();
  await p.time.pass(100);
  p.server.info = null;
  p.server.doors.websocket = "silent";
  p.server.last.lose();
  const began = p.time.now();
  const error = await p.outcome(p.client.done, 10_000);
  assert.equal(error!.code, "unreachable");
  assert.ok(Math.abs(p.time.now() - began - 4000) < 200, `${p.time.now() - began} ms`);
  p.server.stops();
  await p.time.pass(5000);
  assert.equal(p.time.waiting, 0, "no timer is left");
});

test("without reconnect the client ends with its connection", async () => {
  const p = await new Play().joins({ reconnect: 0 });
  p.server.last.lose();
  await p.time.pass(100);
  assert.equal((await p.client.done)!.code, "unreachable");
});

test("a page that is loaded again goes on with its session", async () => {
  const token = Uint8Array.of(9, 9);
  const p = new Play();
  p.server.welcomeWith = { resume: { token: Uint8Array.of(9, 10), lastRequest: 41 } };
  await p.joins({ resume: token });
  assert.deepEqual([p.client.resumed, p.server.last.hello!.resume, p.server.last.hello!.replica], [true, token, 0]);
  void p.client.ask("buy", { Item: 1 }).catch(() => {});
  await p.time.pass(50);
  assert.equal(p.server.last.requests[0]!.number, 42, "above those of the former page");
});

test("what can't be resumed is joined anew, unless that is not wanted", async () => {
  for (const onlyResume of [false, true]) {
    const p = new Play();
    p.server.welcomes = false;
    const joining = p.joins({ resume: Uint8Array.of(9), onlyResume });
    joining.catch(() => {});
    await p.time.pass(300);
    p.server.last.goodbye(CloseCode.expired);
    p.server.welcomes = true;
    await p.time.pass(2000);
    if (onlyResume) await assert.rejects(joining, (e: { code?: string }) => e.code === "expired");
    else assert.equal((await joining).client.resumed, false);
  }
});

test("an orphan asks for a resync, and a new epoch begins empty", async () => {
  const p = await new Play().joins();
  const gone: number[] = [];
  p.tells(mover(5, 10));
  await p.time.pass(50);
  p.client.table("mover").on("remove", (id) => gone.push(id % 1024));
  p.server.tick++;
  p.tells({ table: "mover", class: "public", kind: "partial", records: [{ index: 6, mask: 16, columns: [{ column: 4, word: 1 }] }] });
  await p.time.pass(100);
  assert.deepEqual(p.server.last.resyncs, [{ epoch: 1 }]);
  p.server.epoch = 2;
  p.server.tick++;
  p.tells(mover(7, 10));
  await p.time.pass(50);
  assert.deepEqual([gone, p.client.table("mover").size], [[5], 1]);
});

test("reports of the replica go along twice a second, and what diverged is told", async () => {
  const told: string[] = [];
  const p = await new Play().joins({ onDiverged: (d) => told.push(d.field) });
  p.server.starts();
  p.tells(mover(5, 10));
  await p.time.pass(4000);
  const reports = p.server.last.inputs.filter((v) => v.row !== undefined && v.page !== undefined);
  assert.ok(reports.length >= 7 && reports.length <= 9, `${reports.length} in 4 s`);
  p.server.last.send(messages.diverged.encode({ tick: 1001, table: 0, entity: 5, field: "X", server: "1", client: "2" }));
  p.server.last.send(messages.checks.encode({ rows: 10, pages: 10, skipped: 1, diverged: 1 }));
  await p.time.pass(50);
  assert.deepEqual([told, p.client.stats().diverged, p.client.divergences().length], [["X"], 1, 1]);
});

test("a message of a later version is passed over, one that can't be read ends the session", async () => {
  const p = await new Play().joins();
  p.server.last.send(Uint8Array.of(0x92, 0x63, 0x01));
  await p.time.pass(50);
  assert.equal(p.client.connected, true);
  p.server.last.send(Uint8Array.of(0x92, 0x0b, 0x01));
  await p.time.pass(100);
  assert.equal((await p.client.done)!.code, "protocol");
  assert.equal(p.server.last.closed?.code, CloseCode.protocol);
});

test("a bad network can be made in the SDK, while it runs", async () => {
  const p = await new Play().joins({ impair: { delay: 100 } });
  const { client, server } = p;
  server.starts();
  client.send(still);
  await p.time.pass(8000);
  assert.ok(Math.abs(client.stats().roundTrip - 240) < 25, `${client.stats().roundTrip} ms`);
  client.impair({ loss: 0.2, jitter: 20 });
  assert.throws(() => client.impair({ loss: 2 }), /loss/);
  await p.time.pass(20_000);
  assert.ok(Math.abs(client.stats().loss - 0.2) < 0.06, `loss ${client.stats().loss}`);
  const lines: string[] = [];
  client.onChat((line) => lines.push(line.text));
  const say = (i: number) => server.last.send(messages.chat.encode({ from: 1, scope: 0, text: String(i) }));
  for (let i = 0; i < 25; i++) say(i);
  await p.time.pass(30); // they are here, and held back
  client.impair({ delay: 0, jitter: 0 });
  for (let i = 25; i < 50; i++) say(i);
  await p.time.pass(1000);
  assert.deepEqual(lines, Array.from({ length: 50 }, (_, i) => String(i)), "the stream is late, but whole and in order");
  client.impair({ delay: 0, jitter: 0, loss: 0 });
  await p.time.pass(30_000);
  assert.ok(client.stats().roundTrip < 60 && client.stats().loss === 0);
  assert.equal(client.stats().resumes, 0);
  server.last.send(goodbye.encode({ code: CloseCode.normal, reason: "over" }));
  await p.time.pass(100);
  assert.equal(await client.done, undefined);
  assert.equal(arena.name, "arena");
});

test("a token is passed on as text or bytes, and a function gets one for each join, not for a resume", async () => {
  const text = (b: Uint8Array) => new TextDecoder().decode(b);
  for (const token of ["höre", new TextEncoder().encode("höre"), () => "höre", () => Promise.resolve(new TextEncoder().encode("höre"))]) {
    const p = await new Play().joins({ token });
    assert.equal(text(p.server.last.hello!.token), "höre");
  }
  let n = 0;
  const p = await new Play().joins({ token: () => `ticket ${++n}` });
  p.server.starts();
  p.server.last.lose();
  await p.time.pass(1500);
  assert.deepEqual([p.client.connected, p.client.stats().resumes > 0, n], [true, true, 1]);
  p.server.last.goodbye(CloseCode.shutdown);
  await p.time.pass(1500);
  const joins = p.server.connections.filter((c) => c.hello?.resume.length === 0);
  assert.deepEqual([joins.map((c) => text(c.hello!.token)), p.client.stats().rejoins], [["ticket 1", "ticket 2"], 1]);
});

test("a token that does not come, or is too long, is an error that says so", async () => {
  for (const [token, code, says] of [
    [() => Promise.reject(new Error("sign in first")), "refused", /no token to join with: sign in first/],
    [() => "x".repeat(2049), "refused", /token has more than 2048 bytes/],
    [() => new Promise<string>(() => {}), "unreachable", /token to join with did not come in time/],
  ] as const) {
    const p = new Play();
    const e = await p.refused({ token });
    assert.equal(e.code, code);
    assert.match(e.message, says);
    assert.equal(p.server.connections.length, 0, "no connection waits for it");
    await p.time.pass(5000);
    assert.equal(p.time.waiting, 0, "no timer is left");
  }
  await assert.rejects(new Play().joins({ token: "x".repeat(2049) }), RangeError);
});
