import type { Steer } from "./arena.js";
import { Keys } from "./keys.js";
import { Mouse } from "./mouse.js";
import { Touch } from "./touch.js";

/** How fast keys turn the ship, in radians per second; they begin slowly, so that a tap aims finely. */
const turnSpeed = 4.4;
const turnBegin = 0.18;

/** For how long a shot is asked for at least, in milliseconds: a tap falls between two ticks otherwise. */
const fireLeast = 60;

/** Controls makes of keyboard, mouse and touch what the ship is asked to do. The one that was used last aims. */
export class Controls {
  private readonly keys = new Keys();
  private readonly mouse: Mouse;
  private readonly touch: Touch;
  private aim = -Math.PI / 2;
  private byMouse = false;
  private turned = 0;
  private fireUntil = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.mouse = new Mouse(canvas);
    this.touch = new Touch(canvas);
  }

  /** What is asked for now. The ship stands at (x, y) on the screen; now is in milliseconds, seconds have passed since the last look. */
  steer(x: number, y: number, now: number, seconds: number): Steer {
    this.takeAim(x, y, seconds);
    if (this.keys.fire || this.mouse.fire || this.touch.fire) this.fireUntil = now + fireLeast;
    const degrees = (this.aim * 180) / Math.PI;
    return {
      Aim: (Math.round((((degrees % 360) + 360) % 360) / 3) * 3) % 360, // as finely as it travels
      Thrust: this.keys.thrust || this.mouse.thrust || this.touch.thrust,
      Fire: now < this.fireUntil,
    };
  }

  /** Nothing is asked for any more: the page is not seen, and may not hear of what is let go. */
  letGo(): void {
    for (const source of [this.keys, this.mouse, this.touch]) source.letGo();
    this.fireUntil = 0;
  }

  private takeAim(x: number, y: number, seconds: number): void {
    const turn = this.keys.turn;
    if (this.mouse.moved) this.byMouse = true;
    this.mouse.moved = false;
    if (turn !== 0) this.byMouse = false;
    this.turned = turn === 0 ? 0 : this.turned + seconds;
    if (this.touch.aim !== undefined) {
      this.byMouse = false;
      this.aim = this.touch.aim;
    } else if (this.byMouse) {
      this.aim = Math.atan2(this.mouse.y - y, this.mouse.x - x);
    } else {
      this.aim += turn * turnSpeed * Math.min(1, 0.35 + this.turned / turnBegin) * seconds;
    }
  }
}
