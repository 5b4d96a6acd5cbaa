/** How many of the latest datagrams the delay looks at, and how many of these may come too late. */
const samplesKept = 128;
const samplesStray = 2;
/** In milliseconds: what comes later than that is shown when it comes. */
const delayMax = 400;
/** What is added to the delay, in ticks, since frames are drawn between the moments that were measured. */
const delaySpare = 0.125;
/** For how many ticks a record is waited for after the one before at most, so that what is told of every fourth tick moves smoothly, too. */
const waitMax = 4;
/** In milliseconds: after how long the quickest arrival is forgotten; at most twice as long. */
const pathWindow = 8000;
/** The rates at which the view time runs to where it should be: a delay that is too short does harm at once, one that is too long little. */
const slowest = 0.5;
const fastest = 1.05;
/** How far off the view time jumps rather than runs; as much later than expected, jumpAfter datagrams in a row say that the ticks themselves came later. */
const jumpTicks = 10;
const jumpAfter = 3;
/** How far the view time may run ahead of the newest tick, when none comes. */
const aheadTicks = 8;

/**
 * ViewTime is the moment of the server's time at which a client shows the others, in ticks with a fraction. It runs behind the
 * tick that would come now by the delay, which is as long as nearly everything that came lately needed to be there when it was
 * to be shown: a jitter buffer, without what it buffers. Times are arguments, in milliseconds.
 */
export class ViewTime {
  /** The view time. */
  at = 0;
  /** By how many ticks it should be behind now. */
  delay = 0;
  /** How often it has run ahead of what came. */
  dries = 0;
  /** The newest tick that came. */
  newest = 0;

  readonly #period: number;
  #began = NaN;
  #quickest = 0; // the least of arrival less tick, in this window
  #quickestBefore = 0; // and in the one before
  #turned = 0; // when this window began
  #late = 0; // datagrams in a row that are later than jumpTicks
  #lateBy = 0; // the least of these
  readonly #samples = new Float64Array(samplesKept); // the delay that each of the latest datagrams needed
  readonly #sorted = new Float64Array(samplesKept);
  #count = 0; // of all samples
  #drawn = 0; // when at was the view time
  #dry = true; // it has run ahead; at first there is something to show at once, and the delay comes to be meanwhile

  /** Period is that of the ticks, in milliseconds. */
  constructor(period: number) {
    this.#period = period;
  }

  /** By how much it was behind the tick that would have come the quickest way, when it was last asked. */
  get behind(): number {
    return Number.isNaN(this.#began) ? 0 : this.#drawn - this.#origin() - this.at;
  }

  /**
   * heard takes note of a datagram's arrival. Wait is for how many ticks after what was known before it tells something new:
   * nothing moves smoothly unless the delay is as long.
   */
  heard(tick: number, wait: number, now: number): void {
    const first = Number.isNaN(this.#began);
    if (first) this.#began = now;
    const arrived = this.#ticks(now);
    const offset = arrived - tick;
    if (first) {
      this.#quickest = this.#quickestBefore = offset;
      this.at = tick;
      this.#drawn = arrived;
    }
    this.newest = Math.max(this.newest, tick);
    this.#passed(offset, arrived);
    this.#samples[this.#count % samplesKept] = Math.max(offset - this.#origin(), 0) + Math.min(wait, waitMax);
    this.#count++;
    this.#measure();
  }

  /** advance moves the view time on to now and returns it. It never goes back. */
  advance(now: number): number {
    if (Number.isNaN(this.#began)) return 0;
    const arrived = this.#ticks(now);
    const passed = Math.max(arrived - this.#drawn, 0);
    this.#drawn = Math.max(this.#drawn, arrived);
    const ahead = this.newest + aheadTicks;
    const due = Math.min(arrived - this.#origin() - this.delay, ahead);
    if (due > this.at + passed + jumpTicks) this.at = due;
    else this.at = Math.max(this.at, Math.min(due, this.at + passed * fastest), Math.min(this.at + passed * slowest, ahead));
    const dry = this.at > this.newest;
    if (dry && !this.#dry) this.dries++;
    this.#dry = dry;
    return this.at;
  }

  #ticks(now: number): number {
    return (now - this.#began) / this.#period;
  }

  /** origin is when tick 0 would have come as quickly as any tick came lately. */
  #origin(): number {
    return Math.min(this.#quickest, this.#quickestBefore);
  }

  /** passed keeps the quickest arrivals, and notices when ticks themselves come later than they did. */
  #passed(offset: number, arrived: number): void {
    if (arrived - this.#turned > pathWindow / this.#period) {
      this.#quickestBefore = this.#quickest;
      this.#quickest = offset;
      this.#turned = arrived;
    }
    this.#quickest = Math.min(this.#quickest, offset);
    if (offset - this.#origin() <= jumpTicks) {
      this.#late = 0;
      return;
    }
    this.#lateBy = this.#late++ === 0 ? offset : Math.min(this.#lateBy, offset);
    if (this.#late < jumpAfter) return;
    this.#quickest = this.#quickestBefore = this.#lateBy;
    this.#turned = arrived;
    this.#late = this.#count = 0;
  }

  /** measure finds the delay with which nearly all samples would have been in time. */
  #measure(): void {
    const n = Math.min(this.#count, samplesKept);
    this.#sorted.set(this.#samples);
    this.#sorted.fill(Infinity, n);
    this.#sorted.sort();
    const at = Math.max(n - 1 - Math.floor((samplesStray * n) / samplesKept), 0);
    this.delay = Math.min(this.#sorted[at]! + delaySpare, delayMax / this.#period);
  }
}
