import assert from "node:assert/strict";
import { test } from "node:test";
import { Class, entityId, Field, FieldKind, OwnRows, parseSchema, Replica, RowBuffer, Screen, Table, type Mode, type Schema, type View } from "../src/index.js";
import { TableShow, type Known } from "../src/shown.js";
import { ViewTime } from "../src/viewtime.js";
import { float, period, random, Voyage } from "./sea.js";
import { stateBytes } from "./server.js";
import { golden, unhex, type ReckonFile } from "./vectors.js";

/** What the stage shows: its coordinates are gone along, and so is its heading. */
interface Fish {
  readonly X: number;
  readonly Y: number;
  readonly Head: number;
  readonly Mood: number;
  readonly Name: string;
}

interface PondTypes {
  tables: { fish: Fish };
  singletons: never;
  input: object;
}

const no = { audience: 0, min: 0, max: 0, step: 0, ownStep: 0, wrap: false, tolerance: 0, velocity: 0, base: 0n, top: 0n };
const pond: Schema = {
  game: "pond",
  tables: [new Table("fish", 0, 1, [
    float("X", 1000, 0.01), float("Y", 1000, 0.01), float("Head", 360, 0.1, { wrap: true }),
    new Field({ ...no, name: "Mood", kind: FieldKind.uint, top: 255n }), new Field({ ...no, name: "Name", kind: FieldKind.text, top: 8n }),
  ])],
  input: new Table("none", -1, -1, []), events: [], messages: [], requests: [], hash: 2n,
};
const fish = pond.tables[0]!;

/** A fish of the stage: what it is at a tick, and every how many ticks a record tells of it. */
interface Swimmer {
  at: (tick: number) => Fish | undefined;
  every: number;
}

const straight = (every: number): Swimmer => ({ every, at: (tick) => ({ X: tick, Y: 5, Head: 0, Mood: 0, Name: "carp" }) });

/** Stage runs a screen without a network: records arrive late, or not at all, and frames are drawn 120 times a second. */
class Stage {
  readonly replica = new Replica(pond, { epoch: 1, tick: 0, nextSequence: 1, ageMax: 64, eventTicks: 8, tickPeriodNanoseconds: period * 1e6 });
  readonly own = new OwnRows(pond);
  readonly screen: Screen<PondTypes>;
  lag: (tick: number) => number = () => 0;
  lost: (tick: number) => boolean = () => false;
  readonly frames: { at: number; row: Fish | undefined }[][];
  private readonly swimmers: Swimmer[];
  private readonly told: number[];
  private sequence = 0;

  constructor(swimmers: Swimmer[], mode?: Mode) {
    this.swimmers = swimmers;
    this.told = swimmers.map(() => 0);
    this.frames = swimmers.map(() => []);
    this.screen = new Screen<PondTypes>(this.replica, { tickPeriodNanoseconds: period * 1e6, shownAs: { fish: mode } });
  }

  run(ticks: number): void {
    const way: { tick: number; due: number }[] = [];
    for (let tick = 1; tick <= ticks; tick++) if (!this.lost(tick)) way.push({ tick, due: tick * period + this.lag(tick) });
    way.sort((a, b) => a.due - b.due);
    for (let now = 0; now < ticks * period; now += 1000 / 120) {
      while (way.length > 0 && way[0]!.due <= now) this.arrive(way.shift()!);
      const view = this.screen.draw(this.own, now);
      this.frames.forEach((frames, i) => {
        const row = view.table("fish").get(entityId(i, 1));
        frames.push({ at: this.screen.at, row: row && { ...row } });
      });
    }
  }

  /** arrive brings the records of a tick, as far as they change something and are newer than those before. */
  arrive(d: { tick: number; due: number }): void {
    const sections: { table: string; class: string; kind: string; records: object[] }[] = [];
    this.swimmers.forEach((s, index) => {
      const [now, before] = [s.at(d.tick), this.told[index] === 0 ? undefined : s.at(this.told[index]!)];
      const same = now === undefined ? before === undefined : JSON.stringify(now) === JSON.stringify(before);
      if (this.told[index]! >= d.tick || same || (now && before && (d.tick + index) % s.every !== 0)) return;
      this.told[index] = d.tick;
      sections.push({ table: "fish", class: "public", kind: now ? "full" : "removed", records: [now ? { index, generation: 1, columns: columnsOf(now) } : { index, age: 0 }] });
    });
    this.send(d.tick, sections, d.due);
  }

