import assert from "node:assert/strict";
import { test } from "node:test";
import { act, createElement, StrictMode } from "react";
import { create } from "react-test-renderer";
import { Class, JoinError, type Client } from "../src/index.js";
import { useConnection, useEntities, useOwned, useSingleton, type Connection, type Entities } from "../src/react.js";
import { arena, mover, Play, schema, type Arena, type Mover } from "./play.js";

const frames: (() => void)[] = [];

Object.assign(globalThis, {
  IS_REACT_ACT_ENVIRONMENT: true,
  requestAnimationFrame: (f: () => void) => frames.push(f),
});

/** frame draws one, and lets React render what it has changed. */
async function frame(): Promise<number> {
  const due = frames.splice(0);
  await act(async () => due.forEach((f) => f()));
  return due.length;
}

/** rendered puts a component that uses a hook on the screen, and collects what the hook gives at each rendering. */
async function rendered<V, P extends object>(hook: (props: P) => V, props: P, strict = false) {
  const seen: V[] = [];
  function Component(p: P) {
    seen.push(hook(p));
    return null;
  }
  const element = (p: P) => (strict ? createElement(StrictMode, null, createElement(Component, p)) : createElement(Component, p));
  let root!: ReturnType<typeof create>;
  await act(async () => void (root = create(element(props))));
  return {
    seen, last: () => seen.at(-1)!,
    update: (p: P) => act(async () => root.update(element(p))),
    unmount: () => act(async () => root.unmount()),
  };
}

/** A ship's columns, as its owner has them. */
function shipColumns() {
  const table = schema.tables.find((t) => t.name === "ship")!;
  return Array.from(table.classColumns(Class.own), (column) => ({ column, word: 1, ...(table.columns[column]!.textAt < 0 ? {} : { text: "Ann" }) }));
}

const headings = (movers: Entities<Mover>) => movers.map(([, m]) => m.Heading);

test("a component renders again when its rows have changed, at most once per frame", async () => {
  const play = await new Play().joins();
  const { client } = play;
  const view = await rendered(() => useEntities(client, "mover"), {});
  assert.deepEqual(view.seen, [[]]);

  play.tells(mover(1, 10));
  await play.time.pass(100);
  play.tells(mover(2, 20));
  await play.time.pass(100);
  assert.equal(view.seen.length, 1, "nothing is rendered before the frame");
  assert.equal(await frame(), 1, "two datagrams ask for one frame");
  assert.equal(view.seen.length, 2);
  assert.deepEqual(headings(view.last()), [30, 60]);

  const [first] = view.last();
  play.server.tick++;
  play.tells(mover(2, 30));
  await play.time.pass(100);
  await frame();
  assert.deepEqual(headings(view.last()), [30, 90]);
  assert.equal(view.last()[0], first, "what has not changed is the same object");

  await view.unmount();
  play.tells(mover(3, 1));
  await play.time.pass(100);
  assert.equal(await frame(), 0, "nobody listens any more");
  const again = await rendered(() => useEntities(client, "mover"), {});
  assert.equal(again.last().length, 3, "who comes later sees what happened meanwhile");
  await again.unmount();
  await client.close();
});

test("with a selector only what it selects counts", async () => {
  const play = await new Play().joins();
  const view = await rendered(
    ({ least }: { least: number }) => useEntities(play.client, "mover", (movers) => movers.filter(([, m]) => m.Heading >= least)), { least: 60 });
  const at = async (index: number, heading: number) => {
    play.tells(mover(index, heading / 3));
    await play.time.pass(100);
    await frame();
  };
  await at(1, 60);
  const [count, list] = [view.seen.length, view.last()];
  assert.deepEqual(headings(list), [60]);
  await at(2, 30);
  assert.equal(view.seen.length, count, "a mover that is not selected renders nothing");
  await view.update({ least: 60 });
  assert.equal(view.last(), list, "another selector of the same result gives the same object");
  await view.update({ least: 0 });
  assert.deepEqual(headings(view.last()), [60, 30]);
  await view.unmount();
  await play.client.close();
});

test("own rows and singletons, and no client yet", async () => {
  const play = await new Play().joins();
  interface Props { client: Client<Arena> | undefined }
  const view = await rendered(({ client }: Props) => ({ own: useOwned(client, "ship"), all: useEntities(client, "ship", (s) => s.length) }), { client: undefined } as Props);
  assert.deepEqual(view.last(), { own: [], all: 0 });
  await view.update({ client: play.client });
  play.tells({ table: "ship", class: "own", kind: "full", records: [{ index: 4, generation: 1, columns: shipColumns() }] }, mover(1, 1));
  await play.time.pass(100);
  await frame();
  assert.deepEqual([view.last().own.map(([, ship]) => ship), view.last().all], [[...play.client.table("ship").owned()].map(([, ship]) => ship), 1]);
  assert.equal(view.last().own.length, 1);
  await view.unmount();
  const rules = await rendered(() => useSingleton(play.client as unknown as Client<Omit<Arena, "singletons"> & { singletons: "mover" }>, "mover"), {});
  assert.equal(rules.last()?.Heading, 3);
  await rules.unmount();
  await play.client.close();
});

/** passes lets the play's time pass, and React render. */
const passes = (play: Play, ms: number) => act(async () => play.time.pass(ms));

test("a component that comes joins, and one that goes leaves, in strict mode too", async () => {
  for (const strict of [false, true]) {
    const play = new Play();
    const config = { environment: play.server.environment(false) };
    const view = await rendered(() => useConnection(arena, config), {}, strict);
    assert.equal(view.last().status, "joining");
    await passes(play, 1000);
    const { status, client, error } = view.last();
    assert.deepEqual([status, error], ["joined", undefined]);
    assert.equal(client!.connected, true);
    await view.unmount();
    assert.equal(await client!.done, undefined, "it was closed");
    await passes(play, 1000);
  }
});

test("a join that fails says why, and another value joins again", async () => {
  const play = new Play();
  const environment = play.server.environment(false);
  const view = await rendered(
    ({ url }: { url: string }): Connection<Arena> => useConnection(arena, { environment, url }, [url]), { url: "nowhere" });
  assert.equal(view.last().status, "ended");
  assert.ok(view.last().error instanceof JoinError);
  assert.match(view.last().error!.message, /"nowhere" is no address/);
  await view.update({ url: "http://127.0.0.1:4433" });
  assert.equal(view.last().status, "joining");
  await passes(play, 1000);
  assert.equal(view.last().status, "joined");
  await view.unmount();
});
