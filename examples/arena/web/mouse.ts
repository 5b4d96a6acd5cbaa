/** Mouse is where the pointer is, and what is pressed. */
export class Mouse {
  x = 0;
  y = 0;
  /** It has been moved since somebody last looked. */
  moved = false;
  fire = false;
  thrust = false;

  constructor(canvas: HTMLCanvasElement) {
    canvas.addEventListener("pointermove", (e) => this.move(e));
    canvas.addEventListener("pointerdown", (e) => this.press(e));
    addEventListener("pointerup", (e) => this.release(e));
    addEventListener("blur", () => this.letGo());
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
  }

  private move(e: PointerEvent): void {
    if (e.pointerType === "touch") return;
    this.x = e.clientX;
    this.y = e.clientY;
    this.moved = true;
    this.buttons(e.buttons);
  }

  private press(e: PointerEvent): void {
    if (e.pointerType === "touch") return;
    this.move(e);
    e.preventDefault(); // no text is marked, and the canvas gets the keys
    (e.currentTarget as HTMLCanvasElement).focus({ preventScroll: true });
  }

  private release(e: PointerEvent): void {
    if (e.pointerType !== "touch") this.buttons(e.buttons);
  }

  private buttons(pressed: number): void {
    this.fire = (pressed & 1) !== 0;
    this.thrust = (pressed & 2) !== 0;
  }

  /** Nothing is pressed any more. */
  letGo(): void {
    this.fire = false;
    this.thrust = false;
  }
}
