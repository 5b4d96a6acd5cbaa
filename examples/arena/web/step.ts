import type { Mutable, Own } from "quicstep";
import type { Arena, Rules, Ship, Steer } from "./arena.js";

// What an input does to the player's own ship, as flight.go has it: the page predicts by it. Where Go rounds to a float32, so does
// Math.fround; testdata/steps/arena.json tells whether both come to the same.

const thrust = 400; // units per second and second
const drag = 0.9; // the part of its speed that a ship loses in a second
const maxSpeed = 240; // units per second
const reload = 0.25; // seconds

/** step does what a player asks of its own ship. */
export function step(own: Own<Arena>, input: Readonly<Steer>): void {
  const rules = own.singleton("rules");
  if (rules === undefined) return; // they have not arrived yet
  for (const [, ship] of own.rows("ship")) {
    ship.Aim = input.Aim;
    if (ship.Hull === 0) continue;
    fly(ship, rules, input.Thrust);
    if (input.Fire && own.tick >= ship.Ready) ship.Ready = own.tick + Math.max(1, Math.round(reload * rules.TickRate));
  }
}

/** fly moves a ship for a tick. */
function fly(ship: Mutable<Ship>, rules: Rules, forwards: boolean): void {
  const period = 1 / rules.TickRate;
  let vx = ship.VX;
  let vy = ship.VY;
  if (forwards) {
    const gain = thrust * period;
    const angle = ship.Aim * (Math.PI / 180);
    vx += gain * micro(Math.cos(angle));
    vy += gain * micro(Math.sin(angle));
  }
  let keep = 1 / (1 + drag * period);
  const speed = Math.sqrt(vx * vx + vy * vy);
  if (speed > 0) keep = Math.min(keep, maxSpeed / speed);
  [ship.X, ship.VX] = glide(ship.X, Math.fround(vx * keep), rules.Side, period);
  [ship.Y, ship.VY] = glide(ship.Y, Math.fround(vy * keep), rules.Side, period);
}

/** glide moves one coordinate for a tick and reflects it at the walls. */
function glide(at: number, v: number, side: number, period: number): [at: number, v: number] {
  let next = at + v * period;
  if (next < 0) {
    next = -next;
    v = -v;
  } else if (next > side) {
    next = side - (next - side);
    v = -v;
  }
  return [Math.fround(Math.max(0, Math.min(next, side))), v];
}

/** micro rounds to a millionth: the last bits of a sine may differ between machines. */
function micro(v: number): number {
  return Math.round(v * 1e6) / 1e6;
}
