import type { Camera } from "../camera.js";
import type { Prey } from "../scene.js";
import type { Palette } from "../theme.js";
import { drawGlow } from "./glow.js";

const shell = new Path2D("M10 0 L5 8.66 L-5 8.66 L-10 0 L-5 -8.66 L5 -8.66 Z");
const core = new Path2D("M4 0 A4 4 0 1 1 -4 0 A4 4 0 1 1 4 0 Z");
const crack = new Path2D("M10 0 L3 1.5 L4.5 5 L-1 4 L-5 8.66");

/** What an unhurt drone has: arena.DroneHull. */
const hullWhole = 2;

/** Paints a drone, which turns slowly; now is in milliseconds. */
export function drawDrone(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, drone: Prey, now: number): void {
  const spin = (drone.id % 2 === 0 ? 1 : -1) * (now / 1400 + drone.id);
  camera.at(ctx, drone.row.X, drone.row.Y, spin);
  if (palette.dark) drawGlow(ctx, palette.drone, 0, 0, 22, 0.22);
  ctx.lineJoin = "round";
  ctx.fillStyle = palette.dark ? "#2a2410" : "#fff3d6";
  ctx.strokeStyle = palette.drone;
  ctx.lineWidth = 1.8;
  ctx.fill(shell);
  ctx.stroke(shell);
  const hurt = drone.row.Hull < hullWhole;
  ctx.fillStyle = hurt ? palette.bad : palette.drone;
  ctx.fill(core);
  if (hurt) ctx.stroke(crack);
}
