import { parseSchema } from "../src/index.js";
import { golden, unhex, type SchemaVector } from "../test/vectors.js";
import { measure, records, type Times } from "./measure.js";

const rounds = 20_000;
const vector = golden<SchemaVector[]>("wire/schema.json").find((s) => s.name === "arena")!;
const schema = parseSchema(unhex(vector.hex));
const plain = measure(schema, rounds, 1, false);
const text = (t: Times) => `median ${t.median.toFixed(1)} µs, p95 ${t.p95.toFixed(1)} µs, p99 ${t.p99.toFixed(1)} µs`;

console.log(`a datagram of ${records} records, ${plain.bytes} bytes, ${rounds - 2} times:`);
console.log(`  decode and apply            ${text(plain)}`);
console.log(`  and each row as an object   ${text(measure(schema, rounds, 1, true))}`);
