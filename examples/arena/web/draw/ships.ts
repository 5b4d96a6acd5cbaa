import type { Ship } from "../arena.js";
import type { Camera } from "../camera.js";
import type { Somebody } from "../scene.js";
import type { Palette } from "../theme.js";
import { drawGlow } from "./glow.js";

/** A ship that points along x, in units. It is hit within 12 of its middle. */
const outline = new Path2D("M16 0 L1 4.6 L-6 11 L-10 10.5 L-7 3.6 L-7 -3.6 L-10 -10.5 L-6 -11 L1 -4.6 Z");
const cabin = new Path2D("M8 0 L1.5 2.3 L-2 0 L1.5 -2.3 Z");
const shards = [
  new Path2D("M13 1 L0 5 L-3 1 Z"),
  new Path2D("M-1 -3 L-9 -11 L-10 -3 Z"),
  new Path2D("M-4 4 L-10 10 L-11 3 Z"),
];

/** For how long a hit shows, in milliseconds. */
const flashTime = 140;

/** Paints a ship or its wreck; now is in milliseconds. */
export function drawShip(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, ship: Somebody, now: number): void {
  const { row } = ship;
  if (row.Hull === 0) {
    drawWreck(ctx, camera, palette, ship, now);
    return;
  }
  camera.at(ctx, row.X, row.Y, ship.aim);
  if (palette.dark) drawGlow(ctx, ship.colour, 0, 0, 34, 0.3);
  if (ship.thrusts) drawFlame(ctx, palette, now + ship.id * 97);
  const hit = now - ship.hitAt < flashTime;
  ctx.lineJoin = "round";
  ctx.lineWidth = 1.6;
  ctx.fillStyle = hit ? "#fff" : ship.colour;
  ctx.strokeStyle = hit ? palette.bad : palette.dark ? "#ffffffb0" : "#00000070";
  ctx.fill(outline);
  ctx.stroke(outline);
  ctx.fillStyle = palette.dark ? "#0a1022c0" : "#ffffffc0";
  ctx.fill(cabin);
  if (row.Hull < hullWhole) drawHull(ctx, palette, row.Hull);
}

/** What an unhurt ship has: arena.ShipHull. */
export const hullWhole = 4;

function drawFlame(ctx: CanvasRenderingContext2D, palette: Palette, phase: number): void {
  const length = 13 + 4 * Math.sin(phase / 23) + 3 * Math.sin(phase / 11);
  ctx.fillStyle = palette.flame;
  ctx.beginPath();
  ctx.moveTo(-7, 3.4);
  ctx.lineTo(-7 - length, 0);
  ctx.lineTo(-7, -3.4);
  ctx.fill();
  ctx.fillStyle = palette.dark ? "#fff6dc" : "#ffd9a0";
  ctx.beginPath();
  ctx.moveTo(-7, 1.8);
  ctx.lineTo(-7 - length * 0.5, 0);
  ctx.lineTo(-7, -1.8);
  ctx.fill();
}

/** What is left of a hull that was hit: a part of a circle for each hit that it still takes. */
function drawHull(ctx: CanvasRenderingContext2D, palette: Palette, hull: number): void {
  ctx.lineCap = "butt";
  ctx.lineWidth = 1.6;
  for (let i = 0; i < hullWhole; i++) {
    ctx.globalAlpha = i < hull ? 0.9 : 0.22;
    ctx.strokeStyle = hull === 1 ? palette.bad : palette.dim;
    ctx.beginPath();
    ctx.arc(0, 0, 21, Math.PI + (i - 2) * 0.5 + 0.05, Math.PI + (i - 1) * 0.5 - 0.05);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

function drawWreck(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, ship: Somebody, now: number): void {
  const age = Math.min(2, (now - ship.hitAt) / 1000);
  ctx.fillStyle = palette.wreck;
  ctx.globalAlpha = 1 - age * 0.35;
  shards.forEach((shard, i) => {
    const away = ship.aim + i * 2.1 + 0.5;
    const far = 3 + 9 * Math.sqrt(age);
    camera.at(ctx, ship.row.X + Math.cos(away) * far, ship.row.Y + Math.sin(away) * far, ship.aim + age * (i - 1.2) * 0.9);
    ctx.fill(shard);
  });
  ctx.globalAlpha = 1;
}

/** Paints where the server said that a ship is, when last it said so. */
export function drawGhost(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, row: Ship): void {
  camera.at(ctx, row.X, row.Y, (row.Aim * Math.PI) / 180);
  ctx.setLineDash([3, 2.5]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.ink;
  ctx.globalAlpha = 0.75;
  ctx.stroke(outline);
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** Paints a ship's name below it, in pixels of CSS. */
export function drawName(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, ship: Somebody): void {
  const mine = ship.colour === palette.me;
  ctx.fillStyle = mine ? palette.me : palette.ink;
  ctx.globalAlpha = ship.row.Hull === 0 ? 0.4 : 0.85;
  ctx.fillText(ship.row.Name, Math.round(camera.screenX(ship.row.X)), Math.round(camera.screenY(ship.row.Y) + 27 * camera.scale));
  ctx.globalAlpha = 1;
}
