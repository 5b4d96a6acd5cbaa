import { sight } from "../camera.js";
import { context, fit } from "../dom.js";
import type { Scene } from "../scene.js";
import type { Palette } from "../theme.js";

/** MiniMap shows the whole arena: where one is, how far one sees, and who is in there. */
export class MiniMap {
  private readonly ctx: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = context(canvas, false);
  }

  draw(scene: Scene, palette: Palette): void {
    const ratio = fit(this.canvas);
    const { ctx, canvas } = this;
    const margin = 8 * ratio;
    const zoom = (canvas.width - 2 * margin) / scene.side;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.strokeStyle = palette.wall;
    ctx.globalAlpha = 0.7;
    ctx.lineWidth = ratio;
    ctx.strokeRect(margin, margin, scene.side * zoom, scene.side * zoom);
    const dot = (x: number, y: number, radius: number, colour: string): void => {
      ctx.fillStyle = colour;
      ctx.beginPath();
      ctx.arc(margin + x * zoom, margin + y * zoom, radius * ratio, 0, 2 * Math.PI);
      ctx.fill();
    };
    const me = scene.me;
    if (me) {
      ctx.globalAlpha = palette.dark ? 0.12 : 0.14;
      dot(me.row.X, me.row.Y, (sight * zoom) / ratio, palette.dim);
    }
    ctx.globalAlpha = 1;
    for (const drone of scene.drones.values()) dot(drone.row.X, drone.row.Y, 1.3, palette.drone);
    for (const ship of scene.ships.values()) if (ship.row.Hull > 0 && ship !== me) dot(ship.row.X, ship.row.Y, 2.3, ship.colour);
    if (!me) return;
    const x = margin + me.row.X * zoom;
    const y = margin + me.row.Y * zoom;
    ctx.translate(x, y);
    ctx.rotate(me.aim);
    ctx.scale(ratio, ratio);
    ctx.fillStyle = me.row.Hull > 0 ? palette.me : palette.wreck;
    ctx.fill(needle);
  }
}

const needle = new Path2D("M6 0 L-4 3.6 L-2 0 L-4 -3.6 Z");
