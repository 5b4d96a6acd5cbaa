import type { Ship } from "../arena.js";
import type { Camera } from "../camera.js";
import type { Scene } from "../scene.js";
import type { Palette } from "../theme.js";
import { drawBackground } from "./background.js";
import { drawDrone } from "./drones.js";
import { drawEdges } from "./edges.js";
import { drawEffects } from "./effects.js";
import { drawGhost, drawName, drawShip } from "./ships.js";

/** Paints a frame; now is in milliseconds. Ghosts are rows as the server told them, of ships. */
export function drawFrame(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, scene: Scene, now: number): void {
  const me = scene.me?.row;
  drawBackground(ctx, camera, palette, scene.side, me?.VX ?? 0, me?.VY ?? 0);
  for (const drone of scene.drones.values()) {
    if (camera.shows(drone.row.X, drone.row.Y, 24)) drawDrone(ctx, camera, palette, drone, now);
  }
  for (const ship of scene.ships.values()) {
    if (ship !== scene.me && camera.shows(ship.row.X, ship.row.Y, 36)) drawShip(ctx, camera, palette, ship, now);
  }
  if (scene.me) drawShip(ctx, camera, palette, scene.me, now);
  drawEffects(ctx, camera, palette, scene.effects);
  camera.onScreen(ctx);
  ctx.font = "600 12px system-ui, sans-serif";
  ctx.textAlign = "center";
  for (const ship of scene.ships.values()) {
    if (camera.shows(ship.row.X, ship.row.Y, 36)) drawName(ctx, camera, palette, ship);
  }
  drawEdges(ctx, camera, palette, scene);
}

/** Paints where the server said that ships are, over a frame. */
export function drawGhosts(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, ships: Iterable<[number, Ship]>): void {
  for (const [, row] of ships) {
    if (row.Hull > 0 && camera.shows(row.X, row.Y, 20)) drawGhost(ctx, camera, palette, row);
  }
}
