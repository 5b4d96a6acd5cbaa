import { element, write } from "./dom.js";
import type { Scene } from "./scene.js";

/** How long a wreck lies, in milliseconds: fight.go's wreckTime. */
const wreckTime = 2000;

/** Hud is what lies over the arena: score and hull, and what a destroyed pilot waits for. */
export class Hud {
  private readonly score = element("score", HTMLOutputElement);
  private readonly hull = element("hull", HTMLElement);
  private readonly wreck = element("wreck", HTMLElement);
  private readonly wreckBy = element("wreck-by", HTMLElement);
  private readonly wreckCount = element("wreck-count", HTMLElement);
  private readonly loading = element("loading", HTMLElement);
  private readonly hint = element("hint", HTMLElement);
  private by = "";
  private learnt = false;
  private shownHull = -1;

  /** Says who has destroyed one's own ship, for as long as its wreck lies. */
  destroyedBy(name: string): void {
    this.by = name;
  }

  /** Shows how things stand; now is in milliseconds. */
  update(scene: Scene, now: number): void {
    const me = scene.me;
    this.loading.hidden = me !== undefined;
    if (!me) return;
    write(this.score, String(me.row.Score));
    this.showHull(me.row.Hull);
    const wrecked = me.row.Hull === 0;
    if (this.wreck.hidden === wrecked) this.wreck.hidden = !wrecked;
    if (!wrecked) {
      this.by = "";
      return;
    }
    write(this.wreckBy, this.by ? `by ${this.by}` : "");
    const left = Math.max(0, wreckTime - (now - me.hitAt)) / 1000;
    write(this.wreckCount, left > 0 ? `back in ${left.toFixed(1)} s` : "back in a moment");
  }

  /** Shows how to fly until somebody flies. */
  teach(flies: boolean): void {
    this.learnt ||= flies;
    this.hint.hidden = this.learnt;
  }

  /** Shows that one waits for the server. */
  wait(): void {
    this.loading.hidden = false;
    this.wreck.hidden = true;
  }

  /** Shows neither that nor a wreck: the page says something else. */
  rest(): void {
    this.loading.hidden = true;
    this.wreck.hidden = true;
    this.hint.hidden = true;
  }

  private showHull(hull: number): void {
    if (this.shownHull === hull) return;
    this.shownHull = hull;
    this.hull.ariaValueNow = String(hull);
    this.hull.classList.toggle("low", hull === 1);
    [...this.hull.children].forEach((part, i) => part.classList.toggle("on", i < hull));
  }
}