  send(tick: number, sections: object[], now: number): void {
    const header = { epoch: 1, sequence: ++this.sequence, tick, ownComplete: false, viewComplete: false, hasInput: false, inputTick: 0, margin: 0 };
    this.screen.applied(this.replica.apply(stateBytes(pond, { header, sections: sections as never })), now);
  }

  /** The frames of a swimmer from a view time on. */
  settled(i: number, from: number): { at: number; row: Fish | undefined }[] {
    return this.frames[i]!.filter((f) => f.at >= from);
  }
}

function columnsOf(f: Fish): object[] {
  const b = new RowBuffer();
  fish.shape.write(f, b.words, b.texts);
  return [...fish.classColumns(Class.public)].map((column) => (fish.columns[column]!.textAt < 0 ? { column, word: b.words[column] } : { column, word: 0, text: f.Name }));
}

test("linear motion is shown as a line", () => {
  for (const [name, jitter, loss] of [["calm", 0, 0], ["jitter", 60, 0], ["loss", 0, 0.05], ["both", 60, 0.05]] as const) {
    const s = new Stage([straight(1), straight(2), straight(4)]);
    s.lag = (tick) => 40 + random(tick * 977)() * jitter;
    s.lost = (tick) => random(tick * 7919 + 3)() < loss;
    s.run(900);
    s.frames.forEach((_, i) => {
      const frames = s.settled(i, 60);
      let [off, worst] = [0, 0];
      frames.forEach((f, n) => {
        assert.ok(f.row !== undefined && f.row.Y === 5 && f.row.Name === "carp", `${name}: at ${f.at} it is ${JSON.stringify(f.row)}`);
        const by = Math.abs(f.row.X - f.at);
        worst = Math.max(worst, by);
        if (by > 0.03) off++;
        assert.ok(n === 0 || f.row.X >= frames[n - 1]!.row!.X, `${name}: at ${f.at} it goes back`);
      });
      const every = [1, 2, 4][i]!;
      assert.ok(frames.length > 2000 && off / frames.length <= 0.06 && worst <= 2 * every, `${name}, told every ${every} ticks: off the line in ${off} of ${frames.length} frames, at most by ${worst}`);
      if (name === "calm") assert.equal(off, 0, `told every ${every} ticks on a calm network`);
    });
  }
});

test("others are shown without jumps on a bad network", () => {
  const v = new Voyage({ delay: 80, jitter: 60, loss: 0.1 }, { seed: 9 });
  v.server.decide = (s) => (s.other.X += 2);
  v.run(3000);
  const seen: number[] = [];
  v.frame = (view) => seen.push([...view.table("boat").all()].find(([id]) => id === entityId(1, 1))![1].X);
  v.run(8000);
  const even = (2 * (1000 / 120)) / period;
  let rough = 0;
  for (let i = 1; i < seen.length; i++) {
    const by = seen[i]! - seen[i - 1]!;
    assert.ok(by >= 0 && by <= even + 2, `in frame ${i} it goes by ${by}: more than what comes too late by a tick`);
    if (Math.abs(by - even) > 0.1 * even + 0.03) rough++;
  }
  assert.ok(rough < seen.length * 0.08, `${rough} of ${seen.length} frames are uneven`);
  assert.ok(v.screen.delay > 1 && v.screen.delay < 8 && v.screen.dry < 30, `${v.screen.delay} ticks behind, dry ${v.screen.dry} times`);
});

test("an angle goes the short way", () => {
  const s = new Stage([{ every: 1, at: (tick) => ({ X: tick, Y: 0, Head: (tick * 10) % 360, Mood: 0, Name: "" }) }]);
  s.run(200);
  let between = 0;
  for (const f of s.settled(0, 40)) {
    const want = (f.at * 10) % 360;
    const by = f.row!.Head - want;
    assert.ok(Math.abs(by - 360 * Math.round(by / 360)) <= 0.2, `at ${f.at} it heads for ${f.row!.Head}, want ${want}`);
    if (want > 350) between++;
  }
  assert.ok(between > 0);
});

