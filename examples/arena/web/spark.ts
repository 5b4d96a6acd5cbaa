import { context, fit } from "./dom.js";

/** How many samples a line shows. */
const samplesMax = 60;

/** Spark is a small line of what a figure was lately. */
export class Spark {
  private readonly samples: number[] = [];
  private readonly ctx: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = context(canvas, false);
  }

  add(value: number): void {
    this.samples.push(value);
    if (this.samples.length > samplesMax) this.samples.shift();
  }

  /** Draws the line from zero up to the highest sample. */
  draw(colour: string): void {
    const ratio = fit(this.canvas);
    const { ctx, canvas, samples } = this;
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    const top = Math.max(...samples, 1e-9);
    const x = (i: number): number => ((samplesMax - samples.length + i) / (samplesMax - 1)) * canvas.width;
    const y = (v: number): number => canvas.height - ratio - (v / top) * (canvas.height - 3 * ratio);
    ctx.beginPath();
    samples.forEach((v, i) => (i === 0 ? ctx.moveTo(x(i), y(v)) : ctx.lineTo(x(i), y(v))));
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.3 * ratio;
    ctx.lineJoin = "round";
    ctx.stroke();
    ctx.lineTo(canvas.width, canvas.height);
    ctx.lineTo(x(0), canvas.height);
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = colour;
    ctx.fill();
    ctx.globalAlpha = 1;
  }
}
