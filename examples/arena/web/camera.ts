import { fit } from "./dom.js";

/** How far a ship sees, in units: arena.Sight. The corners of the screen lie just within. */
export const sight = 400;

/** Camera is which part of the arena the screen shows. Positions of the arena are in units, those of the screen in pixels of CSS. */
export class Camera {
  /** What is in the middle of the screen. */
  x = 0;
  y = 0;
  /** Pixels per unit. */
  scale = 1;
  width = 1;
  height = 1;

  private ratio = 1;
  private shaking = 0;
  private shakeX = 0;
  private shakeY = 0;
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(private readonly canvas: HTMLCanvasElement) {}

  /** Takes the canvas as large as it is now. */
  resize(): void {
    this.ratio = fit(this.canvas);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.scale = Math.hypot(this.width, this.height) / 2 / (sight - 15);
  }

  /** Looks at a point; seconds have passed since the last frame. */
  follow(x: number, y: number, seconds: number): void {
    this.x = x;
    this.y = y;
    this.shaking = Math.max(0, this.shaking - seconds * 3);
    const strength = this.shaking * this.shaking * 7;
    this.shakeX = (Math.random() * 2 - 1) * strength;
    this.shakeY = (Math.random() * 2 - 1) * strength;
  }

  /** Shakes for a moment, from 0 to 1; not where people want no motion. */
  shake(strength: number): void {
    if (!this.still.matches) this.shaking = Math.max(this.shaking, strength);
  }

  /** From now on a context paints in units of the arena. */
  inArena(ctx: CanvasRenderingContext2D): void {
    const zoom = this.scale * this.ratio;
    const left = (this.width / 2 + this.shakeX) * this.ratio - this.x * zoom;
    const top = (this.height / 2 + this.shakeY) * this.ratio - this.y * zoom;
    ctx.setTransform(zoom, 0, 0, zoom, left, top);
  }

  /** From now on a context paints in units of the arena about a point of it, turned by an angle in radians. */
  at(ctx: CanvasRenderingContext2D, x: number, y: number, angle: number): void {
    const zoom = this.scale * this.ratio;
    const cos = Math.cos(angle) * zoom;
    const sin = Math.sin(angle) * zoom;
    ctx.setTransform(cos, sin, -sin, cos, this.screenX(x) * this.ratio, this.screenY(y) * this.ratio);
  }

  /** From now on a context paints in pixels of CSS. */
  onScreen(ctx: CanvasRenderingContext2D): void {
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }

  screenX(x: number): number {
    return (x - this.x) * this.scale + this.width / 2 + this.shakeX;
  }

  screenY(y: number): number {
    return (y - this.y) * this.scale + this.height / 2 + this.shakeY;
  }

  /** Whether something of a radius in units can be seen. */
  shows(x: number, y: number, radius: number): boolean {
    const reach = radius * this.scale;
    return Math.abs(this.screenX(x) - this.width / 2) < this.width / 2 + reach
      && Math.abs(this.screenY(y) - this.height / 2) < this.height / 2 + reach;
  }
}
