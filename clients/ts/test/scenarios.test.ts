import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSchema, Replica, RowBuffer, writeColumns, Writer, writeRow, type Applied, type Row, type Schema } from "../src/index.js";
import { golden, hex, hex64, unhex } from "./vectors.js";

// What the server's datagrams come to, over a network that loses, doubles, delays and damages them: clients/replica in Go
// plays the same files, and writes them.

interface Step {
  datagram?: string;
  resume?: { tick: number; nextSequence: number };
  ignored?: boolean;
  newEpoch?: boolean;
  reject?: string;
  header?: { sequence: number; tick: number; inputTick: number; margin: number; ownComplete: boolean; viewComplete: boolean; hasInput: boolean };
  changes?: { table: number; index: number; tick: number; removed?: boolean }[];
  rows?: TouchedRow[];
  events?: { tick: number; number: number; kind: number; data: string }[];
  orphaned?: boolean;
  ack: { epoch: number; hasAck: boolean; newest: number; missing: string };
}

interface TouchedRow {
  table: number;
  index: number;
  generation: number;
  class: number;
  tick: number;
  madeTick?: number;
  insert?: number;
  words: number[];
  texts: string[];
}

interface Scenario {
  schema: string;
  epoch: number;
  tick: number;
  nextSequence: number;
  ageMax: number;
  eventTicks: number;
  periodNs: number;
  steps: Step[];
  end: { table: number; index: number; values: string[]; report: string }[];
}

function touched(replica: Replica, table: number, index: number): TouchedRow[] {
  const entity = replica.entity(table, index);
  const at = replica.columns(table, index);
  if (entity === undefined || at === undefined) return [];
  const { columns, texts } = replica.schema.tables[table]!;
  return [{
    table, index, generation: entity.generation, class: entity.rowClass, tick: entity.tick,
    ...(entity.made && { ...(entity.made.tick > 0 && { madeTick: entity.made.tick }), insert: entity.made.insert }),
    words: Array.from(at.words.subarray(at.wordsFrom, at.wordsFrom + columns.length)), texts: at.texts.slice(at.textsFrom, at.textsFrom + texts),
  }];
}

/** stepOf says what became of a datagram, as a scenario does. What is false or empty is left out. */
function stepOf(replica: Replica, datagram: string, a: Applied, orphaned: boolean): Step {
  const step: Step = { datagram, ack: ackOf(replica) };
  if (a.ignored) step.ignored = true;
  if (a.newEpoch) step.newEpoch = true;
  if (a.reject !== undefined) step.reject = a.reject;
  if (orphaned) step.orphaned = true;
  if (a.ignored) return step;
  const { epoch: _, ...header } = a.header;
  step.header = header;
  if (a.changes.length > 0) {
    step.changes = a.changes.map((c) => ({ table: c.table, index: c.index, tick: c.tick, ...(c.kind === "removed" && { removed: true }) }));
    const rows = a.changes.flatMap((c) => touched(replica, c.table, c.index));
    if (rows.length > 0) step.rows = rows;
  }
  if (a.events.length > 0) step.events = a.events.map((e) => ({ tick: e.tick, number: e.number, kind: e.kind, data: rowData(replica.schema, e.kind, e.row) }));
  return step;
}

function rowData(schema: Schema, kind: number, row: Row): string {
  const w = new Writer();
  writeRow(w, schema.events[kind]!, row, new RowBuffer());
  return hex(w.view());
}

function ackOf(replica: Replica): Step["ack"] {
  const { missingHigh, missingLow, ...ack } = replica.ack();
  return { ...ack, missing: hex64(missingHigh, missingLow) };
}

/** valueAt follows the name of a field, such as "At.X.V" or "Cargo[2]". */
function valueAt(row: Row, name: string): unknown {
  return name.split(/[.[\]]+/).filter((part) => part !== "").reduce<unknown>((v, part) => (v as Record<string, unknown>)[part], row);
}

function equalsText(value: unknown, text: string): boolean {
  if (typeof value === "number") return value === Number(text);
  return typeof value === "bigint" ? value === BigInt(text) : String(value) === text;
}

/** kept follows changes as a game would: its rows have to be those that are here in the end. */
class Kept {
  readonly ids = new Map<string, number>();

  take(a: Applied): void {
    if (a.newEpoch) this.ids.clear();
    if (a.ignored) return;
    for (const c of a.changes) {
      const key = `${c.table}/${c.index}`;
      const before = this.ids.get(key);
      if (c.kind === "added") assert.equal(before, undefined, `${key} was here`);
      else if (c.kind === "replaced") assert.notEqual(before, c.id);
      else assert.equal(before, c.id);
      if (c.kind === "removed") this.ids.delete(key);
      else this.ids.set(key, c.id);
    }
  }
}

for (const name of ["lossy", "epochs", "orphans", "forged"]) {
  test(`the scenario ${name} comes to the same as in Go`, () => {
    const s = golden<Scenario>(`scenarios/${name}.json`);
    const replica = new Replica(parseSchema(unhex(s.schema)), { ...s, tickPeriodNanoseconds: s.periodNs });
    const kept = new Kept();
    let orphaned = false; // a resync was asked for in this epoch
    let resyncs = 0;
    s.steps.forEach((want, i) => {
      if (want.resume !== undefined) {
        replica.resume(want.resume.tick, want.resume.nextSequence);
        assert.deepEqual({ resume: want.resume, ...(orphaned && { orphaned }), ack: ackOf(replica) }, want, `step ${i}`);
        return;
      }
      const applied = replica.apply(unhex(want.datagram!));
      kept.take(applied);
      if (applied.newEpoch) orphaned = false;
      const resync = replica.takeResync();
      if (resync !== undefined) {
        assert.equal(orphaned, false, "once in an epoch");
        assert.equal(resync, replica.epoch);
        orphaned = true;
        resyncs++;
      }
      assert.deepEqual(stepOf(replica, want.datagram!, applied, orphaned), want, `step ${i}`);
    });
    assert.equal(resyncs > 0, name === "orphans" || name === "forged");
    const here = replica.schema.tables.flatMap((_, table) => [...replica.all(table)].map(([index, row]) => ({ table, index, row })));
    assert.deepEqual(here.map((h) => `${h.table}/${h.index}`), s.end.map((e) => `${e.table}/${e.index}`));
    assert.deepEqual(new Set(kept.ids.keys()), new Set(here.map((h) => `${h.table}/${h.index}`)));
    s.end.forEach((want, i) => {
      const { table, index, row } = here[i]!;
      const wire = replica.schema.tables[table]!;
      wire.fields.forEach((f, at) => {
        assert.ok(equalsText(valueAt(row, f.name), want.values[at]!), `${wire.name} ${index}: ${f.name} is ${String(valueAt(row, f.name))}, want ${want.values[at]}`);
      });
      const w = new Writer();
      writeColumns(w, wire, replica.entity(table, index)!.rowClass, replica.columns(table, index)!);
      assert.equal(hex(w.view()), want.report, `${wire.name} ${index}`);
    });
  });
}