test("what rested does not slide over its rest", () => {
  const at = (t: number) => Math.min(t, 50) + Math.max(t, 150) - 150;
  const s = new Stage([{ every: 1, at: (tick) => ({ X: at(tick), Y: 0, Head: 0, Mood: 0, Name: "" }) }]);
  s.run(300);
  for (const f of s.settled(0, 40)) assert.ok(Math.abs(f.row!.X - at(f.at)) <= 0.02, `at ${f.at} it is at ${f.row!.X}`);
});

test("one that comes and goes does so at its view time", () => {
  const s = new Stage([straight(1), {
    every: 1, at: (tick) => (tick >= 60 && tick < 120 ? { X: tick, Y: 0, Head: 0, Mood: Math.floor(tick / 60), Name: "" } : undefined),
  }]);
  s.run(200);
  for (const f of s.settled(1, 20)) {
    assert.equal(f.row !== undefined, f.at >= 60 && f.at < 120, `at ${f.at}`);
    if (f.row) assert.equal(f.row.Mood, 1);
  }
});

test("extrapolation is bounded", () => {
  for (const [mode, most] of [["interpolate", 100], ["extrapolate", 108], ["latest", 100]] as const) {
    const s = new Stage([straight(1)], mode);
    s.lost = (tick) => tick > 100;
    s.run(160);
    const last = s.frames[0]![s.frames[0]!.length - 1]!;
    assert.ok(Math.abs(last.row!.X - most) <= 0.05, `${mode}: long after the last record it is at ${last.row!.X}, want ${most}`);
  }
});

test("what is extrapolated goes on by its former way, for eight ticks, and is the newest again when interpolation is off", () => {
  const show = new TableShow(fish, "extrapolate", 1e9 / 30);
  const known = (tick: number, x: number): Known => {
    const b = new RowBuffer();
    fish.shape.write({ X: x, Y: 0, Head: 0, Mood: 0, Name: "" }, b.words, b.texts);
    return { tick, rowClass: Class.public, words: b.words, wordsFrom: 0, texts: b.texts, textsFrom: 0 };
  };
  const [before, from] = [known(10, 100), known(12, 200)];
  for (const [at, want] of [[12, 200], [14, 300], [20, 600], [40, 600]] as const) {
    const row = { X: 0, Y: 0, Head: 0, Mood: 0, Name: "" };
    show.show(row, { before, from, to: undefined }, at * 128, "extrapolate");
    assert.ok(Math.abs(row.X - want) < 0.01, `at ${at} it is at ${row.X}, want ${want}`);
  }
  const s = new Stage([straight(1)], "extrapolate");
  s.lost = (tick) => tick > 100;
  s.run(160);
  s.screen.interpolating = false;
  assert.equal(s.screen.draw(s.own, 160 * period).table("fish").get(entityId(0, 1))!.X, 100);
});

test("one that is told of more often than is kept is shown as the oldest that is known", () => {
  const s = new Stage([straight(1)]);
  s.run(100);
  const at = s.screen.at;
  for (let tick = 101; tick < 101 + 64; tick++) s.arrive({ tick, due: tick * period });
  const row = s.screen.draw(s.own, 100 * period).table("fish").get(entityId(0, 1))!;
  assert.ok(s.screen.at < at + 2);
  assert.equal(row.X, 133);
});

