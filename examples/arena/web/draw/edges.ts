import type { Camera } from "../camera.js";
import type { Scene } from "../scene.js";
import type { Palette } from "../theme.js";

/** How far from the screen's edge an arrow points, in pixels. */
const inset = 20;

/** Paints arrows at the screen's edge towards the ships and drones that are in sight of the ship, but not on the screen. */
export function drawEdges(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, scene: Scene): void {
  camera.onScreen(ctx);
  for (const drone of scene.drones.values()) {
    if (!camera.shows(drone.row.X, drone.row.Y, 8)) point(ctx, camera, drone.row.X, drone.row.Y, 4, palette.drone);
  }
  for (const ship of scene.ships.values()) {
    if (ship.row.Hull > 0 && !camera.shows(ship.row.X, ship.row.Y, 10)) point(ctx, camera, ship.row.X, ship.row.Y, 8, ship.colour);
  }
}

function point(ctx: CanvasRenderingContext2D, camera: Camera, toX: number, toY: number, size: number, colour: string): void {
  const dx = camera.screenX(toX) - camera.width / 2;
  const dy = camera.screenY(toY) - camera.height / 2;
  const part = Math.min((camera.width / 2 - inset) / Math.abs(dx || 1), (camera.height / 2 - inset) / Math.abs(dy || 1));
  const far = Math.hypot(dx, dy) || 1;
  const x = camera.width / 2 + dx * part;
  const y = camera.height / 2 + dy * part;
  const ex = (dx / far) * size;
  const ey = (dy / far) * size;
  ctx.globalAlpha = 0.85;
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.moveTo(x + ex, y + ey);
  ctx.lineTo(x - ex * 0.6 - ey * 0.8, y - ey * 0.6 + ex * 0.8);
  ctx.lineTo(x - ex * 0.6 + ey * 0.8, y - ey * 0.6 - ex * 0.8);
  ctx.fill();
  ctx.globalAlpha = 1;
}
