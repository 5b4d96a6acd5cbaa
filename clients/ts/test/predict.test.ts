import assert from "node:assert/strict";
import { test } from "node:test";
import { boats, period, random, rockets, speed, steer, Voyage, type Boat } from "./sea.js";

const calm = { delay: 100, jitter: 0, loss: 0 };
const bad = { delay: 80, jitter: 60, loss: 0.1 };

/** near tells whether two numbers are at most a step of the owner's apart. */
function near(got: number, want: number, what: string, most = 0.011): void {
  assert.ok(Math.abs(got - want) <= most, `${what}: ${got}, want ${want}`);
}

function boatOf(v: Voyage): Boat {
  return v.predictor.rows("boat")[0]![1];
}

test("an input shows in the frame in which it is asked for", () => {
  const v = new Voyage(calm);
  v.run(1000);
  const before = [...v.look().table("boat").owned()][0]![1].X;
  assert.equal(before, 500);
  v.now += 8;
  v.steer({ DX: 1, Head: 93 });
  const shown = [...v.look().table("boat").owned()][0]![1];
  assert.ok(shown.X > 500 && shown.X < 500 + speed, `the boat is drawn at ${shown.X}, on its way to ${500 + speed}`);
  assert.equal(boatOf(v).X, 500 + speed, "at the end of the acting tick it is there");
  assert.equal(boatOf(v).Head, 93);
  assert.equal(v.server.boat.X, 500, "the server knows nothing of it yet");
});

test("what is predicted is what the server does", () => {
  for (const [name, path] of [["calm", calm], ["late", { delay: 200, jitter: 30, loss: 0 }]] as const) {
    const v = new Voyage(path);
    const chance = random(7);
    for (let i = 0; i < 60; i++) {
      v.steer({ DX: Math.floor(chance() * 3) - 1, Head: 3 * Math.floor(chance() * 120) });
      v.run(chance() * 300);
    }
    assert.ok(v.predictor.compared > 200, `${name}: only ${v.predictor.compared} ticks were compared`);
    assert.deepEqual(v.predictor.mispredictions(), [], name);
    assert.equal(v.predictor.wrong, 0, name);
  }
});

test("own rows are drawn as evenly as time goes by", () => {
  const v = new Voyage(bad, { seed: 3 });
  v.run(500);
  v.steer({ DX: 1 });
  v.run(300);
  const seen: number[] = [];
  v.frame = (view) => seen.push([...view.table("boat").owned()][0]![1].X);
  v.run(2000);
  const frame = (speed * (1000 / 120)) / period;
  for (let i = 1; i < seen.length; i++) near(seen[i]! - seen[i - 1]!, frame, `frame ${i}`, 0.05);
});

test("after a correction the own row is the server's", () => {
  const v = new Voyage(bad, { seed: 11 });
  const chance = random(5);
  v.server.decide = (s) => {
    if (s.tick % 40 === 0) s.boat.X = Math.max(0, s.boat.X - 4); // a wave that nobody predicts
  };
  for (let i = 0; i < 80; i++) {
    v.steer({ DX: Math.floor(chance() * 3) - 1 });
    v.run(chance() * 200);
  }
  v.server.decide = () => undefined;
  v.steer({ DX: 0 });
  v.run(2000);
  near(boatOf(v).X, v.server.boat.X, "the boat");
  near([...v.look().table("boat").owned()][0]![1].X, v.server.boat.X, "the boat as it is drawn");
  const [x] = v.predictor.mispredictions();
  assert.ok(x !== undefined && x.table === "boat" && x.field === "X" && x.count >= 5, JSON.stringify(x));
  assert.ok(x.largest >= 3.9 && x.largest < 10, `the largest is ${x.largest}`);
});

test("corrections are eased, and what is far away is there at once", () => {
  for (const [push, teleport, eased] of [[10, undefined, true], [40, undefined, false], [40, 50, true], [10, -1, false]] as const) {
    const v = new Voyage(calm, { easeTime: 200, ...(teleport === undefined ? {} : { teleport }) });
    v.run(500);
    v.server.decide = (s) => {
      if (s.tick === 130) s.boat.X += push;
    };
    const seen: number[] = [];
    v.frame = (view) => seen.push([...view.table("boat").owned()][0]![1].X);
    v.run(2000);
    const jump = Math.max(...seen.map((x, i) => (i === 0 ? 0 : x - seen[i - 1]!)));
    assert.equal(jump < push / 5, eased, `pushed by ${push}, it jumps by ${jump}`);
    near(seen[seen.length - 1]!, 500 + push, "in the end");
    assert.ok(seen.every((x, i) => i === 0 || x >= seen[i - 1]! - 0.01), "it comes closer with each frame");
  }
});

test("a row that an input makes is there at once, and goes on as the server's", () => {
  const v = new Voyage(calm);
  v.run(500);
  v.steer({ Fire: true });
  v.run(1);
  v.look();
  const made = v.predictor.rows("rocket");
  assert.equal(made.length, 1);
  assert.ok(made[0]![0] < 0, "its id is provisional");
  const ids = new Set<number>();
  const seen: number[] = [];
  v.frame = (view) => {
    const first = [...view.table("rocket").all()].reduce((a, b) => (b[1].X > a[1].X ? b : a));
    ids.add(first[0]);
    seen.push(first[1].X);
  };
  v.run(period * 2);
  v.steer({ Fire: false });
  v.run(1000);
  assert.ok([...ids].some((id) => id < 0) && [...ids].some((id) => id > 0), "provisional first, then the server's");
  assert.ok(seen.every((x, i) => i === 0 || (x >= seen[i - 1]! && x - seen[i - 1]! < 0.5)), "it flies on without a jump");
  assert.equal(v.predictor.rows("rocket").length, v.server.rows.filter((r) => r.table === rockets).length);
  assert.deepEqual(v.predictor.mispredictions(), []);
});

