import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../src/clock.js";
import { LossMeter, RoundTripMeter } from "../src/meters.js";
import { SentInputs } from "../src/sent.js";
import { emptyHeader } from "../src/state.js";
import { Timing } from "../src/timing.js";

// The cases are those of the Go client's timing_test.go, as far as they do not concern its wait.

const period = 1000 / 30;

/** The lead that the tests begin with: 60 ms are 1.8 ticks, and half a tick more makes it three. */
const leadFirst = 3;

/** Pace is timing in a time of its own, beginning at tick 100. */
class Pace extends Timing {
  constructor(roundTrip = 60) {
    super(100, roundTrip, period, 0);
  }

  /** The moment at which a tick usually comes. */
  when(tick: number): number {
    return (tick - 100) * period;
  }

  /** hears takes a header at its tick's moment, or so much later. */
  hears(tick: number, inputTick: number, margin: number, late = 0): void {
    this.heard({ ...emptyHeader(), tick, hasInput: true, inputTick, margin }, this.when(tick) + late);
  }

  /** sends is the tick of the input that leaves at once. */
  sends(tick: number): number {
    return this.next(this.when(tick));
  }

  /** settle lets ticks pass in which each input was so early, and returns the one after them. */
  settle(from: number, ticks: number, margin: number): number {
    for (let tick = from; tick < from + ticks; tick++) {
      this.hears(tick, Math.max(this.stamped, tick), margin);
      this.sends(tick);
    }
    return from + ticks;
  }
}

test("the lead begins with the round trip", () => {
  for (const [roundTrip, want] of [[0, 1], [1, 1], [25, 1], [26, 2], [100, 3], [3_600_000, 32]]) {
    assert.equal(new Timing(100, roundTrip!, 50, 0).lead, want, `${roundTrip} ms at 20 Hz`);
  }
});

test("the lead moves a tick at a time", () => {
  const t = new Pace();
  assert.equal(t.sends(100), 100 + leadFirst);
  t.hears(101, 103, -20);
  assert.equal(t.lead, leadFirst, "one may be chance");
  t.hears(102, 103, -20);
  assert.equal(t.lead, leadFirst + 1, "after two inputs that were too late");
  t.hears(103, 103, -20);
  t.hears(104, 103, -20);
  assert.equal(t.lead, leadFirst + 1, "more reports of the same input tell of the former lead");
  t.settle(105, 25, -20); // the clock takes 20 ticks for one
  assert.equal(t.sends(130), 130 + leadFirst + 1);
  t.hears(131, t.stamped, -20);
  t.hears(132, t.stamped, -20);
  assert.equal(t.lead, leadFirst + 2, "after reports of later inputs");
});

test("the lead keeps between its bounds", () => {
  for (const [margin, want] of [[-64, 32], [63, 0], [0, leadFirst], [3, leadFirst]]) {
    const t = new Pace();
    t.settle(100, 1500, margin!);
    assert.equal(t.lead, want, `with a margin of ${margin} quarters`);
  }
});

test("a stray report moves nothing", () => {
  const t = new Pace();
  for (let tick = 100; tick < 400; tick++) t.settle(tick, 1, tick % 32 === 0 ? -3 : 2);
  assert.deepEqual([t.lead, t.late], [leadFirst, 9]);
});

test("inputs are for one tick after the other, whatever the network does and while the lead changes", () => {
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed;
    const chance = (n: number) => (state = (state * 48_271) % 2_147_483_647) % n;
    const t = new Pace();
    let last = t.sends(100);
    for (let tick = 101; tick < 1000; tick++) {
      let late = chance(14) - 7;
      if (chance(20) > 0) t.hears(tick, Math.max(tick, last), tick % 300 < 40 ? -3 : 2, late);
      else late += t.again(t.when(tick) + late); // it is lost, and the input leaves all the same
      const got = t.next(t.when(tick) + late);
      assert.ok(got >= last && got <= last + 2, `seed ${seed}, tick ${tick}: an input is for ${got}, after one for ${last}`);
      last = got;
    }
    assert.ok(t.lead > leadFirst, `seed ${seed}: the lead has risen`);
  }
});

test("news that come late repeat no tick", () => {
  const t = new Pace();
  const next = t.settle(100, 60, 2);
  const first = t.sends(next);
  assert.equal(t.next(t.when(next) + t.again(t.when(next))), first + 1, "without news an input leaves all the same");
  assert.equal(t.sends(next + 1), first + 1, "once they have come a little later, there is nothing new to say");
  assert.equal(t.sends(next + 2), first + 2);
});

test("the clock slews, and snaps", () => {
  const c = new Clock(1000, 40, 0);
  c.aim = c.ahead = 2;
  c.arrived(1000, 0);
  let [before, was] = [c.predicted(0), 0];
  for (let tick = 1001; tick < 1400; tick++) { // from 1100 on everything comes five ticks later
    const now = (tick - 1000) * 40 + (tick >= 1100 ? 200 : 0);
    const passed = (now - was) / 40;
    c.arrived(tick, now);
    const went = c.predicted(now) - before;
    assert.ok(went >= passed * 0.95 - 1e-9 && went <= passed * 1.05 + 1e-9, `tick ${tick}: it goes ${went} ticks in the time of ${passed}`);
    [before, was] = [before + went, now];
  }
  assert.ok(Math.abs(before - 1401) < 0.1, `300 ticks later it is off by ${before - 1401}`);
  c.arrived(1420, 405 * 40);
  assert.equal(c.tick, 1420, "after a leap");
});

test("a header without an input moves nothing", () => {
  const t = new Pace();
  t.heard({ ...emptyHeader(), tick: 101, margin: -64 }, t.when(101));
  assert.deepEqual([t.lead, t.margin], [leadFirst, 0]);
});

