import { Replica, type Schema } from "../src/index.js";
import { stateBytes } from "../test/server.js";
import type { StateVector } from "../test/vectors.js";

// What it takes to decode and apply a state datagram of 50 records, as a browser gets one in each tick: movers of which the
// fine parts of both coordinates and the heading changed.

/** records is how many each datagram has. */
export const records = 50;
const warmUp = 2_000;
const ageMax = 64;

/** Times are microseconds. */
export interface Times { bytes: number; median: number; p95: number; p99: number }

function datagram(schema: Schema, sequence: number, kind: string): Uint8Array {
  const word = (i: number, n: number) => (sequence * 7 + i * 31) % n;
  const header = {
    epoch: 0, sequence: sequence % 16_384, tick: sequence % 16_384, ownComplete: true, viewComplete: true, hasInput: false, inputTick: 0, margin: 0,
  };
  const rows: NonNullable<StateVector["sections"][0]["records"]> = [];
  for (let i = 0; i < records; i++) {
    const fine = [{ column: 1, word: word(i, 16_384) }, { column: 3, word: word(i, 16_000) }, { column: 4, word: word(i, 120) }];
    if (kind === "partial") rows.push({ index: 3 * i, mask: 26, columns: fine });
    else rows.push({ index: 3 * i, generation: 1, columns: [{ column: 0, word: 0 }, fine[0]!, { column: 2, word: 0 }, fine[1]!, fine[2]!] });
  }
  return stateBytes(schema, { header, sections: [{ table: "mover", class: "public", kind, records: rows }] });
}

/**
 * measure applies so many datagrams, and reads each row that changed as an object if read is set. As many as a batch has are measured together, for
 * clocks that are coarse, as a page's is.
 */
export function measure(schema: Schema, rounds: number, batch: number, read: boolean): Times {
  const replica = new Replica(schema, { epoch: 0, tick: 0, nextSequence: 1, ageMax, eventTicks: 8, tickPeriodNanoseconds: 33_333_333 });
  replica.apply(datagram(schema, 1, "full"));
  const times: number[] = [];
  let seen = 0;
  for (let n = 2; n < rounds + warmUp; n += batch) {
    const datagrams = Array.from({ length: batch }, (_, i) => datagram(schema, n + i, "partial"));
    let changed = 0;
    const start = performance.now();
    for (const b of datagrams) {
      const applied = replica.apply(b);
      changed += applied.changes.length;
      if (read) for (const c of applied.changes) seen += replica.row(c.table, c.index) === undefined ? 0 : 1;
    }
    const took = performance.now() - start;
    if (changed !== batch * records || (read && seen === 0)) throw new Error("the datagrams did not change what they should");
    if (n >= warmUp) times.push((1000 * took) / batch);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)]!;
  return { bytes: datagram(schema, 2, "partial").length, median: at(0.5), p95: at(0.95), p99: at(0.99) };
}
