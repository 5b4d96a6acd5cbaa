import type { Ship } from "./arena.js";

/** What a ship does of itself, per second: flight.go's thrust and drag. */
const thrust = 400;
const drag = 0.9;

/** A ship that is told nothing new for so long flies as it was reckoned: straight on. In milliseconds. */
const steadyFor = 250;

/** Engine guesses whether another's ship thrusts, which nobody is told: from how its velocity changes, less what drag does. */
export class Engine {
  on = false;

  private vx = 0;
  private vy = 0;
  private since = 0;

  /** Looks at the ship as it is shown; now is in milliseconds. */
  look(ship: Ship, now: number): void {
    if (ship.Hull === 0) {
      this.on = false;
      return;
    }
    const seconds = (now - this.since) / 1000;
    if (ship.VX === this.vx && ship.VY === this.vy) {
      // Straight on at a steady speed needs thrust: drag would have shown by now.
      if (seconds * 1000 > steadyFor) this.on = Math.hypot(ship.VX, ship.VY) > 100;
      return;
    }
    const gainX = (ship.VX - this.vx) / seconds + drag * this.vx;
    const gainY = (ship.VY - this.vy) / seconds + drag * this.vy;
    const aim = (ship.Aim * Math.PI) / 180;
    if (seconds > 0 && seconds < 1) this.on = gainX * Math.cos(aim) + gainY * Math.sin(aim) > thrust / 4;
    this.vx = ship.VX;
    this.vy = ship.VY;
    this.since = now;
  }
}
