import { readFileSync } from "node:fs";
import { parseSchema, type Schema } from "../src/index.js";

/** golden reads a file of the repository's testdata, which Go's tests write. */
export function golden<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../testdata/${path}`, import.meta.url), "utf8")) as T;
}

/** The bytes of hexadecimal digits; blanks are passed over. */
export function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

/** Bytes as hexadecimal digits. */
export function hex(b: Uint8Array): string {
  return Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
}

/** Two halves of 64 bits as 16 digits. */
export function hex64(high: number, low: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

export const classNames = ["public", "team", "own"];
export const kindNames = ["partial", "full", "removed", "happened"];
export const fieldKinds = ["bool", "int", "uint", "float", "text", "entity"];

export interface FieldVector {
  name: string;
  kind: string;
  audience: number;
  min: number;
  max: number;
  step: number;
  ownStep: number;
  wrap: boolean;
  base?: string;
  top: string;
  ownTop?: string;
  velocity?: number;
  tolerance?: number;
}

export interface TableVector {
  name: string;
  x: number;
  y: number;
  fields: FieldVector[];
  columns: { field: number; shift: number; bits: number; limbs: number; own: boolean; text: boolean; base?: boolean }[];
  classes: Record<string, number[]>;
}

export interface SchemaVector {
  name: string;
  tables: TableVector[];
  input: TableVector;
  events: TableVector[];
  messages: TableVector[];
  requests: [TableVector, TableVector][];
  hash: string;
  hex: string;
}

export interface ColumnVector {
  column: number;
  word: number;
  text?: string;
}

export interface StateVector {
  name: string;
  header: { epoch: number; sequence: number; tick: number; ownComplete: boolean; viewComplete: boolean; hasInput: boolean; inputTick: number; margin: number };
  sections: {
    table: string;
    class: string;
    kind: string;
    records?: { index: number; generation?: number; insert?: number; mask?: number; age?: number; columns?: ColumnVector[] }[];
    events?: { age: number; number: number; columns?: ColumnVector[] }[];
  }[];
  hex: string;
}

export interface InputVector {
  name: string;
  epoch: number;
  hasAck: boolean;
  newest: number;
  missing: string;
  tick: number;
  inputs: string[];
  lags: number[];
  row?: { table: string; class: string; index: number; generation: number; tick: number; columns: string };
  page?: { table: string; page: number; here: string };
  hex: string;
}

export interface DatagramFile {
  schema: string;
  state: StateVector[];
  input: InputVector[];
  widen: { short: number; near: string; wide: string }[];
  quantise: { field: FieldVector; own: boolean; value: string; quantised: string; clamped: boolean; back: string }[];
}

export interface ReckonFile {
  schema: SchemaVector;
  state: StateVector[];
  positions: {
    name: string; periodNs: number; factor: string; baseTick: number; position: number; velocity: number; tick: number; at: number;
  }[];
}

/** schemaNamed reads one of the schemas of schema.json. */
export function schemaNamed(name: string): Schema {
  const v = golden<SchemaVector[]>("wire/schema.json").find((s) => s.name === name);
  if (v === undefined) throw new Error(`no schema is named ${name}`);
  return parseSchema(unhex(v.hex));
}
