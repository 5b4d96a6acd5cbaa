/** slewMost is the part of its speed by which a clock goes faster or slower to be where it should be. */
const slewMost = 0.05;

/** snapTicks is from how many ticks on it is put there at once. */
const snapTicks = 10;

/** clockShare is the share of what a single arrival says that the clock believes: the others say how much was chance. */
const clockShare = 1 / 16;

/**
 * Clock follows the server's ticks from here: a tick begins when its datagram usually comes. Inputs are for ticks that are
 * ahead of that. It goes evenly, so that whatever is drawn by it does. Times are in milliseconds.
 */
export class Clock {
  /** The tick, and how much of it is over. */
  tick: number;
  /** By how many ticks inputs are ahead, and should be. */
  ahead = 0;
  aim = 0;
  /** Ticks in a period: 1, or less in slow motion, and none while the room is frozen. */
  rate = 1;

  readonly #period: number;
  #at: number; // of what tick and ahead are
  #met = false; // something has arrived
  #off = 0; // by how much tick should be later
  #stood = 0; // for how much of the time since the start the room has stood
  #made: number; // the latest tick that counts in tick, as far as the room said; what it makes while it stands is added

  constructor(tick: number, period: number, now: number) {
    this.tick = tick;
    this.#made = tick;
    this.#period = period;
    this.#at = now;
  }

  /** arrived takes the arrival of a newer tick than any before. */
  arrived(tick: number, now: number): void {
    this.#advance(now);
    const off = tick - this.tick;
    if (!this.#met || Math.abs(off) > snapTicks) {
      this.#met = true;
      this.tick = tick;
      this.#off = 0;
      this.ahead = this.aim;
      this.#made = Math.max(this.#made, tick);
      return;
    }
    if (this.rate === 0) return; // a tick of a room that stands tells nothing of when ticks come
    this.#off += (off - this.#off) * clockShare;
  }

  /** predicted is the tick that inputs are for now, and how much of it is over. */
  predicted(now: number): number {
    this.#advance(now);
    return this.tick + this.ahead;
  }

  /** until is the time until inputs are for a tick; at most a given one, also because the room may be frozen. */
  until(predicted: number, now: number, most: number): number {
    const left = (predicted - this.predicted(now)) * this.#period;
    return left >= most * this.rate ? most : Math.max(0, left / this.rate);
  }

  /** played is a moment on a clock that stands while the room does, and goes slowly when it does. */
  played(now: number): number {
    this.#advance(now);
    return now - this.#stood;
  }

  /**
   * pace has the clock go as the room does after a tick, with ticks that take so many periods; 0 when it stands. It goes on by
   * those that the room has made while it stood.
   */
  pace(tick: number, every: number, now: number): void {
    this.#advance(now);
    if (this.rate === 0 && tick > this.#made) this.tick += tick - this.#made;
    this.#made = Math.max(this.#made, tick);
    this.rate = every > 0 ? 1 / every : 0;
  }

  /** goOn takes over what a former connection's clock knows of the room's pace. */
  goOn(former: Clock): void {
    this.rate = former.rate;
    this.#stood = former.#stood;
  }

  /** Whether inputs are as far ahead as they should be. */
  get steady(): boolean {
    return Math.abs(this.aim - this.ahead) < 1 / 16;
  }

  #advance(now: number): void {
    const time = Math.max(0, now - this.#at);
    const passed = (time / this.#period) * this.rate;
    this.#at += time;
    this.#stood += time * (1 - this.rate);
    let slew = slewMost * passed;
    const d = clamp(this.#off, slew);
    this.tick += passed + d;
    this.#off -= d;
    slew -= Math.abs(d);
    this.ahead += clamp(this.aim - this.ahead, slew);
  }
}

function clamp(v: number, most: number): number {
  return Math.max(-most, Math.min(v, most));
}