test("what is not predicted as the server has it is told by table and field", () => {
  const v = new Voyage(calm, {
    step(own, input) {
      steer(own, input);
      for (const [, boat] of own.rows("boat")) boat.Fuel += 2;
    },
  });
  v.run(500);
  v.steer({ Fire: true });
  v.run(40);
  v.steer({ Fire: false });
  v.run(500);
  const found = v.predictor.mispredictions();
  assert.deepEqual(found.map((f) => `${f.table} ${f.field}`), ["boat Fuel"]);
  assert.ok(found[0]!.largest >= 2 && v.predictor.wrong > 10 && v.predictor.wrong <= v.predictor.compared);
});

test("what is off by less than a field's step is no misprediction", () => {
  const v = new Voyage(calm, {
    step(own, input) {
      steer(own, input);
      for (const [, boat] of own.rows("boat")) boat.X += 0.01 * input.DX;
    },
  });
  v.run(500);
  v.steer({ DX: 1 });
  v.run(500);
  assert.deepEqual(v.predictor.mispredictions(), []);
});

test("a row that nobody predicted, or that never came, is a misprediction", () => {
  const v = new Voyage(calm, {
    step(own, input) {
      if (input.Fire) own.insert("rocket", { X: 1 });
      if (input.Head > 0) own.insert("rocket", { X: 1 });
    },
  });
  v.run(500);
  v.steer({ Head: 3 }); // predicted, and not made
  v.run(40);
  v.steer({ Head: 0 });
  v.run(500);
  const rows = v.predictor.mispredictions().find((f) => f.field === "row")!;
  assert.deepEqual([rows.table, rows.latest.predicted, rows.latest.server], ["rocket", "there", "none"]);
  assert.equal(v.predictor.rows("rocket").length, 0, "it is gone");
});

test("own rows wait until the server has told all of them; a removal does not", () => {
  const v = new Voyage(calm);
  v.run(500);
  v.steer({ DX: 1 });
  v.run(100);
  const before = boatOf(v).X;
  v.server.tick++;
  v.server.boat.X = 900;
  v.predictor.applied(v.replica.apply(v.server.datagram(true, false)), v.acting, v.now);
  v.predictor.predict(v.acting);
  assert.equal(v.replica.row<Boat>(boats, 0)!.X, 900);
  assert.equal(boatOf(v).X, before, "a datagram that does not say that it has all own rows changes nothing");
  v.server.rows = v.server.rows.filter((r) => !(r.table === boats && r.mine));
  v.server.tick++;
  v.predictor.applied(v.replica.apply(removal(v)), v.acting, v.now);
  v.predictor.predict(v.acting);
  assert.equal(v.predictor.rows("boat").length, 0);
});

/** removal is a datagram that takes the own boat away. */
function removal(v: Voyage): Uint8Array {
  const bytes = [...v.server.datagram(false)];
  bytes.push(boats, 2, 1, 0, 0); // table, class public and kind removed, one record: gap 0, age 0
  return Uint8Array.from(bytes);
}

test("a step that throws costs its predictions, until the next word of the server", () => {
  let broken = true;
  let calls = 0;
  const v = new Voyage(calm, {
    step(own, input) {
      calls++;
      if (broken && input.DX > 0) throw new Error("a mistake of the game's");
      steer(own, input);
    },
  });
  v.run(500);
  v.steer({ DX: 1 });
  v.run(300);
  assert.match(String(v.predictor.error), /a mistake of the game's/);
  near(boatOf(v).X, v.server.boat.X, "the boat is as the server said, some ticks ago", 20);
  calls = 0;
  for (let i = 0; i < 9; i++) v.look();
  assert.equal(calls, 0, "it is not tried again before that");
  broken = false;
  v.run(300);
  assert.ok(boatOf(v).X > v.server.boat.X, "and ahead of it again");
});

test("without a step, or switched off, own rows are as the server said", () => {
  const off = new Voyage(calm, { step: undefined });
  const v = new Voyage(calm);
  for (const one of [off, v]) {
    one.run(500);
    one.steer({ DX: 1 });
    one.predictor.on = one === v;
    one.run(1000);
  }
  assert.ok(off.server.boat.X - boatOf(off).X > 2 * speed, "some ticks behind the server");
  assert.ok(boatOf(v).X - v.server.boat.X > 2 * speed, "some ticks ahead");
  v.predictor.on = false;
  v.run(200);
  assert.ok(v.server.boat.X - boatOf(v).X > 2 * speed, "behind, once it is off");
  v.predictor.on = true;
  v.run(200);
  assert.ok(boatOf(v).X - v.server.boat.X > 2 * speed, "and ahead again");
});

test("inputs are rounded as they travel before they are predicted with", () => {
  const v = new Voyage(calm);
  v.run(500);
  v.steer({ Head: 91 });
  v.predictor.predict(v.acting);
  assert.equal(boatOf(v).Head, 90);
  v.run(500);
  assert.equal(boatOf(v).Head, 90);
});

test("a table that the game does not have is an error that names it", () => {
  const v = new Voyage(calm, { step: (own) => void own.rows("ship" as never) });
  v.run(500);
  assert.match(String(v.predictor.error), /no table ship/);
});