test("lost inputs make a cushion: they leave a tick earlier", () => {
  const t = new Pace();
  t.first = 100;
  let next = t.settle(100, 100, 2);
  for (let i = 0; i < 20; i++, next++) t.hears(next, next - 1, 2); // a busy machine, once
  for (let i = 0; i < 2; i++) {
    assert.deepEqual([t.cushion, t.lead], [0, leadFirst]);
    next = t.settle(next, 50, 2);
    t.hears(next, next - 1, 2);
    next++;
  }
  next = t.settle(next, 1, 2); // the next one came in time: it is lost
  assert.deepEqual([t.missing, t.cushion, t.lead], [22, 1, leadFirst + 1]);
  next = t.settle(next, 200, 6); // so early is what it should be now
  assert.equal(t.lead, leadFirst + 1, "while the cushion is there");
  t.settle(next, 800, 6);
  assert.equal(t.cushion, 0, "long after the last loss");
  assert.ok(t.lead <= leadFirst);
});

test("late inputs make no cushion: there is the lead for them", () => {
  const t = new Pace();
  t.first = 100;
  let next = t.settle(100, 100, 2);
  for (let i = 0; i < 9; i++) {
    t.hears(next, next - 1, 0);
    next = t.settle(next + 1, 50, 2);
  }
  assert.deepEqual([t.missing, t.cushion], [9, 0]);
});

test("a stall makes no cushion: the next report is of an input that came too late", () => {
  const t = new Pace();
  t.first = 100;
  let next = t.settle(100, 100, 2);
  for (let i = 0; i < 9; i++) {
    t.hears(next, next - 1, 2);
    t.hears(next + 1, t.stamped, -2); // the least margin of the two that came
    next = t.settle(next + 2, 50, 2);
  }
  assert.deepEqual([t.missing, t.late, t.cushion, t.lead], [9, 9, 0, leadFirst]);
});

test("in a frozen room the clock stands, and the lead stays as it is", () => {
  const t = new Pace();
  const next = t.settle(100, 60, 2);
  const then = t.when(next - 1);
  t.pace(next - 1, 0, then);
  const [at, played] = [t.clock.predicted(then), t.clock.played(then)];
  assert.equal(t.clock.predicted(then + 60_000), at);
  assert.equal(Math.round(t.clock.played(then + 60_000)), Math.round(played));
  assert.equal(t.next(then + 60_000), Math.floor(at + 0.5), "no further tick is stamped");
  assert.equal(t.again(then + 60_000), period * 1.25, "and an acknowledgement leaves once a period");
  t.heard({ ...emptyHeader(), tick: next - 1, hasInput: true, inputTick: t.stamped, margin: -60 }, then + 60_000);
  assert.equal(t.lead, leadFirst);
  t.pace(next + 2, 0, then + 60_000);
  t.heard({ ...emptyHeader(), tick: next + 2, hasInput: true, inputTick: t.stamped, margin: 4 }, then + 60_000);
  assert.ok(Math.abs(t.clock.predicted(then + 60_000) - at - 3) < 1e-6, "it goes on by the ticks that the room makes meanwhile");
  t.pace(next + 2, 2, then + 60_000);
  assert.ok(Math.abs(t.clock.predicted(then + 60_000 + 4 * period) - at - 5) < 0.2, "in slow motion it goes half as fast");
});

test("the inputs that the server lacks travel again, the newest first", () => {
  const s = new SentInputs();
  const data = (n: number) => Uint8Array.of(n);
  assert.equal(s.remember(100, () => 97 * 128, data(1)), 100);
  assert.equal(s.remember(100, () => assert.fail("what was seen counts for the next"), data(2)), 0, "a tick has one input");
  assert.equal(s.remember(103, () => 99 * 128, data(3)), 101, "ticks that no datagram was sent for get it, too");
  const inputs = s.unacknowledged(103, 99);
  assert.deepEqual(inputs.map((i) => [i.data[0], i.lag / 128]), [[3, 4], [3, 3], [3, 2], [1, 3]]);
  assert.equal(s.unacknowledged(103, 102).length, 1);
  assert.equal(s.unacknowledged(103, 200).length, 1, "the newest goes in any case");
  s.remember(120, () => 119 * 128, data(4));
  assert.deepEqual(s.unacknowledged(120, 0).map((i) => i.data[0]), new Array(8).fill(4), "eight at most, and those between");
  s.remember(121, () => 119 * 128, new Uint8Array(600));
  s.remember(122, () => 119 * 128, new Uint8Array(600));
  assert.equal(s.unacknowledged(122, 0).length, 1, "as far as a datagram takes them");
});

test("the round trip is found from margins, the loss from sequence numbers", () => {
  const m = new RoundTripMeter(500, 50);
  for (let tick = 100; tick < 200; tick++) {
    m.sent(tick + 3, tick * 50); // 40 ms later it is there, 110 ms before its tick: 2.2 of them
    m.heard({ ...emptyHeader(), hasInput: true, tick: tick + 1, inputTick: tick + 3, margin: 8 }, (tick + 1) * 50 + 40);
  }
  assert.ok(Math.abs(m.roundTrip - 80) < 10, `${m.roundTrip} ms`);
  const before = m.roundTrip;
  for (let tick = 300; tick < 600; tick += 3) m.sent(tick, tick * 50); // a busy page leaves out ticks
  m.heard({ ...emptyHeader(), hasInput: true, tick: 600, inputTick: 300, margin: 8 }, 600 * 50);
  assert.equal(m.roundTrip, before, "of an input so long ago nothing is remembered");
  const l = new LossMeter();
  for (let n = 7; n < 2000; n++) if (n % 10 !== 0) l.heard(n);
  assert.ok(Math.abs(l.loss - 0.1) < 0.01, `${l.loss}`);
});
