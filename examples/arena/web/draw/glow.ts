/** How many pixels a glow has on each side; it is stretched to whatever is needed. */
const size = 64;
const colours = new Map<string, HTMLCanvasElement>();

/** Paints a soft light about a point. What it is painted with is kept for each colour. */
export function drawGlow(ctx: CanvasRenderingContext2D, colour: string, x: number, y: number, radius: number, alpha: number): void {
  let light = colours.get(colour);
  if (!light) {
    light = make(colour);
    if (colours.size >= 64) colours.clear();
    colours.set(colour, light);
  }
  ctx.globalAlpha = alpha;
  ctx.drawImage(light, x - radius, y - radius, 2 * radius, 2 * radius);
  ctx.globalAlpha = 1;
}

function make(colour: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext("2d");
  if (!ctx) return canvas;
  const gradient = ctx.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  gradient.addColorStop(0, "#ffff");
  gradient.addColorStop(0.35, "#fff6");
  gradient.addColorStop(1, "#fff0");
  ctx.fillStyle = colour;
  ctx.fillRect(0, 0, size, size);
  ctx.globalCompositeOperation = "destination-in";
  ctx.fillStyle = gradient;
  ctx.fillRect(0, 0, size, size);
  return canvas;
}
