import assert from "node:assert/strict";
import { test } from "node:test";
import {
  appendInput, Class, entityId, generationOf, indexOf, MinAge, parseSchema, Replica, report, RowBuffer, Writer, writeRow, type Applied, type Schema,
} from "../src/index.js";
import { parseInput, stateBytes } from "./server.js";
import { golden, hex64, schemaNamed, unhex, type ColumnVector, type ReckonFile, type SchemaVector, type StateVector } from "./vectors.js";

// The scenarios hold the replica against the server's own datagrams; here each rule stands alone.

const arena = schemaNamed("arena");
const [mover, ship] = [0, 1];

type Records = NonNullable<StateVector["sections"][0]["records"]>;

/** Reader is a replica that is fed by hand, with one section in a datagram. */
class Reader {
  readonly replica: Replica;
  readonly schema: Schema;
  table = "mover";

  constructor(schema: Schema = arena) {
    this.schema = schema;
    this.replica = new Replica(schema, { epoch: 1, tick: 1000, nextSequence: 1, ageMax: MinAge, eventTicks: 8, tickPeriodNanoseconds: 33_333_333 });
  }

  send(at: { epoch?: number; sequence: number; tick: number }, ...sections: StateVector["sections"]): Applied {
    const header = { epoch: 1, ownComplete: false, viewComplete: false, hasInput: false, inputTick: 0, margin: 0, ...at };
    return this.replica.apply(stateBytes(this.schema, { header, sections }));
  }

  records(sequence: number, tick: number, kind: string, records: Records, rowClass = "public"): Applied {
    return this.send({ sequence, tick }, { table: this.table, class: rowClass, kind, records });
  }

  full(sequence: number, tick: number, heading: number, generation = 1, index = 0): Applied {
    return this.records(sequence, tick, "full", [{ index, generation, columns: [0, 0, 0, 0, heading].map((word, column) => ({ column, word })) }]);
  }

  partial(sequence: number, tick: number, heading: number): Applied {
    return this.records(sequence, tick, "partial", [{ index: 0, mask: 16, columns: [{ column: 4, word: heading }] }]);
  }

  removed(sequence: number, tick: number, age: number): Applied {
    return this.records(sequence, tick, "removed", [{ index: 0, age }]);
  }

  /** The heading of the mover with index 0, in its steps of 3 degrees. */
  get heading(): number | undefined {
    const row = this.replica.row(mover, 0);
    return row && Number(row["Heading"]) / 3;
  }
}

test("the newer record wins", () => {
  const r = new Reader();
  r.full(1, 1001, 7);
  assert.equal(r.heading, 7);
  r.partial(3, 1005, 9);
  assert.equal(r.heading, 9, "a partial record changes the row");
  r.partial(2, 1003, 8);
  assert.equal(r.heading, 9, "one of an older tick comes too late");
  r.removed(4, 1006, 2);
  assert.equal(r.heading, 9, "so does a removal as of an older tick");
  r.removed(5, 1010, 1);
  assert.equal(r.heading, undefined, "a newer removal counts");
  r.full(6, 1008, 5);
  assert.equal(r.heading, undefined, "a record from before it finds its trace");
  r.full(7, 1011, 6);
  assert.equal(r.heading, 6, "the entity comes back");
  const c = r.replica.counters;
  assert.deepEqual([c.superseded, c.orphans, r.replica.takeResync()], [3, 0, undefined]);
});

test("a trace is forgotten when nothing young enough can contradict it", () => {
  const r = new Reader();
  r.full(1, 1001, 7);
  r.removed(2, 1002, 0);
  r.send({ sequence: 3, tick: 1002 + MinAge });
  r.full(4, 1002, 8);
  assert.equal(r.heading, undefined, "the oldest tick that is taken is still contradicted");
  r.send({ sequence: 5, tick: 1003 + MinAge });
  r.removed(6, 1003 + MinAge, 80);
  assert.equal(r.replica.counters.superseded, 1, "there is no trace left that a removal of long ago could be held against");
  r.full(7, 1003, 9);
  assert.equal(r.heading, 9);
});