test("own rows are shown as they are, and others at their view time", () => {
  const s = new Stage([]);
  const put = (tick: number, rowClass: string) =>
    s.send(tick, [{ table: "fish", class: rowClass, kind: "full", records: [{ index: 3, generation: 1, columns: columnsOf({ X: tick, Y: 0, Head: 0, Mood: 0, Name: "" }) }] }], tick * period);
  const look = (tick: number): View<PondTypes> => {
    s.own.begin(tick);
    if (tick >= 20 && tick < 40) s.own.add(0, entityId(3, 1), 0, 0).pair[1] = { X: tick };
    return s.screen.draw(s.own, tick * period);
  };
  for (let tick = 1; tick < 40; tick++) {
    put(tick, tick < 20 ? "public" : "own");
    const t = look(tick).table("fish");
    const row = t.get(entityId(3, 1))!;
    assert.equal([...t.owned()].length, tick < 20 ? 0 : 1);
    assert.equal(t.size, 1);
    if (tick > 10 && tick < 20) assert.ok(row.X < tick, "another's is some ticks behind");
    if (tick >= 20) assert.equal(row.X, tick);
  }
  put(40, "public");
  assert.equal(look(40).table("fish").get(entityId(3, 1))!.X, 40, "once it is nobody's it is shown at once");
  s.send(41, [{ table: "fish", class: "public", kind: "removed", records: [{ index: 3, age: 0 }] }], 41 * period);
  assert.equal(look(41).table("fish").size, 1, "another's row is not gone before its view time");
  assert.equal(look(60).table("fish").size, 0);
});

test("interpolation may be switched off and on", () => {
  const v = new Voyage({ delay: 50, jitter: 0, loss: 0 });
  v.server.decide = (s) => (s.other.X += 2);
  const x = () => [...v.look().table("boat").all()].find(([id]) => id === entityId(1, 1))![1].X;
  v.run(2000);
  const newest = () => v.replica.row<{ X: number }>(0, 1)!.X;
  assert.ok(newest() - x() > 0.2, "the view time is behind");
  assert.equal(v.screen.shows(v.replica.tick), false);
  v.screen.interpolating = false;
  assert.equal(x(), newest());
  assert.equal(v.screen.shows(v.replica.tick), true);
  assert.equal(v.screen.seen(), v.replica.tick * 128);
  v.screen.interpolating = true;
  v.run(500);
  assert.ok(newest() - x() > 0.2, "and again");
});

test("the server is told what was on the screen when the player acted", () => {
  const v = new Voyage({ delay: 50, jitter: 0, loss: 0 });
  assert.equal(v.screen.seen(), 100 * 128, "before the first frame, the newest tick");
  v.run(1000);
  v.look();
  const then = Math.floor(v.screen.at * 128);
  v.screen.acted();
  v.now += 20;
  v.look();
  assert.ok(v.screen.at * 128 > then);
  assert.equal(v.screen.seen(), then, "what was on the screen then");
  assert.equal(v.screen.seen(), Math.floor(v.screen.at * 128), "what is repeated is as of now");
});

test("a new epoch begins with nothing to show", () => {
  const s = new Stage([straight(1)]);
  s.run(50);
  assert.equal(s.screen.draw(s.own, 50 * period).table("fish").size, 1);
  const header = { epoch: 2, sequence: 999, tick: 51, ownComplete: false, viewComplete: false, hasInput: false, inputTick: 0, margin: 0 };
  s.screen.applied(s.replica.apply(stateBytes(pond, { header, sections: [] })), 51 * period);
  assert.equal(s.screen.draw(s.own, 51 * period).table("fish").size, 0);
});

test("dead-reckoned fields are shown by their formula", () => {
  const flock = parseSchema(unhex(golden<ReckonFile>("wire/reckon.json").schema.hex)).tables[0]!;
  const { first, members } = flock.group!;
  const show = new TableShow(flock, "interpolate", 1e9 / 30);
  const field = flock.fields[members[0]!.field]!;
  const known = (tick: number, position: number, velocity: number): Known => {
    const words = new Uint32Array(flock.columns.length);
    words[first] = tick;
    members.forEach((m, i) => (words[first + 2 + 2 * i] = m.still));
    [words[first + 1], words[first + 2]] = [position, members[0]!.still + velocity];
    return { tick, rowClass: Class.public, words, wordsFrom: 0, texts: [""], textsFrom: 0 };
  };
  const x = (at: number, from: Known, to?: Known) => {
    const row = flock.shape.read(Class.public, from);
    show.show(row, { before: undefined, from, to }, at * 128, "interpolate");
    return flock.shape.leaves[members[0]!.field]!.get(row) as number;
  };
  const gull = known(1000, 5000, 60); // ten steps of the position in a tick
  const step = field.step;
  const near = (got: number, want: number, what: string) => assert.ok(Math.abs(got - (field.min + want * step)) < step / 100, `${what}: ${got}, want ${field.min + want * step}`);
  near(x(1000, gull), 5000, "at its base");
  near(x(1006, gull), 5060, "by its base");
  near(x(1006.25, gull), 5062.5, "between ticks");
  near(x(1000.5, gull, known(1001, 5008, -60)), 5004, "towards a new base");
  near(x(1000.75, gull, known(1001, 30000, 60)), 5000, "what is put elsewhere jumps");
  assert.equal(show.moves(gull), true);
  assert.equal(show.moves(known(1000, 5000, 0)), false);
});

