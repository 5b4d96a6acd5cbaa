import assert from "node:assert/strict";
import { test } from "node:test";
import { Class, Cursor, readRow, RowBuffer, Writer, writeRow, type Game, type GameTypes, type Mutable, type RequestName, type SingletonName, type TableName } from "../src/index.js";
import { arena, type Arena, type Ship, type Steer } from "./games/arena.js";
import { newGame, type Everything, type InputOrder, type New } from "./games/odd.js";
import { pong } from "./games/pong.js";

const zeroVec = { X: 0, Y: 0 };

test("rows have the types that are generated of them", () => {
  const everything: Everything = {
    At: zeroVec, Hidden: zeroVec, Cells: [{ Full: false, Count: 0 }, { Full: false, Count: 0 }], Grid: [[0, 0, 0], [0, 0, 0]],
    Slots: new Array<number>(17).fill(0), Born: 0n, Safe: -1, Unsafe: 0n, Mine: false, Ours: "", Debt: -(1n << 63n),
    Inner: { Deep: 0 }, Pair: { Left: -128, Right: -128 },
  };
  const [table] = newGame.schema.tables;
  assert.deepEqual(table!.shape.read(Class.own, new RowBuffer()), everything);
  const seen: Everything = { ...everything, Debt: 0n };
  assert.deepEqual(table!.shape.read(Class.public, new RowBuffer()), seen);
});

test("inputs have the types that are generated of them", () => {
  const input: InputOrder = { At: { X: 1, Y: 10 }, What: -1, Sites: [{ X: 0.5, Y: 0 }, zeroVec] };
  const w = new Writer();
  writeRow(w, newGame.schema.input, input, new RowBuffer());
  assert.deepEqual(readRow(new Cursor(), newGame.schema.input, w.finish(), new RowBuffer()), input);
});

test("a generated game is of its types", () => {
  const games: Game<GameTypes>[] = [arena, pong, newGame];
  assert.deepEqual(games.map((g) => g.name), ["arena", "pong", "new"]);
  for (const g of games) assert.doesNotThrow(() => g.check(g.schema));
  const table: TableName<New> = "every thing";
  const request: RequestName<Arena> = "rename";
  const singletons: [SingletonName<Arena>, SingletonName<New>] = ["rules", "7"];
  assert.ok(table && request && singletons);
  // @ts-expect-error: it is a table, but no singleton
  const none: SingletonName<Arena> = "ship";
  // @ts-expect-error: a row is read
  const write = (ship: Ship) => { ship.X = 1; };
  const edit = (ship: Mutable<Ship>) => { ship.X = 1; };
  // @ts-expect-error: a field is missing
  const steer: Steer = { Aim: 1, Thrust: true };
  assert.ok([none, write, edit, steer]);
});

test("a generated game tells how its tables are shown, where that is not as usual", () => {
  assert.deepEqual([newGame.shownAs, newGame.teleport], [{ order: "extrapolate" }, { order: 2.5 }]);
  assert.deepEqual([arena.shownAs, arena.teleport], [{}, { ship: 50 }]);
  assert.deepEqual([pong.shownAs, pong.teleport], [{}, {}]);
});

test("a server's game that lost a field is refused by that of the generated types", () => {
  assert.throws(() => arena.check(pong.schema), /the server has game pong, this client is for arena/);
});
