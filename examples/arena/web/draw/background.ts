import type { Camera } from "../camera.js";
import type { Palette } from "../theme.js";
import { drawGlow } from "./glow.js";

/** Stars lie in layers: a layer of depth d moves by d of what the ship moves. Each cell of a layer has one. */
const layers = [
  { depth: 0.12, cell: 74, size: 1, alpha: 0.45 },
  { depth: 0.3, cell: 105, size: 1.4, alpha: 0.6 },
  { depth: 0.6, cell: 170, size: 1.9, alpha: 0.8 },
];

/** How long a star's streak is, in seconds of its way. */
const streak = 0.022;

/** A number from 0 to 1 that belongs to a cell. */
function chance(x: number, y: number, salt: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(salt, 1274126177);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Paints space: stars that stretch with the speed (in units per second), the grid, and the walls. */
export function drawBackground(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, side: number, vx: number, vy: number): void {
  camera.onScreen(ctx);
  ctx.fillStyle = palette.space;
  ctx.fillRect(0, 0, camera.width, camera.height);
  drawClouds(ctx, camera, palette);
  drawGrid(ctx, camera, palette, side);
  drawStars(ctx, camera, palette, vx, vy);
  drawWalls(ctx, camera, palette, side);
}

/** Clouds lie far behind the stars, one in each cell of so many pixels. */
const cloudDepth = 0.07;
const cloudCell = 620;

function drawClouds(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette): void {
  const left = camera.x * camera.scale * cloudDepth;
  const top = camera.y * camera.scale * cloudDepth;
  for (let i = Math.floor(left / cloudCell) - 1; i * cloudCell < left + camera.width + cloudCell / 2; i++) {
    for (let j = Math.floor(top / cloudCell) - 1; j * cloudCell < top + camera.height + cloudCell / 2; j++) {
      const x = (i + chance(i, j, 21)) * cloudCell - left;
      const y = (j + chance(i, j, 22)) * cloudCell - top;
      const colour = palette.clouds[Math.floor(chance(i, j, 23) * palette.clouds.length)] ?? palette.space;
      drawGlow(ctx, colour, x, y, 260 + 160 * chance(i, j, 24), palette.cloudAlpha);
    }
  }
}

function drawStars(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, vx: number, vy: number): void {
  ctx.strokeStyle = palette.star;
  ctx.lineCap = "round";
  layers.forEach((layer, salt) => {
    const { depth, cell } = layer;
    const left = camera.x * camera.scale * depth;
    const top = camera.y * camera.scale * depth;
    const dx = vx * camera.scale * depth * streak;
    const dy = vy * camera.scale * depth * streak;
    ctx.globalAlpha = layer.alpha;
    ctx.lineWidth = layer.size;
    ctx.beginPath();
    for (let i = Math.floor(left / cell) - 1; i * cell < left + camera.width; i++) {
      for (let j = Math.floor(top / cell) - 1; j * cell < top + camera.height; j++) {
        const x = (i + chance(i, j, salt)) * cell - left;
        const y = (j + chance(i, j, salt + 7)) * cell - top;
        ctx.moveTo(x, y);
        ctx.lineTo(x + dx + 0.01, y + dy);
      }
    }
    ctx.stroke();
  });
  ctx.globalAlpha = 1;
}

/** Lines at each 100 units, bold ones at each 500. They lie on pixels, so that they stay crisp. */
function drawGrid(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, side: number): void {
  const left = Math.max(0, camera.screenX(0));
  const right = Math.min(camera.width, camera.screenX(side));
  const top = Math.max(0, camera.screenY(0));
  const bottom = Math.min(camera.height, camera.screenY(side));
  for (const bold of [false, true]) {
    ctx.beginPath();
    for (let at = 0; at <= side; at += 100) {
      if ((at % 500 === 0) !== bold) continue;
      const x = Math.round(camera.screenX(at)) + 0.5;
      const y = Math.round(camera.screenY(at)) + 0.5;
      if (x >= left && x <= right) {
        ctx.moveTo(x, top);
        ctx.lineTo(x, bottom);
      }
      if (y >= top && y <= bottom) {
        ctx.moveTo(left, y);
        ctx.lineTo(right, y);
      }
    }
    ctx.lineWidth = bold ? 1.5 : 1;
    ctx.strokeStyle = bold ? palette.gridBold : palette.grid;
    ctx.stroke();
  }
}

function drawWalls(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, side: number): void {
  const left = camera.screenX(0);
  const top = camera.screenY(0);
  const right = camera.screenX(side);
  const bottom = camera.screenY(side);
  if (left < -12 && top < -12 && right > camera.width + 12 && bottom > camera.height + 12) return;
  ctx.fillStyle = palette.beyond;
  if (left > 0) ctx.fillRect(0, 0, left, camera.height);
  if (top > 0) ctx.fillRect(0, 0, camera.width, top);
  if (right < camera.width) ctx.fillRect(right, 0, camera.width - right, camera.height);
  if (bottom < camera.height) ctx.fillRect(0, bottom, camera.width, camera.height - bottom);
  ctx.strokeStyle = palette.wall;
  for (const [width, alpha] of [[14, 0.1], [7, 0.2], [2.5, 1]] as const) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.strokeRect(left, top, right - left, bottom - top);
  }
  ctx.globalAlpha = 1;
}
