import type { Camera } from "../camera.js";
import { boltSpeed, type Effects } from "../effects.js";
import type { Palette } from "../theme.js";

/** How long a bolt is, in units, and for how long its trace stays, in seconds. */
const boltLength = 46;
const traceTime = 0.16;

/** How long a spark is: so many seconds of its way. */
const sparkTime = 0.035;

/** Paints what flies and fades. */
export function drawEffects(ctx: CanvasRenderingContext2D, camera: Camera, palette: Palette, effects: Effects): void {
  camera.inArena(ctx);
  if (palette.dark) ctx.globalCompositeOperation = "lighter";
  drawParticles(ctx, camera, effects);
  drawRings(ctx, effects);
  drawBolts(ctx, palette, effects);
  ctx.globalCompositeOperation = "source-over";
  ctx.globalAlpha = 1;
}

function drawParticles(ctx: CanvasRenderingContext2D, camera: Camera, effects: Effects): void {
  ctx.lineCap = "round";
  for (const p of effects.particles) {
    if (p.age >= p.life || !camera.shows(p.x, p.y, 4)) continue;
    const left = 1 - p.age / p.life;
    const size = p.size * (0.4 + 0.6 * left);
    ctx.globalAlpha = left;
    ctx.strokeStyle = p.colour;
    ctx.lineWidth = size;
    ctx.beginPath();
    ctx.moveTo(p.x, p.y);
    ctx.lineTo(p.x - p.vx * sparkTime + 0.01, p.y - p.vy * sparkTime);
    ctx.stroke();
  }
}

function drawRings(ctx: CanvasRenderingContext2D, effects: Effects): void {
  for (const r of effects.rings) {
    if (r.age >= r.life) continue;
    const done = r.age / r.life;
    ctx.globalAlpha = 1 - done;
    ctx.strokeStyle = r.colour;
    ctx.lineWidth = 0.6 + 3.6 * (1 - done);
    ctx.beginPath();
    ctx.arc(r.x, r.y, r.radius * (1 - (1 - done) ** 3), 0, 2 * Math.PI);
    ctx.stroke();
  }
}

function drawBolts(ctx: CanvasRenderingContext2D, palette: Palette, effects: Effects): void {
  ctx.lineCap = "round";
  for (const b of effects.bolts) {
    const head = Math.min(b.length, b.age * boltSpeed + 22);
    const tail = Math.max(14, Math.min(b.age * boltSpeed + 22 - boltLength, b.length));
    const fading = 1 - b.age / (b.length / boltSpeed + traceTime);
    if (fading <= 0) continue;
    ctx.strokeStyle = b.colour;
    ctx.beginPath();
    ctx.moveTo(b.x + b.dx * 14, b.y + b.dy * 14);
    ctx.lineTo(b.x + b.dx * head, b.y + b.dy * head);
    ctx.lineWidth = 1.4;
    ctx.globalAlpha = 0.4 * fading;
    ctx.stroke();
    if (tail >= head) continue;
    ctx.beginPath();
    ctx.moveTo(b.x + b.dx * tail, b.y + b.dy * tail);
    ctx.lineTo(b.x + b.dx * head, b.y + b.dy * head);
    ctx.lineWidth = 5;
    ctx.globalAlpha = 0.45;
    ctx.stroke();
    ctx.lineWidth = 2.2;
    ctx.globalAlpha = 1;
    ctx.strokeStyle = palette.dark ? "#ffffff" : b.colour;
    ctx.stroke();
  }
}
