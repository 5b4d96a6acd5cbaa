import type { Mutable } from "./game.js";
import { OwnRows } from "./own.js";
import type { Schema } from "./schema.js";

/** StepTypes is what a step must know of a game's types. */
export interface StepTypes {
  /** The rows of each table, by its name. */
  tables: Record<string, object>;
  /** The names of those tables that have one row. */
  singletons: string;
  /** What a player asks for in a tick. */
  input: object;
}

/**
 * Step does to the player's own rows what the game's OnInput does to them, once for a player and tick. It must come to the same:
 * `quicstep gen vectors` and checkSteps of quicstep/testing tell whether it does. Dt is the time between two ticks, in seconds.
 */
export type Step<T extends StepTypes> = (own: Own<T>, input: Readonly<T["input"]>, dt: number) => void;

/** Own is what a step reads and writes. It is good until the step returns. Names of tables that the game does not have throw an Error. */
export interface Own<T extends StepTypes> {
  /** The player's number in the room. */
  readonly player: number;
  /** The tick that is made: the input's. */
  readonly tick: number;
  /** The player's own rows of a table, to be written to by plain assignments. */
  rows<K extends keyof T["tables"] & string>(table: K): Iterable<readonly [id: number, row: Mutable<T["tables"][K]>]>;
  /** Any row: own ones as they are now, others as the client knows them. It is undefined when it is not there, or out of sight. */
  get<K extends keyof T["tables"] & string>(table: K, id: number): Readonly<T["tables"][K]> | undefined;
  /** The only row of a table; undefined before it has arrived. */
  singleton<K extends T["singletons"] & keyof T["tables"] & string>(table: K): Readonly<T["tables"][K]> | undefined;
  /**
   * Inserts a row, and returns its provisional id, which is negative. Fields that are left out are 0, false or "". Every row that
   * the game's OnInput inserts must be inserted here too, in the same order; with mine false for those that become another's or
   * nobody's: they are counted, so that the server's rows are known again, and not kept. Nothing is removed in a prediction: a row
   * stays until the server says that it is gone.
   */
  insert<K extends keyof T["tables"] & string>(table: K, row: Partial<T["tables"][K]>, mine?: boolean): number;
}

/** Others are the rows that are not the player's own, by the places of their tables. */
export interface Others {
  /** Undefined when it is not there. */
  row(table: number, id: number): object | undefined;
  singleton(table: number): object | undefined;
}

/** Stage is the Own of one tick after the other. */
export class Stage implements Own<StepTypes> {
  readonly player: number;
  tick = 0;

  readonly #schema: Schema;
  readonly #places = new Map<string, number>();
  readonly #others: Others;
  readonly #lists: (readonly [number, object][] | undefined)[] = [];
  #own: OwnRows;
  #inserts = 0;

  constructor(schema: Schema, player: number, others: Others) {
    this.#schema = schema;
    this.player = player;
    this.#own = new OwnRows(schema);
    this.#others = others;
    schema.tables.forEach((t, i) => this.#places.set(t.name, i));
  }

  /** begin has the next step write to these rows, as of their tick. */
  begin(own: OwnRows): this {
    this.#own = own;
    this.tick = own.tick;
    this.#inserts = 0;
    this.#lists.fill(undefined);
    return this;
  }

  rows(table: string): Iterable<readonly [number, object]> {
    const at = this.#place(table);
    return (this.#lists[at] ??= listOf(this.#own, at));
  }

  get(table: string, id: number): object | undefined {
    const at = this.#place(table);
    for (let i = 0; i < this.#own.count; i++) {
      const r = this.#own.list[i]!;
      if (r.table === at && r.id === id) return r.row;
    }
    return id < 0 ? undefined : this.#others.row(at, id);
  }

  singleton(table: string): object | undefined {
    return this.#others.singleton(this.#place(table));
  }

  insert(table: string, row: object, mine = true): number {
    const at = this.#place(table);
    const n = ++this.#inserts;
    const id = -(this.tick * 0x10000 + n);
    if (!mine) return id;
    const { shape } = this.#schema.tables[at]!;
    const into = this.#own.add(at, id, this.tick, n);
    for (const leaf of shape.leaves) leaf.set(into.row, leaf.stands(row) ? leaf.get(row) : leaf.field.neutral);
    this.#lists[at] = undefined;
    return id;
  }

  #place(table: string): number {
    const at = this.#places.get(table);
    if (at === undefined) throw new Error(`the game has no table ${table}`);
    return at;
  }
}

/** listOf are the rows of a table among own ones. */
export function listOf(own: OwnRows, table: number): [number, object][] {
  const list: [number, object][] = [];
  for (let i = 0; i < own.count; i++) if (own.list[i]!.table === table) list.push(own.list[i]!.pair);
  return list;
}
