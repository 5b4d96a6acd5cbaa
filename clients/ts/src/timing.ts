import { Clock } from "./clock.js";
import type { StateHeader } from "./state.js";

// The lead is by how many ticks inputs are stamped ahead of the newest tick received, so that each arrives just before its
// own. It begins with what the handshake tells of the round trip. Then the server reports the margin, in quarters of a tick,
// and the lead follows it a tick at a time: up when inputs come too late for their ticks, down when nearly all would have come
// in time with a tick less. The clock takes its time to follow the lead.

const leadMax = 32;

/** marginLow is the margin below which an input was too late for its tick. */
const marginLow = 0;
/** marginTop is the margin above which it would have been in time with a tick less, of four quarters. */
const marginTop = marginLow + 3;

/** reportsLatest is how many reports are looked at, and strays is how many of them may be chance. */
const reportsLatest = 32;
const strays = 1;

// The cushion is by how many ticks more inputs are early, so that what was lost comes in time with the next datagram, which
// has it too. It grows when ticks go without their input though the inputs that do come are in time.

const cushionMax = 3;

/**
 * gapsMost is how many gaps are no chance, and gapNear by how many ticks each comes after the one before at most. A gap is
 * also a run of ticks with less than gapRun between them, as when a machine was busy.
 */
const gapsMost = 3;
const gapNear = 200;
const gapRun = 8;
/** gapFar is half of the ticks without one after which the cushion shrinks; twice as many each time that it grew. */
const gapFar = 300;

/**
 * Timing decides which tick an input is for, and when it leaves: at once when a tick comes. It is clients/client's of Go, but
 * for the wait by which that has acknowledgements of QUIC ride along: a page's timers are too coarse for it. Times are in
 * milliseconds.
 */
export class Timing {
  readonly clock: Clock;
  /** By how many ticks inputs are ahead. */
  lead: number;
  /** How early the newest input that the server has came, in quarters of a tick. */
  margin = 0;
  /** The tick of the first input, and of the latest; 0 before it. */
  first = 0;
  stamped = 0;
  /** The server has every input up to this tick, or wants it no more. */
  acked = 0;
  /** Inputs that came too late, and ticks without theirs. */
  late = 0;
  missing = 0;
  /** Ticks. */
  cushion = 0;

  readonly #period: number;
  #told = 0; // the newest tick of which the server has told that it has the input
  #settled = 0; // the input tick from which on a report shows the lead as it is now
  #reports = 0; // since the lead changed, or all of them were looked at
  #lows = 0; // of them below marginLow
  #tops = 0; // of them above marginTop
  #gap = 0; // the latest tick without its input
  #lacking = false; // whether that is late or lost is not known yet
  #gaps = 0; // that came soon one after the other
  #grew = 0; // how often the cushion did

  /** Begins at a tick, with a lead of a round trip and half a period: for pages that are late, and for the input to be early. */
  constructor(tick: number, roundTrip: number, period: number, now: number) {
    this.#period = period;
    this.lead = Math.min(Math.ceil((roundTrip + period / 2) / period), leadMax);
    this.clock = new Clock(tick, period, now);
    this.clock.aim = this.clock.ahead = this.lead;
  }

  /** heard takes the header of a newer tick than any before, at its arrival. */
  heard(h: StateHeader, now: number): void {
    this.clock.arrived(h.tick, now);
    this.acked = Math.max(this.acked, h.tick);
    if (!h.hasInput) return;
    if (h.margin < marginLow && h.inputTick > this.#told) this.late++;
    this.#told = Math.max(this.#told, h.inputTick);
    this.acked = Math.max(this.acked, this.#told);
    this.margin = h.margin;
    this.#lacks(h);
    if (h.inputTick < this.#settled || this.clock.rate !== 1) return;
    this.#reports++;
    const low = marginLow + 4 * this.cushion;
    if (h.margin < low) this.#lows++;
    else if (h.margin > low + marginTop - marginLow) this.#tops++;
    if (this.#lows > strays && this.lead < leadMax) this.#move(1);
    else if (this.#reports < reportsLatest) return;
    else if (this.#tops >= reportsLatest - strays && this.lead > 0) this.#move(-1);
    else this.#reports = this.#lows = this.#tops = 0;
  }

  /**
   * pace has ticks take so many periods, 0 when the room stands. The lead stays as it is until the pace is normal again, so
   * that it is right then.
   */
  pace(tick: number, every: number, now: number): void {
    this.clock.pace(tick, every, now);
    this.#settled = this.stamped + 1;
  }

  /**
   * next is the tick of the input that leaves now: the next one, unless the clock is not as far yet. Then it is the last one
   * again, and what is asked for now is for the tick after it.
   */
  next(now: number): number {
    this.stamped = Math.max(this.stamped, Math.floor(this.clock.predicted(now) + 0.5));
    if (!this.clock.steady) this.#settled = this.stamped + 1;
    return this.stamped;
  }

  /** again is the time until an input leaves in any case: a quarter of a tick after it usually does. */
  again(now: number): number {
    return this.clock.until(this.stamped + 1.25, now, this.#period * 1.25);
  }

  /** acting is the tick that what is asked for now is for. */
  acting(now: number): number {
    return Math.max(this.stamped, Math.floor(this.clock.predicted(now))) + 1;
  }

  /**
   * lacks looks whether the server had the input for a datagram's tick when it made that. One that it lacked was late when the
   * next report is of one that was; else it is lost.
   */
  #lacks(h: StateHeader): void {
    if (this.first === 0 || h.tick < this.first) return;
    if (this.#lacking && h.inputTick >= this.#gap) {
      this.#lacking = false;
      if (h.margin > marginLow) this.#lost(h);
    }
    if (h.inputTick >= h.tick) {
      if (this.cushion > 0 && h.tick > this.#gap + gapFar * 2 ** Math.min(this.#grew, 6)) {
        this.cushion--;
        this.#gap = h.tick;
      }
      return;
    }
    this.missing++;
    if (h.margin <= marginLow) { // the one before it came just in time: this one is late rather than lost
      if (h.inputTick >= this.#settled) this.#lows++;
      return;
    }
    this.#lacking ||= h.tick > this.#gap + gapRun;
    if (h.tick > this.#gap + gapNear) this.#gaps = 0;
    this.#gap = h.tick;
  }

  /** lost takes a gap whose input is lost. */
  #lost(h: StateHeader): void {
    this.#gaps++;
    if (this.#gaps < gapsMost || h.inputTick < this.#settled || this.cushion >= cushionMax || this.lead >= leadMax) return;
    this.cushion++;
    this.#gaps = 0;
    this.#grew++;
    this.#move(1);
  }

  /** move changes the lead; reports of inputs that were stamped before do not tell of it. */
  #move(by: number): void {
    this.lead += by;
    this.clock.aim = this.lead;
    this.#reports = this.#lows = this.#tops = 0;
    this.#settled = this.stamped + 1;
  }
}