test("a partial record without its entity is an orphan: it asks for a resync, once in an epoch", () => {
  const r = new Reader();
  r.partial(1, 1001, 7);
  assert.equal(r.heading, undefined);
  assert.equal(r.replica.ack().hasAck, false, "the datagram is not acknowledged");
  assert.equal(r.replica.takeResync(), 1);
  r.full(2, 1001, 7);
  r.records(3, 1002, "partial", [{ index: 0, mask: 16, columns: [{ column: 4, word: 1 }] }], "own");
  assert.equal(r.replica.counters.orphans, 2, "one of another class is an orphan, too");
  assert.equal(r.replica.takeResync(), undefined);
  r.send({ epoch: 2, sequence: 4, tick: 1003 });
  r.send({ epoch: 2, sequence: 5, tick: 1003 }, { table: "mover", class: "public", kind: "partial", records: [{ index: 9, mask: 16, columns: [{ column: 4, word: 1 }] }] });
  assert.equal(r.replica.takeResync(), 2);
});

test("what is read is acknowledged", () => {
  const r = new Reader();
  const missing = () => hex64(r.replica.ack().missingHigh, r.replica.ack().missingLow);
  assert.equal(r.replica.ack().hasAck, false);
  r.full(1, 1001, 1);
  r.partial(4, 1004, 2);
  r.partial(2, 1002, 3);
  assert.equal(r.replica.ack().newest, 4);
  assert.equal(missing(), "fffffffffffffff9", "3 alone is missing of those from 1 on");
  assert.equal(r.partial(2, 1002, 3).ignored, true, "a duplicate");
  r.send({ sequence: 36, tick: 1030 });
  r.send({ sequence: 3, tick: 1004 });
  assert.equal(missing(), "fffffff87fffffff", "bits move into the upper half, and are cleared there");
  assert.equal(r.send({ sequence: 3, tick: 1004 }).ignored, true, "a duplicate from far back");
  r.send({ sequence: 80, tick: 1060 });
  assert.equal(missing(), "fffff7ffffffffff");
  assert.equal(r.partial(5, 1060 - MinAge - 1, 5).ignored, true, "beyond the age");
  r.send({ sequence: 145, tick: 1061 });
  assert.equal(missing(), "ffffffffffffffff");
  r.send({ sequence: 209, tick: 1061 });
  assert.equal(missing(), "7fffffffffffffff", "64 before is the last that is named");
  const c = r.replica.counters;
  assert.deepEqual([c.datagrams, c.duplicates, c.tooOld], [8, 2, 1]);
});

test("a datagram with a fault is not acknowledged; what came before the fault is applied", () => {
  const r = new Reader();
  const header = "01 01 0001 0769 00 0000 40";
  const a = r.replica.apply(unhex(`${header} 00 01 01 00 01 00 00 00 00 00 00 07 00 02 01 00`));
  assert.equal(a.reject, "truncated");
  assert.equal(r.heading, 7);
  assert.equal(r.replica.ack().hasAck, false);
  assert.equal(r.replica.apply(unhex("02")).reject, "unknown_kind");
  assert.equal(r.replica.counters.rejected, 2);
});

test("a new epoch begins empty", () => {
  const r = new Reader();
  r.full(1, 1001, 7);
  assert.equal(r.send({ epoch: 2, sequence: 2, tick: 1002 }).newEpoch, true);
  assert.equal(r.heading, undefined);
  assert.equal(r.full(3, 1003, 8).ignored, true, "a datagram of the former epoch");
  assert.equal(r.replica.counters.staleEpoch, 1);
  assert.deepEqual([r.replica.ack().epoch, r.replica.ack().newest], [2, 2]);
  assert.equal(r.send({ epoch: 1, sequence: 9, tick: 1003 }).ignored, true);
  assert.equal(r.send({ epoch: 66, sequence: 9, tick: 1003 }).ignored, true, "64 ahead is behind");
  assert.equal(r.send({ epoch: 65, sequence: 9, tick: 1003 }).newEpoch, true);
});

test("changes say what happened", () => {
  const r = new Reader();
  const changes = (a: Applied) => a.changes.map((c) => [c.kind, c.table, indexOf(c.id), generationOf(c.id), c.tick]);
  assert.deepEqual(changes(r.full(1, 1001, 7, 1)), [["added", mover, 0, 1, 1001]]);
  assert.deepEqual(changes(r.partial(2, 1002, 8)), [["changed", mover, 0, 1, 1002]]);
  assert.deepEqual(changes(r.full(3, 1003, 9, 1)), [["changed", mover, 0, 1, 1003]]);
  assert.deepEqual(changes(r.full(4, 1004, 9, 4095)), [["replaced", mover, 0, 4095, 1004]]);
  assert.deepEqual(changes(r.removed(5, 1007, 2)), [["removed", mover, 0, 4095, 1005]]);
  assert.deepEqual(changes(r.removed(6, 1008, 0)), [], "nothing was here");
  assert.equal(entityId(1_048_575, 4095), 0xffff_ffff);
});

