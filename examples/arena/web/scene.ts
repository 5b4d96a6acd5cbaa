import type { Mutable, View } from "quicstep";
import type { Arena, Boom, Drone, Ship, Shot } from "./arena.js";
import { Effects } from "./effects.js";
import { Engine } from "./engine.js";
import type { Theme } from "./theme.js";

/** How soon a ship is drawn pointing to where it aims, which travels in steps of 3 degrees: the time constant in seconds. */
const turnTime = 0.03;

/** How far a shot reaches and how far from its line it hits, in units: arena.Range and arena.HitRadius. */
const range = 300;
const hitRadius = 12;

/** Somebody is a ship as it is drawn: a copy of its row, and what the page makes of it. */
export interface Somebody {
  readonly id: number;
  readonly row: Mutable<Ship>;
  /** In radians. */
  aim: number;
  engine: Engine;
  thrusts: boolean;
  /** When it was hit, in milliseconds of the page; it flashes. */
  hitAt: number;
  colour: string;
  frame: number;
}

/** Prey is a drone as it is drawn: a copy of its row. */
export interface Prey {
  readonly id: number;
  readonly row: Mutable<Drone>;
  frame: number;
}

/**
 * Scene is what the next frame shows: rows as the SDK draws them, and effects. Rows are looked at once a frame; what happens to one
 * from frame to frame (a hit, a shot of one's own, a new life) is found here.
 */
export class Scene {
  readonly ships = new Map<number, Somebody>();
  readonly drones = new Map<number, Prey>();
  readonly effects = new Effects();
  /** One's own ship; undefined until it is known. */
  me: Somebody | undefined;
  /** The length of a wall. */
  side = 2000;
  /** One's own ship has been hit since somebody last looked. */
  hurt = false;

  private frame = 0;
  private now = 0;
  private seconds = 0;
  private thrust = false;

  constructor(private readonly theme: Theme) {}

  /**
   * Takes over what a view shows; its rows are good for this frame only. Thrust is what the player asks for; now is in milliseconds,
   * seconds have passed since the last frame.
   */
  look(view: View<Arena>, thrust: boolean, now: number, seconds: number): void {
    this.frame++;
    this.now = now;
    this.seconds = seconds;
    this.thrust = thrust;
    this.side = view.singleton("rules")?.Side ?? this.side;
    for (const [id, row] of view.table("drone").all()) this.lookAtDrone(id, row);
    const mine = ownShip(view);
    for (const [id, row] of view.table("ship").all()) this.lookAtShip(id, row, id === mine);
    this.me = this.ships.get(mine);
    for (const [id, drone] of this.drones) if (drone.frame !== this.frame) this.drones.delete(id);
    for (const [id, ship] of this.ships) if (ship.frame !== this.frame) this.ships.delete(id);
    this.effects.pass(seconds);
  }

  /** A shot of another: one's own was shown when it was fired. Where it hit, sparks fly. */
  shot(shot: Shot): void {
    const aim = (shot.Aim * Math.PI) / 180;
    if (shot.By !== this.me?.id) this.effects.bolt(shot.X, shot.Y, aim, shot.Length, this.theme.colourOf(shot.By));
    if (shot.Length >= range) return;
    const x = shot.X + Math.cos(aim) * shot.Length;
    const y = shot.Y + Math.sin(aim) * shot.Length;
    this.effects.sparks(x, y, 7, 90, this.theme.palette.spark);
  }

  /** The end of a ship or drone. */
  boom(boom: Boom): void {
    const { flame, spark, drone } = this.theme.palette;
    this.effects.ring(boom.X, boom.Y, boom.Ship ? 62 : 34, boom.Ship ? 0.65 : 0.4, boom.Ship ? flame : drone);
    this.effects.sparks(boom.X, boom.Y, boom.Ship ? 46 : 20, boom.Ship ? 150 : 100, boom.Ship ? flame : drone);
    if (boom.Ship) this.effects.sparks(boom.X, boom.Y, 20, 60, spark);
  }

  private lookAtDrone(id: number, row: Drone): void {
    let drone = this.drones.get(id);
    if (!drone) {
      drone = { id, row: { ...row }, frame: 0 };
      this.drones.set(id, drone);
    } else if (row.Hull < drone.row.Hull) {
      this.effects.sparks(row.X, row.Y, 8, 70, this.theme.palette.drone);
    }
    Object.assign(drone.row, row);
    drone.frame = this.frame;
  }

  private lookAtShip(id: number, row: Ship, mine: boolean): void {
    let ship = this.ships.get(id);
    const aim = (row.Aim * Math.PI) / 180;
    if (!ship) {
      ship = { id, row: { ...row }, aim, engine: new Engine(), thrusts: false, hitAt: -1e9, colour: "", frame: 0 };
      this.ships.set(id, ship);
    } else {
      this.compare(ship, row, mine);
    }
    ship.colour = mine ? this.theme.palette.me : this.theme.colourOf(id);
    ship.engine.look(row, this.now);
    ship.thrusts = mine ? this.thrust && row.Hull > 0 : ship.engine.on;
    const off = Math.atan2(Math.sin(aim - ship.aim), Math.cos(aim - ship.aim));
    ship.aim += off * (1 - Math.exp(-this.seconds / turnTime));
    Object.assign(ship.row, row);
    ship.frame = this.frame;
    if (ship.thrusts && Math.random() < this.seconds * 50) this.effects.exhaust(row.X, row.Y, ship.aim, this.theme.palette.flame);
  }

  private compare(ship: Somebody, row: Ship, mine: boolean): void {
    const was = ship.row;
    if (row.Hull < was.Hull) {
      ship.hitAt = this.now;
      if (mine) this.hurt = true;
    }
    if (row.Hull > 0 && was.Hull === 0) this.effects.ring(row.X, row.Y, 40, 0.5, ship.colour);
    if (mine && row.Ready > was.Ready && row.Hull > 0) {
      const aim = (row.Aim * Math.PI) / 180;
      this.effects.bolt(row.X, row.Y, aim, this.reaches(row, aim, ship.id), ship.colour);
    }
  }

  /** How far one's own shot seems to reach: to the nearest in its line. The server decides what it hits. */
  private reaches(from: Ship, aim: number, by: number): number {
    let length = range;
    const dx = Math.cos(aim);
    const dy = Math.sin(aim);
    const meet = (x: number, y: number): void => {
      const along = (x - from.X) * dx + (y - from.Y) * dy;
      const aside = (y - from.Y) * dx - (x - from.X) * dy;
      if (along > 0 && along < length && Math.abs(aside) <= hitRadius) length = along;
    };
    for (const ship of this.ships.values()) if (ship.id !== by && ship.row.Hull > 0) meet(ship.row.X, ship.row.Y);
    for (const drone of this.drones.values()) meet(drone.row.X, drone.row.Y);
    return length;
  }
}

/** The id of one's own ship; 0 while it is not known. */
function ownShip(view: View<Arena>): number {
  for (const [id] of view.table("ship").owned()) return id;
  return 0;
}
