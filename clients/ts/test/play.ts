import assert from "node:assert/strict";
import { defineGame, join, JoinError, RowBuffer, Writer, writeRow, type Client, type JoinConfig, type Table } from "../src/index.js";
import { FakeServer, type Sections } from "./fakeserver.js";
import { schemaBytes } from "./server.js";
import { schemaNamed } from "./vectors.js";
import { VirtualTime } from "./virtual.js";

export interface Mover { readonly X: number; readonly Y: number; readonly Heading: number }
export interface Ship { readonly Name: string; readonly Hull: number; readonly Ammo: number }
export interface Steer { DX: number; Turn: number; Fire: boolean }
export interface Arena {
  tables: { mover: Mover; ship: Ship };
  singletons: never;
  input: Steer;
  events: { shot: { readonly From: number; readonly Power: number }; taunt: { readonly By: number; readonly Line: string } };
  messages: { verdict: { readonly Winner: string; readonly Rounds: number } };
  requests: { buy: [{ Item: number }, { readonly Left: number }] };
}

export const schema = schemaNamed("arena");
export const arena = defineGame<Arena>({ name: "arena", schema: schemaBytes(schema) });

/** What stands still. */
export const still: Steer = { DX: 0, Turn: 0, Fire: false };

/** Play is a client and its server, in a time of their own. */
export class Play {
  readonly time = new VirtualTime();
  readonly server = new FakeServer(this.time, schema);
  client!: Client<Arena>;

  /** joins waits until the player is in. */
  async joins(config: JoinConfig<Arena> = {}, webTransport = false): Promise<this> {
    this.client = await this.outcome(join(arena, { environment: this.server.environment(webTransport), ...config }), config.timeout ?? 10_000);
    return this;
  }

  /** refused is why a join fails. */
  async refused(config: JoinConfig<Arena> = {}, webTransport = false): Promise<JoinError> {
    try {
      await this.joins(config, webTransport);
    } catch (e) {
      assert.ok(e instanceof JoinError, String(e));
      return e;
    }
    return assert.fail("the join must fail");
  }

  /** outcome lets time pass until a promise is settled, within so many milliseconds. */
  async outcome<V>(promise: Promise<V>, ms: number): Promise<V> {
    let over = false;
    const settled = () => void (over = true);
    promise.then(settled, settled);
    for (let passed = 0; !over && passed <= ms + 1000; passed += 10) await this.time.pass(10);
    assert.ok(over, `nothing came within ${ms} ms`);
    return promise;
  }

  tells(...sections: Sections): void {
    this.server.last.state({}, ...sections);
  }
}

/** mover is a section with a mover whose heading is in steps of 3 degrees. */
export function mover(index: number, heading: number, generation = 1): Sections[0] {
  return { table: "mover", class: "public", kind: "full", records: [{ index, generation, columns: [0, 0, 0, 0, heading].map((word, column) => ({ column, word })) }] };
}

/** rowOf is a row as a message has it. */
export function rowOf(table: Table, row: object): Uint8Array {
  const w = new Writer();
  writeRow(w, table, row, new RowBuffer());
  return w.finish();
}