function shipColumns(): ColumnVector[] {
  return [
    { column: 0, word: 0, text: "Bounty" }, { column: 1, word: 1 }, { column: 2, word: 150 }, { column: 3, word: 1 }, { column: 4, word: 5 },
    { column: 6, word: 165 }, { column: 7, word: 30 }, { column: 8, word: 7 }, { column: 9, word: entityId(5, 2) },
  ];
}

test("rows are plain objects, and stay the same until they change", () => {
  const r = new Reader();
  r.table = "ship";
  r.records(1, 1001, "full", [{ index: 70, generation: 1, insert: 2, age: 3, columns: shipColumns() }], "own");
  const row = r.replica.row(ship, 70)!;
  assert.equal(row["Name"], "Bounty");
  assert.equal(row["Alive"], true);
  assert.equal(row["Hull"], 50);
  assert.equal(row["Score"], (1n << 32n) + 5n);
  assert.equal(row["Target"], entityId(5, 2));
  assert.deepEqual(r.replica.entity(ship, 70), { generation: 1, rowClass: Class.own, tick: 1001, made: { tick: 998, insert: 2 } });
  assert.equal(r.replica.row<{ Name: string }>(ship, 70)?.Name, "Bounty");
  assert.equal(r.replica.row(ship, 70), row);
  assert.deepEqual([...r.replica.all(ship)], [[70, row]]);
  r.records(2, 1002, "partial", [{ index: 70, mask: 1, columns: [{ column: 0, word: 0, text: "Beagle" }] }], "own");
  assert.notEqual(r.replica.row(ship, 70), row);
  assert.deepEqual(r.replica.row(ship, 70), { ...row, Name: "Beagle" });
  const seen = [0, 1, 2, 3, 4, 5, 9].map((column) => ({ column, word: 0 }));
  r.records(3, 1003, "full", [{ index: 70, generation: 1, columns: seen }], "public");
  assert.deepEqual([r.replica.row(ship, 70)!["Ammo"], r.replica.row(ship, 70)!["Plan"], r.replica.row(ship, 70)!["Name"]], [0, 0, ""], "what only the owner saw is gone");
  assert.equal(r.replica.entity(ship, 70)!.made, undefined);
});

test("nested structs and arrays are nested objects and arrays", () => {
  const v = golden<SchemaVector[]>("wire/schema.json").find((s) => s.name === "everything")!;
  const table = parseSchema(unhex(v.hex)).tables[0]!;
  const row = {
    Pos: { X: -819.2, Y: 819.2 }, Big: (1n << 64n) - 1n, Small: -128, Low: -(1n << 63n), Flags: [true, false, true], Secret: "ß", Owner: 7,
    Heading: -180, Pressure: 4_294_967_295,
  };
  const buffer = new RowBuffer();
  table.shape.write(row, buffer.words, buffer.texts);
  assert.deepEqual(table.shape.read(Class.own, buffer), row);
  table.shape.write({ Flags: "no", Pos: null, Big: 5, Low: 1e30 }, buffer.words, buffer.texts);
  const clamped = table.shape.read(Class.own, buffer);
  assert.deepEqual([clamped["Flags"], clamped["Big"], clamped["Low"]], [[false, false, false], 5n, (1n << 63n) - 1n]);
});

test("events fire once, in their order, and not too late", () => {
  const r = new Reader();
  const shots = (sequence: number, tick: number, ...events: [age: number, number: number][]) =>
    r.send({ sequence, tick }, {
      table: "shot", class: "public", kind: "happened",
      events: events.map(([age, number]) => ({ age, number, columns: [{ column: 0, word: 5 }, { column: 1, word: number % 10 }] })),
    }).events.map((e) => [e.tick, e.number, e.row["From"], e.row["Power"]]);
  assert.deepEqual(shots(1, 1002, [0, 3], [2, 9], [2, 1]), [[1000, 1, 5, 2], [1000, 9, 5, 10], [1002, 3, 5, 4]]);
  assert.deepEqual(shots(2, 1003, [1, 3], [3, 1], [1, 4]), [[1002, 4, 5, 5]], "what was told is not fired again");
  assert.deepEqual(shots(3, 1003, [1, 3]), []);
  assert.deepEqual(shots(4, 1010, [8, 5], [7, 5]), [[1003, 5, 5, 6]], "eight ticks, its own included, and no more");
  r.send({ epoch: 2, sequence: 5, tick: 1010 });
  assert.deepEqual(r.send({ epoch: 2, sequence: 6, tick: 1010 }, {
    table: "shot", class: "public", kind: "happened", events: [{ age: 7, number: 5, columns: [{ column: 0, word: 5 }, { column: 1, word: 0 }] }],
  }).events, [], "a new epoch does not forget the names");
  assert.deepEqual([r.replica.counters.events, r.replica.counters.eventsLate], [5, 1]);
});

