/** The page's element of that id. Throws when index.html has none of that kind. */
export function element<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
  return found;
}

/** Writes a text where it differs: what stays costs no layout. */
export function write(at: Element, text: string): void {
  if (at.textContent !== text) at.textContent = text;
}

/** Gives a canvas as many pixels as it takes on the screen, up to two per unit of CSS. Returns how many those are. */
export function fit(canvas: HTMLCanvasElement): number {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return ratio;
}

/** A canvas' 2D context. Throws where the browser has none. */
export function context(canvas: HTMLCanvasElement, opaque: boolean): CanvasRenderingContext2D {
  const ctx = canvas.getContext("2d", { alpha: !opaque });
  if (!ctx) throw new Error("the browser gives no 2D canvas");
  return ctx;
}
