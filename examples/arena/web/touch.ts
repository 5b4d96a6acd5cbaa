import { element } from "./dom.js";

/** How far the stick goes, and from where on it steers and thrusts, in pixels. */
const reach = 46;
const steersFrom = 10;
const thrustsFrom = 30;

/** Touch is a stick under the left thumb, which goes to where the thumb comes down, and a button under the right one. */
export class Touch {
  /** Where the stick points to, in radians; undefined while it is let go. */
  aim: number | undefined;
  thrust = false;
  fire = false;

  private readonly stick = element("stick", HTMLElement);
  private readonly knob = this.stick.querySelector("i") as HTMLElement;
  private readonly button = element("fire", HTMLButtonElement);
  private thumb: number | undefined;
  private trigger: number | undefined;
  private centreX = 0;
  private centreY = 0;

  constructor(canvas: HTMLCanvasElement) {
    if (matchMedia("(pointer: coarse)").matches) document.body.classList.add("touch");
    canvas.addEventListener("pointerdown", (e) => this.down(e, e.clientX < innerWidth / 2));
    this.button.addEventListener("pointerdown", (e) => this.down(e, false));
    addEventListener("pointermove", (e) => this.move(e));
    for (const end of ["pointerup", "pointercancel"] as const) addEventListener(end, (e) => this.up(e.pointerId));
    addEventListener("blur", () => this.letGo());
  }

  private down(e: PointerEvent, left: boolean): void {
    if (e.pointerType !== "touch") return;
    document.body.classList.add("touch");
    e.preventDefault();
    if (left && this.thumb === undefined) {
      this.thumb = e.pointerId;
      this.centreX = Math.max(70, e.clientX);
      this.centreY = Math.min(innerHeight - 70, e.clientY);
      this.stick.style.left = `${this.centreX}px`;
      this.stick.style.top = `${this.centreY}px`;
      this.stick.classList.add("on");
      this.move(e);
    } else if (!left && this.trigger === undefined) {
      this.trigger = e.pointerId;
      this.press(true);
    }
  }

  private move(e: PointerEvent): void {
    if (e.pointerId !== this.thumb) return;
    const x = e.clientX - this.centreX;
    const y = e.clientY - this.centreY;
    const far = Math.hypot(x, y);
    this.aim = far >= steersFrom ? Math.atan2(y, x) : this.aim;
    this.thrust = far >= thrustsFrom;
    const part = Math.min(1, reach / (far || 1));
    this.knob.style.transform = `translate(${x * part}px, ${y * part}px)`;
  }

  private up(pointer: number): void {
    if (pointer === this.trigger) {
      this.trigger = undefined;
      this.press(false);
    }
    if (pointer !== this.thumb) return;
    this.thumb = undefined;
    this.aim = undefined;
    this.thrust = false;
    this.knob.style.transform = "";
    this.stick.classList.remove("on");
    this.stick.style.left = "";
    this.stick.style.top = "";
  }

  /** No finger is there any more. */
  letGo(): void {
    if (this.thumb !== undefined) this.up(this.thumb);
    if (this.trigger !== undefined) this.up(this.trigger);
  }

  private press(on: boolean): void {
    this.fire = on;
    this.button.classList.toggle("on", on);
  }
}