test("what is dead-reckoned is where it is at the newest tick, and reported as it came", () => {
  const r = new Reader(parseSchema(unhex(golden<ReckonFile>("wire/reckon.json").schema.hex)));
  r.table = "gull";
  const base = [[6, 7], [7, 1002], [8, 5000], [9, 260], [10, 17_000], [11, 140]].map(([column, word]) => ({ column: column!, word: word! }));
  r.records(1, 1002, "full", [{ index: 3, generation: 1, columns: base }]);
  const row = r.replica.row(0, 3)!;
  assert.deepEqual([row["X"], row["Y"], row["VX"], row["VY"], row["Kind"]], [500, 1700, 30, -30, 7]);
  assert.equal(r.replica.row(0, 3), row);
  r.send({ sequence: 2, tick: 1012 });
  assert.deepEqual([r.replica.row(0, 3)!["X"], r.replica.row(0, 3)!["Y"]], [510, 1690]);
  const { columns, tick } = report(r.replica, () => 0).row!;
  assert.deepEqual([columns, tick], [unhex("00 07 07 6a 00 27 08 02 04 01 04 68 01 0c"), 1002]);
});

test("reports tell what is here", () => {
  const r = new Reader();
  assert.deepEqual(report(r.replica, Math.random), {});
  r.full(1, 1001, 7, 3, 40);
  r.full(2, 1001, 8, 3, 5);
  r.full(3, 1001, 9, 3, 200);
  const first = report(r.replica, () => 0);
  assert.deepEqual(first.page, { table: mover, page: 0, hereHigh: 1 << 8, hereLow: 1 << 5 });
  assert.deepEqual([first.row!.index, first.row!.generation, first.row!.tick], [5, 3, 1001]);
  const last = report(r.replica, () => 0.999);
  assert.deepEqual([last.page!.page, last.row!.index], [3, 200]);
  const empty = report(r.replica, () => 0.3);
  assert.deepEqual([empty.page, empty.row!.index], [{ table: mover, page: 1, hereHigh: 0, hereLow: 0 }, 200], "a page that nothing was on");
  const w = new Writer();
  const data = new Writer();
  writeRow(data, arena.input, { Fire: true }, new RowBuffer());
  appendInput(w, { ack: r.replica.ack(), tick: 1004, inputs: [{ lag: 0, data: data.finish() }], ...first });
  const read = parseInput(arena, w.finish());
  assert.ok(typeof read === "object" && read.row?.index === 5 && read.page?.here === "0000010000000020", JSON.stringify(read));
});

test("a session that resumes keeps its rows, and acknowledges the new connection's datagrams alone", () => {
  const r = new Reader();
  r.full(1, 1001, 7);
  r.replica.resume(1100, 20_000);
  assert.equal(r.heading, 7);
  assert.equal(r.replica.ack().hasAck, false);
  r.partial(20_003 % 16_384, 1101, 8);
  assert.equal(r.heading, 8);
  assert.equal(r.replica.ack().newest, 20_003);
});

test("ticks above 32 bits are whole", () => {
  const far = 2 ** 45 - 3;
  const replica = new Replica(arena, { epoch: 1, tick: far, nextSequence: far, ageMax: MinAge, eventTicks: 8, tickPeriodNanoseconds: 33_333_333 });
  const header = { epoch: 1, sequence: (far + 5) % 16_384, tick: (far + 6) % 16_384, ownComplete: false, viewComplete: false, hasInput: true, inputTick: (far + 8) % 16_384, margin: 0 };
  const a = replica.apply(stateBytes(arena, { header, sections: [] }));
  assert.deepEqual([a.header.tick, a.header.inputTick, replica.ack().newest, replica.tick], [far + 6, far + 8, far + 5, far + 6]);
});

test("a replica needs an age", () => {
  assert.throws(() => new Replica(arena, { epoch: 0, tick: 0, nextSequence: 1, ageMax: MinAge - 1, eventTicks: 8, tickPeriodNanoseconds: 1 }), /ageMax/);
});
