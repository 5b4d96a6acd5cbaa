import type { Client } from "quicstep";
import type { Arena } from "./arena.js";
import type { Frames } from "./frames.js";

/** Reading is how the network was at a moment. Times are in milliseconds, loss from 0 to 1, the rest per second where it says so. */
export interface Reading {
  roundTrip: number;
  loss: number;
  /** Bytes per second, of datagrams and the stream. */
  down: number;
  up: number;
  tick: number;
  /** Ticks of the server per second, as they come. */
  tickRate: number;
  /** Predictions that the server had otherwise, since the page joined. */
  corrections: number;
  correctionsPerSecond: number;
  /** How far in the past the others are shown. */
  delay: number;
  lateInputs: number;
  latePerSecond: number;
  diverged: number;
  /** The time from frame to frame that 95 of 100 keep. */
  frame: number;
  transport: "webtransport" | "websocket";
}

/** Over how long rates are measured, in readings. */
const span = 8;

interface Count {
  at: number;
  down: number;
  up: number;
  tick: number;
  corrections: number;
  late: number;
}

/** Meter makes rates of what the SDK counts. */
export class Meter {
  private readonly counts: Count[] = [];

  constructor(private readonly client: Client<Arena>, private readonly frames: Frames) {}

  /** What is counted by now, and how much of it in the last two seconds; now is in milliseconds. */
  read(now: number): Reading {
    const s = this.client.stats();
    const count = { at: now, down: s.receivedBytes, up: s.sentBytes, tick: s.tick, corrections: s.mispredicted, late: s.lateInputs };
    const before = this.counts[0] ?? count;
    this.counts.push(count);
    if (this.counts.length > span) this.counts.shift();
    const seconds = Math.max(0.001, (now - before.at) / 1000);
    const rate = (of: keyof Count): number => Math.max(0, count[of] - before[of]) / seconds;
    return {
      roundTrip: s.roundTrip,
      loss: s.loss,
      down: rate("down"),
      up: rate("up"),
      tick: s.tick,
      tickRate: rate("tick"),
      corrections: s.mispredicted,
      correctionsPerSecond: rate("corrections"),
      delay: s.delay,
      lateInputs: s.lateInputs,
      latePerSecond: rate("late"),
      diverged: s.diverged,
      frame: this.frames.quantile(0.95).gap,
      transport: s.transport,
    };
  }
}
