import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSync } from "esbuild";
import type { Own, Step } from "../src/index.js";
import { checkSteps, type StepVectors } from "../src/testing/index.js";
import type { Arena, Steer as ArenaSteer } from "./games/arena.js";
import type { Pong, Steer as PongSteer } from "./games/pong.js";
import { golden } from "./vectors.js";

const arenaVectors = golden<StepVectors>("steps/arena.json");
const pongVectors = golden<StepVectors>("steps/pong.json");

/** The step of the arena's page. */
async function arenaStep(): Promise<(own: Own<Arena>, input: Readonly<ArenaSteer>) => void> {
  const file = new URL("../../../../examples/arena/web/step.ts", import.meta.url);
  const code = buildSync({ entryPoints: [file.pathname], bundle: true, format: "esm", write: false }).outputFiles[0]!.text;
  return ((await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { step: Step<Arena> }).step as never;
}

/** The step of pong, whose numbers are float32 in Go. */
function pongStep(own: Own<Pong>, input: Readonly<PongSteer>): void {
  for (const [, paddle] of own.rows("paddle")) {
    const y = Math.fround(paddle.Y + Math.fround(Math.fround(2.2) * input.DY));
    paddle.Y = Math.max(10, Math.min(y, 80));
  }
}

/** wrong is how a difference reads. */
const wrong = (found: ReturnType<typeof checkSteps>) => found.slice(0, 5).map((d) => `${d.case}: tick ${d.tick}: ${d.table} ${d.field}: expected ${d.expected}, got ${d.got}, ${d.size}`);

test("the arena's step is the game's", async () => {
  const step = await arenaStep();
  assert.ok(arenaVectors.cases.filter((c) => c.inputs.length >= 20).length >= 20, "there are runs that would drift");
  assert.deepEqual(wrong(checkSteps(arenaVectors, step)), []);
  assert.deepEqual(wrong(checkSteps(arenaVectors, step, { tolerance: 0.05 })), [], "far closer than it must be: nothing drifts");
});

test("pong's step is the game's", () => {
  assert.deepEqual(wrong(checkSteps(pongVectors, pongStep)), []);
  assert.deepEqual(wrong(checkSteps(pongVectors, pongStep, { tolerance: 0.05 })), []);
});

test("a step that does otherwise is told by case, table, field and size", async () => {
  const right = await arenaStep();
  const differs = (step: Step<Arena>) => [...new Set(checkSteps(arenaVectors, step).map((d) => `${d.table} ${d.field}`))].sort();
  assert.deepEqual(differs((own, input) => right(own, { ...input, Fire: false })), ["ship Ready"]);
  assert.deepEqual(differs((own, input) => right(own, { ...input, Thrust: false })), ["ship VX", "ship VY", "ship X", "ship Y"]);
  assert.deepEqual(differs(() => undefined), ["ship Aim", "ship Ready", "ship VX", "ship VY", "ship X", "ship Y"]);
  const slow: Step<Pong> = (own, input) => {
    for (const [, p] of own.rows("paddle")) p.Y = Math.max(10, Math.min(p.Y + 2.18 * input.DY, 80));
  };
  const found = checkSteps(pongVectors, slow);
  const one = found.find((d) => d.case.startsWith("one"))!;
  assert.deepEqual([one.table, one.field], ["paddle", "Y"]);
  assert.ok(one.size > 2 && one.size < 5, `2.2 less 2.18 is 3.2 of the owner's steps, not ${one.size}`);
  assert.ok(checkSteps(pongVectors, slow, { tolerance: 5 }).length === 0, "within a tolerance that is given");
  const nan = checkSteps<Pong>(pongVectors, (own) => {
    for (const [, p] of own.rows("paddle")) p.Y = NaN;
  });
  assert.equal(nan[0]!.size, Infinity);
  const rows = checkSteps<Pong>(pongVectors, (own, input) => {
    pongStep(own, input);
    own.insert("paddle", { Y: 1 });
  });
  assert.deepEqual([rows[0]!.field, rows[0]!.expected, rows[0]!.got], ["row", "none", "there"]);
});

test("a step that throws, and vectors that are of no use, are errors that say so", () => {
  assert.throws(() => checkSteps<Pong>(pongVectors, () => {
    throw new Error("a mistake");
  }), /player \d from tick \d+: the step has thrown in tick \d+: Error: a mistake/);
  assert.throws(() => checkSteps({ ...pongVectors, cases: [] }, pongStep as never), /no cases: write them with gen vectors/);
});
