import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox } from "../src/inbox.js";
import { Listeners, Mailbox, type Unsubscribe } from "../src/listeners.js";
import { mover, Play, still } from "./play.js";

// What those who listen may do without harm.

const fails = (e: unknown) => assert.fail(String(e));

test("a listener that listens anew is told once of each", () => {
  const l = new Listeners<[number]>(fails);
  const told: number[] = [];
  let off: Unsubscribe;
  const again = (n: number) => {
    off();
    told.push(n);
    if (told.length < 10) off = l.add(again);
  };
  off = l.add(again);
  l.tell(1);
  l.tell(2);
  assert.deepEqual(told, [1, 2]);
});

test("a listener that another one has removed is not told", () => {
  const l = new Listeners<[number]>(fails);
  const told: string[] = [];
  l.add(() => off());
  const off = l.add(() => told.push("second"));
  l.tell(1);
  assert.deepEqual(told, []);
});

test("what is kept for the first listener waits for one that stays", async () => {
  const box = new Mailbox<[number]>(fails);
  const told: number[] = [];
  box.tell(1);
  box.add(() => assert.fail("it is gone"))();
  await Promise.resolve();
  box.add((n) => told.push(n));
  await Promise.resolve();
  box.tell(2);
  assert.deepEqual(told, [1, 2]);
});

test("a listener of a table that throws is reported, and the session goes on", async () => {
  const p = new Play();
  const reported: unknown[] = [];
  await p.joins({ environment: { ...p.server.environment(), report: (e) => reported.push(e) } });
  const seen: number[] = [];
  p.client.table("mover").on("add", () => {
    throw new Error("a bug of the game's");
  });
  p.client.table("mover").on("add", (id) => seen.push(id % 1024));
  p.server.starts();
  p.client.send(still);
  p.tells(mover(5, 10));
  await p.time.pass(500);
  assert.deepEqual([String(reported), seen, p.client.connected], ["Error: a bug of the game's", [5], true]);
});

test("an event is fired once, though who listens draws", () => {
  const inbox = new Inbox(fails);
  const told: number[] = [];
  let shown = 1;
  const draw = () => inbox.due((tick) => tick <= shown);
  inbox.onEvent("shot", (tick) => {
    told.push(tick);
    shown++;
    draw();
  });
  for (const tick of [1, 2, 5]) inbox.shown("shot", tick, {});
  draw();
  assert.deepEqual(told, [1, 2]);
  inbox.forget();
  shown = 9;
  draw();
  assert.deepEqual(told, [1, 2], "what was forgotten is not fired");
});