/** arrivals feeds a ViewTime with ticks whose datagrams come as late as a function says, and looks at it 120 times a second. */
class Arrivals {
  readonly time = new ViewTime(period);
  now = 0;
  next = 1;
  wait = 1;
  lag: (tick: number) => number = () => 50;
  gone: (tick: number) => boolean = () => false;
  looks: (at: number) => void = () => undefined;
  private known = 0;

  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now += 1000 / 120) {
      for (; this.next * period + this.lag(this.next) <= this.now; this.next++) {
        if (this.gone(this.next)) continue;
        this.time.heard(this.next, Math.min(this.wait * (this.next - this.known), Math.max(this.wait, 2)), this.next * period + this.lag(this.next));
        this.known = this.next;
      }
      const before = this.time.at;
      const at = this.time.advance(this.now);
      assert.ok(at >= before, `the view time went back from ${before} to ${at}`);
      this.looks(at);
    }
  }
}

test("the delay is what the network needs", () => {
  const chance = random(1);
  for (const [name, jitter, wait, loss, least, most] of [
    ["steady", 0, 1, 0, 1, 1.25], ["steady, a tenth lost", 0, 1, 0.1, 2, 2.25], ["steady, every fourth tick", 0, 4, 0, 4, 4.25],
    ["nothing to wait for", 0, 0, 0, 0, 0.25], ["jitter of two ticks", 2, 1, 0, 2.7, 3.25],
  ] as const) {
    const a = new Arrivals();
    a.wait = wait;
    a.lag = (n) => 50 + random(n * 104729)() * jitter * period;
    a.gone = () => chance() < loss;
    a.run(10_000);
    const behind = a.now / period - 1.5 - a.time.advance(a.now);
    assert.ok(behind >= least && behind <= most, `${name}: ${behind} ticks behind what came the quickest way, want ${least} to ${most}`);
    if (wait > 0) assert.ok(a.time.dries <= 6, `${name}: dry ${a.time.dries} times`);
  }
});

test("the delay grows at once and shrinks slowly", () => {
  let extra = 0;
  const a = new Arrivals();
  a.lag = (n) => 50 + ((n % 3) * extra) / 2;
  a.run(5000);
  const calm = a.time.delay;
  extra = 3 * period;
  a.run(1000);
  assert.ok(a.time.delay >= calm + 2.5 && a.time.delay <= calm + 3.5);
  const { dries } = a.time;
  a.run(5000);
  assert.equal(a.time.dries, dries);
  extra = 0;
  let [before, fastest] = [a.time.at, 0];
  a.looks = (at) => {
    fastest = Math.max(fastest, ((at - before) * 120) / 30);
    before = at;
  };
  a.run(10_000);
  assert.ok(a.time.delay <= calm + 0.1 && fastest <= 1.051, `${a.time.delay}, ${fastest} times as fast`);
});

test("an outage is jumped over, and ticks that came to a halt are no jitter", () => {
  const a = new Arrivals();
  a.lag = () => 20;
  a.run(5000);
  const cut = a.next;
  a.gone = (n) => n < cut + 90;
  a.run(2000);
  assert.deepEqual([a.time.at, a.time.dries], [cut - 1 + 8, 1]);
  a.run(1200);
  assert.ok(a.time.newest - a.time.at >= 0 && a.time.newest - a.time.at <= 2.5);
  let halt = 0;
  const b = new Arrivals();
  b.lag = () => 20 + halt;
  b.run(5000);
  const { delay } = b.time;
  halt = 3000;
  b.run(8000);
  assert.ok(Math.abs(b.time.delay - delay) <= 0.1 && Math.abs(b.time.newest - b.time.at - 1) <= 1.2);
});
