import { RowBuffer } from "../columns.js";
import { Class, FieldKind, type Field, type Value } from "../field.js";
import { apart, OwnRows, type OwnRow } from "../own.js";
import { parseSchema, type Schema } from "../schema.js";
import { Stage, type Others, type Step, type StepTypes } from "../step.js";
import type { Table } from "../table.js";

/** StepVectors are what `gen vectors` of a game's program writes. */
export interface StepVectors {
  game: string;
  /** The schema's own bytes, as base64. */
  schema: string;
  /** Nanoseconds between two ticks. */
  periodNs: number;
  seed: number;
  cases: StepCase[];
}

/** StepCase is what the game makes of a player's own rows by one input, or by one in each of some ticks. */
export interface StepCase {
  name: string;
  player: number;
  /** The first input's tick. */
  tick: number;
  /** The singletons; null for none. */
  known: StepRow[] | null;
  own: StepRow[];
  /** The fields of each input, in the order of the schema. */
  inputs: unknown[][];
  /** The player's own rows after each input. */
  after: StepRow[][];
}

/** StepRow is a row of a case. */
export interface StepRow {
  table: string;
  id: number;
  /** By which input of the case it was made. */
  made?: { Tick: number; Insert: number };
  /** In the order of the schema; integers that a double does not hold are strings. */
  fields: unknown[];
}

/** StepDifference is where a step came to something else than the game. */
export interface StepDifference {
  case: string;
  /** The tick at whose end it is so for the first time in the case. */
  tick: number;
  table: string;
  /** "row" for a row that one of both does not have. */
  field: string;
  expected: string;
  got: string;
  /** How far they are apart: for floats in steps, those of the owner where it has finer ones; else 1 for what is no number. */
  size: number;
}

/** CheckOptions are how exact a step must be. */
export interface CheckOptions {
  /** How many steps a float may be off for each tick since the case began; 1 unless given. All else must be the same. */
  tolerance?: number;
}

/**
 * checkSteps runs a step over the cases of a game and returns where it came to something else: of each case and field the first
 * tick. None means that the step is the game's. It throws an Error when the step does, or when the vectors are of another game.
 */
export function checkSteps<T extends StepTypes>(vectors: StepVectors, step: Step<T>, options: CheckOptions = {}): StepDifference[] {
  const schema = parseSchema(Uint8Array.from(atob(vectors.schema), (c) => c.charCodeAt(0)));
  if (!Array.isArray(vectors.cases) || vectors.cases.length === 0) throw new Error(`the vectors of ${schema.game} have no cases: write them with gen vectors of the game's program`);
  const check = new Check(schema, options.tolerance ?? 1);
  for (const c of vectors.cases) check.run(c, step as unknown as Step<StepTypes>, vectors.periodNs / 1e9);
  return check.found;
}

const nothing = new RowBuffer();

class Check {
  readonly found: StepDifference[] = [];
  readonly #schema: Schema;
  readonly #tolerance: number;
  #rows: OwnRows;
  #former: OwnRows;

  constructor(schema: Schema, tolerance: number) {
    this.#schema = schema;
    this.#tolerance = tolerance;
    this.#rows = new OwnRows(schema);
    this.#former = new OwnRows(schema);
  }

  run(c: StepCase, step: Step<StepTypes>, dt: number): void {
    const stage = new Stage(this.#schema, c.player, this.#others(c));
    this.#rows.begin(c.tick - 1);
    for (const r of c.own) fill(this.#tableNamed(r.table), this.#rows.add(this.#place(r.table), r.id, 0, 0).row, r.fields);
    const seen = new Set<string>();
    c.inputs.forEach((fields, i) => {
      [this.#rows, this.#former] = [this.#former, this.#rows];
      this.#rows.copy(this.#former, c.tick + i);
      try {
        step(stage.begin(this.#rows), rowOf(this.#schema.input, fields), dt);
      } catch (cause) {
        throw new Error(`${c.name}: the step has thrown in tick ${c.tick + i}: ${String(cause)}`, { cause });
      }
      this.#compare(c, i, seen);
    });
  }

  #others(c: StepCase): Others {
    const known = new Map((c.known ?? []).map((r) => [this.#place(r.table), { id: r.id, row: rowOf(this.#tableNamed(r.table), r.fields) }]));
    return {
      row: (table, id) => (known.get(table)?.id === id ? known.get(table)!.row : undefined),
      singleton: (table) => known.get(table)?.row,
    };
  }

  /** compare looks at the rows after an input. */
  #compare(c: StepCase, input: number, seen: Set<string>): void {
    const tick = c.tick + input;
    const tell = (table: Table, id: number, field: string, expected: string, got: string, size: number) => {
      const name = `${table.name}\0${id}\0${field}`;
      if (seen.has(name)) return;
      seen.add(name);
      this.found.push({ case: c.name, tick, table: table.name, field, expected, got, size });
    };
    const met = new Set<OwnRow>();
    for (const want of c.after[input]!) {
      const table = this.#tableNamed(want.table);
      const got = this.#find(want);
      if (got === undefined) {
        tell(table, want.id, "row", "there", "none", 1);
        continue;
      }
      met.add(got);
      table.shape.leaves.forEach((leaf, i) => {
        const [expected, value] = [valueOf(leaf.field, want.fields[i]), leaf.get(got.row)];
        const size = sizeOf(leaf.field, expected, value);
        const most = leaf.field.kind === FieldKind.float ? this.#tolerance * (input + 1) : 0;
        if (!(size <= most)) tell(table, want.id, leaf.field.name, String(expected), String(value), size);
      });
    }
    for (const got of this.#rows.list.slice(0, this.#rows.count)) {
      if (!met.has(got)) tell(this.#schema.tables[got.table]!, got.id, "row", "none", "there", 1);
    }
  }

  #find(want: StepRow): OwnRow | undefined {
    const table = this.#place(want.table);
    const { made } = want;
    return this.#rows.list.slice(0, this.#rows.count).find((r) =>
      r.table === table && (made === undefined ? r.id === want.id : r.madeTick === made.Tick && r.madeInsert === made.Insert));
  }

  #place(table: string): number {
    const at = this.#schema.tables.findIndex((t) => t.name === table);
    if (at < 0) throw new Error(`the vectors name the table ${table}, which their schema lacks`);
    return at;
  }

  #tableNamed(name: string): Table {
    return this.#schema.tables[this.#place(name)]!;
  }
}

/** sizeOf is how far two values of a field are apart, floats in steps. */
function sizeOf(field: Field, expected: Value, got: Value): number {
  if (typeof expected !== typeof got) return Infinity;
  const size = apart(field, expected, got);
  return field.kind === FieldKind.float ? size / (field.ownStep || field.step) : size;
}

function rowOf(table: Table, fields: unknown[]): object {
  const row = table.shape.read(Class.own, nothing);
  fill(table, row, fields);
  return row;
}

function fill(table: Table, row: object, fields: unknown[]): void {
  table.shape.leaves.forEach((leaf, i) => leaf.set(row, valueOf(leaf.field, fields[i])));
}

/** valueOf is a field's value as JSON has it. */
function valueOf(field: Field, v: unknown): Value {
  return field.big ? BigInt(v as string | number) : (v as Value);
}
