/** Unsubscribe ends a subscription. It may be called more than once. */
export type Unsubscribe = () => void;

/** Listeners are those who want to be told of one thing. One that throws is reported, and the others are told all the same. */
export class Listeners<A extends unknown[]> {
  readonly #all = new Set<{ f: (...args: A) => void }>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Whether nobody listens. */
  get none(): boolean {
    return this.#all.size === 0;
  }

  add(f: (...args: A) => void): Unsubscribe {
    const one = { f }; // the same function may be added twice
    this.#all.add(one);
    return () => void this.#all.delete(one);
  }

  /** tell calls those who listen now, and not who begins to meanwhile. */
  tell(...args: A): void {
    for (const one of [...this.#all]) {
      if (!this.#all.has(one)) continue;
      try {
        one.f(...args);
      } catch (e) {
        this.#report(e);
      }
    }
  }
}

/** keptMax bounds what waits to be told; then the oldest is dropped and counted. */
export const keptMax = 256;

/** Mailbox is Listeners for what must not get lost: it keeps what comes before anybody listens. */
export class Mailbox<A extends unknown[]> {
  /** How many were dropped because nobody listened. */
  dropped = 0;

  readonly #listeners: Listeners<A>;
  #kept: A[] = [];

  constructor(report: (error: unknown) => void) {
    this.#listeners = new Listeners(report);
  }

  /** add adds a listener. The first is told what has come before, once the caller has returned. */
  add(f: (...args: A) => void): Unsubscribe {
    const off = this.#listeners.add(f);
    if (this.#kept.length > 0) {
      queueMicrotask(() => {
        const kept = this.#kept;
        if (this.#listeners.none) return; // it has gone already: the next is told
        this.#kept = [];
        for (const args of kept) this.#listeners.tell(...args);
      });
    }
    return off;
  }

  tell(...args: A): void {
    if (!this.#listeners.none && this.#kept.length === 0) {
      this.#listeners.tell(...args);
      return;
    }
    this.#kept.push(args);
    if (this.#kept.length > keptMax) {
      this.#kept.shift();
      this.dropped++;
    }
  }
}
