import type { Client } from "quicstep";
import type { Arena } from "./arena.js";
import type { Frames } from "./frames.js";
import { firstFlight, type Play } from "./play.js";

/** Hooks are what tests and the curious find as window.arena. */
export interface Hooks {
  /** The SDK's client; undefined while there is none. */
  readonly client: Client<Arena> | undefined;
  /** How long it took from the start of the page to the first frame with one's own ship, in milliseconds; undefined before. */
  readonly firstFlight: number | undefined;
  /** From frame to frame, and what a frame takes to paint, in milliseconds: the median and the 95th percentile of the last 600. */
  frames(): { count: number; p50: number; p95: number; workP50: number; workP95: number };
  /** Every row that is known, as plain data: table name, id, row. */
  rows(): { table: string; id: number; row: unknown }[];
}

declare global {
  interface Window {
    arena: Hooks;
  }
}

/** Puts the hooks where they are found. */
export function offerHooks(play: () => Play | undefined, frames: Frames): void {
  window.arena = {
    get client() {
      return play()?.client;
    },
    get firstFlight() {
      return performance.getEntriesByName(firstFlight)[0]?.startTime;
    },
    frames() {
      const half = frames.quantile(0.5);
      const most = frames.quantile(0.95);
      return { count: frames.count, p50: half.gap, p95: most.gap, workP50: half.work, workP95: most.work };
    },
    rows() {
      const client = play()?.client;
      if (!client) return [];
      return (["rules", "ship", "drone"] as const).flatMap((table) => [...client.table(table).all()].map(([id, row]) => ({ table, id, row: { ...row } })));
    },
  };
}
