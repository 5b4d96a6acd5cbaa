import assert from "node:assert/strict";
import { test } from "node:test";
import { CloseCode } from "../src/index.js";
import { schemaBytes } from "./server.js";
import { Play } from "./play.js";
import { schemaNamed } from "./vectors.js";

// Which way in is taken, and what is said when there is none.

test("a network that blocks UDP is noticed within three seconds, and remembered", async () => {
  const p = new Play();
  p.server.doors.webtransport = "silent";
  const began = p.time.now();
  await p.joins({}, true);
  assert.ok(p.time.now() - began < 3000, `${p.time.now() - began} ms`);
  assert.equal(p.client.transport, "websocket");
  p.server.doors.webtransport = "open";
  p.server.last.lose();
  await p.time.pass(400);
  assert.deepEqual([p.client.connected, p.client.transport, p.server.connections.length], [true, "websocket", 2]);
  assert.equal(p.server.infoAsked, 1, "what is known is not asked again");
});

test("a server without that door is entered by the other at once", async () => {
  for (const shut of ["refused", "absent"]) {
    const p = new Play();
    p.server.doors.webtransport = "refused";
    if (shut === "absent") delete (p.server.info as { webtransport?: string }).webtransport;
    const began = p.time.now();
    await p.joins({}, true);
    assert.equal(p.client.transport, "websocket");
    assert.ok(p.time.now() - began < 300);
  }
});

test("when what is remembered fails, the other door is tried, and the server is asked again", async () => {
  const p = await new Play().joins({}, true);
  assert.equal(p.client.transport, "webtransport");
  p.server.doors.webtransport = "refused";
  p.server.last.lose();
  await p.time.pass(1000);
  assert.deepEqual([p.client.transport, p.client.stats().resumes, p.client.stats().transport], ["websocket", 1, "websocket"]);
});

test("only what the configuration names is used", async () => {
  const p = new Play();
  await p.joins({ transports: ["websocket"] }, true);
  assert.equal(p.client.transport, "websocket");
});

const wrong: [name: string, code: string, says: RegExp, config: object, webTransport: boolean, set: (p: Play) => void][] = [
  ["no address", "unreachable", /"play" is no address: write it like https:/, { url: "play" }, false, () => {}],
  ["another scheme", "unreachable", /ftp:.*is no address/, { url: "ftp://play.test" }, false, () => {}],
  ["nobody there", "unreachable", /is the server running/, {}, false, (p) => (p.server.info = null)],
  ["a page that is no game server", "unreachable", /no quicstep server.*404/, {}, false, (p) => (p.server.infoStatus = 404)],
  ["another page", "unreachable", /not JSON/, {}, false, (p) => (p.server.info = "<html>" as never)],
  ["an origin that is refused", "refused", /does not allow this page.*--origin/, {}, false, (p) => {
    p.server.infoStatus = 403;
    p.server.info = "the server does not allow this page's origin: start it with --origin https://play.test" as never;
  }],
  ["another version of the protocol", "version", /update the older one: the server speaks protocol version 2/, {}, false, (p) => (p.server.info = { protocol: 2 })],
  ["another game", "refused", /does not run arena, it runs pong/, {}, false, (p) => (p.server.info = { protocol: 1, games: ["pong"] })],
  ["neither UDP nor TCP", "unreachable", /neither over UDP nor over TCP/, {}, true, (p) => (p.server.doors = { webtransport: "silent", websocket: "refused" })],
  ["an origin that is refused at the doors", "unreachable", /WebSocket.*--origin https:\/\/play.test:4433/, {}, true, (p) => (p.server.doors = { webtransport: "refused", websocket: "refused" })],
  ["an origin that WebTransport refuses", "certificate", /--origin https:\/\/play.test:4433/, { transports: ["webtransport"] }, true, (p) => (p.server.doors.webtransport = "refused")],
  ["a certificate that is not the pinned one", "certificate", /pinned certificate is another one, or has expired/, { transports: ["webtransport"] }, true,
    (p) => (p.server.doors.webtransport = "refused")],
  ["a pin that is none", "certificate", /64 hexadecimal digits/, { pins: ["abc"] }, true, () => {}],
  ["UDP that is blocked, and nothing else is wanted", "unreachable", /UDP/, { transports: ["webtransport"], timeout: 4000 }, true,
    (p) => (p.server.doors.webtransport = "silent")],
  ["no door", "unreachable", /has no door for this client/, { transports: ["webtransport"] }, false, () => {}],
  ["no welcome", "unreachable", /did not say welcome in time/, { timeout: 2000 }, false, (p) => (p.server.welcomes = false)],
  ["a schema that does not fit", "version", /does not fit this client's types/, {}, false, (p) => {
    const pong = schemaNamed("pong");
    p.server.welcomeWith = { schemaHash: pong.hash, schema: schemaBytes(pong) };
  }],
];

for (const [name, code, says, config, webTransport, set] of wrong) {
  test(`${name}: the error says what to do`, async () => {
    const p = new Play();
    set(p);
    const e = await p.refused(config, webTransport);
    assert.deepEqual([e.code, e.name], [code, "JoinError"]);
    assert.match(e.message, says);
    await p.time.pass(5000);
    assert.equal(p.time.waiting, 0, "no timer is left");
  });
}

for (const [code, want, reason] of [
  [CloseCode.refused, "refused", "the token is not good"], [CloseCode.full, "full", "no free place"], [CloseCode.version, "version", "update the older one"],
  [CloseCode.roomClosed, "room_closed", ""], [CloseCode.shutdown, "shutdown", ""], [77, "refused", "a later code"],
] as const) {
  test(`a hello that is answered with a goodbye of code ${code} is ${want}`, async () => {
    const p = new Play();
    p.server.welcomes = false;
    const refused = p.refused();
    await p.time.pass(300);
    p.server.last.goodbye(code, reason);
    const e = await refused;
    assert.equal(e.code, want);
    assert.ok(e.message.includes(reason));
  });
}

test("a configuration that can't be is a RangeError", async () => {
  for (const config of [{ room: "a", code: "b" }, { existing: true }, { onlyResume: true }, { reconnect: -1 }, { transports: [] }, { room: "x".repeat(65) }, { impair: { loss: 2 } }]) {
    await assert.rejects(new Play().joins(config), RangeError, JSON.stringify(config));
  }
});

test("a page whose WebTransport worked comes back to it: after an outage it is tried first again", async () => {
  const p = await new Play().joins({}, true);
  p.server.doors.webtransport = "silent";
  p.server.last.lose();
  await p.time.pass(1000);
  assert.deepEqual([p.client.transport, p.client.connected], ["websocket", true]);
  p.server.doors.webtransport = "open";
  p.server.last.lose();
  await p.time.pass(1000);
  assert.deepEqual([p.client.transport, p.client.connected, p.client.stats().resumes], ["webtransport", true, 2]);
});

test("a network that begins to block UDP is noticed when the client reconnects, too", async () => {
  const p = await new Play().joins({}, true);
  p.server.doors.webtransport = "silent";
  p.server.last.lose();
  await p.time.pass(1000);
  assert.deepEqual([p.client.transport, p.client.connected], ["websocket", true]);
});

test("a certificate that was renewed is asked for, and no reason for WebSocket", async () => {
  const p = await new Play().joins({}, true);
  p.server.pin = "cd".repeat(32);
  p.server.last.lose();
  await p.time.pass(1000);
  assert.deepEqual([p.client.connected, p.client.transport, p.server.infoAsked], [true, "webtransport", 2]);
});
