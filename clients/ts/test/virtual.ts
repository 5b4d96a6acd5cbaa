import { setImmediate } from "node:timers/promises";

/** VirtualTime is a clock of which a test says when time passes. Timers fire in their order, and what they wake up runs before the next. */
export class VirtualTime {
  /** Timers fire late by so much, as in a page that is not seen. */
  throttle = 0;

  private at = 1000;
  private next = 1;
  private readonly timers = new Map<number, { due: number; f: () => void }>();

  now = (): number => this.at;

  /** setTimeout is for what is under test: a browser holds it back. */
  setTimeout = (f: () => void, ms: number): number => {
    const due = this.at + ms;
    return this.add(f, this.throttle > 0 ? Math.ceil(due / this.throttle) * this.throttle : due);
  };

  /** after is for the network and the server, which nobody holds back. */
  after(ms: number, f: () => void): void {
    this.add(f, this.at + ms);
  }

  clearTimeout = (timer: unknown): void => void this.timers.delete(timer as number);

  /** pass lets time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.at + ms;
    await settle();
    for (;;) {
      let first: [number, { due: number; f: () => void }] | undefined;
      for (const t of this.timers) if (t[1].due <= end && (first === undefined || t[1].due < first[1].due)) first = t;
      if (first === undefined) break;
      this.timers.delete(first[0]);
      this.at = Math.max(this.at, first[1].due);
      first[1].f();
      await settle();
    }
    this.at = end;
  }

  /** How many timers are set. */
  get waiting(): number {
    return this.timers.size;
  }

  private add(f: () => void, due: number): number {
    this.timers.set(this.next, { due, f });
    return this.next++;
  }
}

/** settle lets every promise that can go on do so. */
export async function settle(): Promise<void> {
  await setImmediate();
}
