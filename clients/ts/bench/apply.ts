import { parseSchema, Replica } from "../src/index.js";
import { stateBytes } from "../test/server.js";
import { golden, unhex, type SchemaVector, type StateVector } from "../test/vectors.js";

// What it takes to decode and apply a state datagram of 50 records, as a browser gets one in each tick: movers of which the
// fine parts of both coordinates and the heading changed.

const records = 50;
const rounds = 20_000;
const warmUp = 2_000;
const ageMax = 64;

const vector = golden<SchemaVector[]>("wire/schema.json").find((s) => s.name === "arena")!;
const schema = parseSchema(unhex(vector.hex));

function datagram(sequence: number, kind: string): Uint8Array {
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

function measure(read: boolean): string {
  const replica = new Replica(schema, { epoch: 0, tick: 0, nextSequence: 1, ageMax, eventTicks: 8, tickPeriodNanoseconds: 33_333_333 });
  replica.apply(datagram(1, "full"));
  const times: number[] = [];
  let seen = 0;
  for (let n = 2; n < rounds + warmUp; n++) {
    const b = datagram(n, "partial");
    const start = performance.now();
    const applied = replica.apply(b);
    if (read) for (const c of applied.changes) seen += replica.row(c.table, c.index) === undefined ? 0 : 1;
    const took = performance.now() - start;
    if (applied.changes.length !== records || (read && seen === 0)) throw new Error("the datagram did not change what it should");
    if (n >= warmUp) times.push(took);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => `${(times[Math.floor(times.length * part)]! * 1000).toFixed(1)} µs`;
  return `median ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`;
}

console.log(`a datagram of ${records} records, ${datagram(2, "partial").length} bytes, ${rounds - 2} times:`);
console.log(`  decode and apply            ${measure(false)}`);
console.log(`  and each row as an object   ${measure(true)}`);
