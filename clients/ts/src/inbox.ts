import { keptMax, Listeners, Mailbox, type Unsubscribe } from "./listeners.js";
import type { Chat } from "./messages.js";

/** Inbox is what comes beside the state, to those who listen: events, the game's messages, lines of chat. */
export class Inbox {
  readonly #report: (error: unknown) => void;
  readonly #events = new Map<string, Listeners<[tick: number, event: object]>>();
  readonly #messages = new Map<string, Mailbox<[message: object, tick: number]>>();
  readonly #lines: Mailbox<[line: Chat]>;
  #waiting: { name: string; tick: number; event: object }[] = []; // for their moment to be shown
  #lost = 0; // of these

  constructor(report: (error: unknown) => void) {
    this.#report = report;
    this.#lines = new Mailbox(report);
  }

  /** Messages and lines that were dropped because nobody listened, and events because too many waited to be shown. */
  get dropped(): number {
    let n = this.#lost + this.#lines.dropped;
    for (const m of this.#messages.values()) n += m.dropped;
    return n;
  }

  /** onEvent adds a listener of an event. What came before is not told: it is over. */
  onEvent(name: string, f: (tick: number, event: object) => void): Unsubscribe {
    let listeners = this.#events.get(name);
    if (listeners === undefined) this.#events.set(name, (listeners = new Listeners(this.#report)));
    return listeners.add(f);
  }

  onMessage(name: string, f: (message: object, tick: number) => void): Unsubscribe {
    return this.#mailbox(name).add(f);
  }

  onChat(f: (line: Chat) => void): Unsubscribe {
    return this.#lines.add(f);
  }

  event(name: string, tick: number, event: object): void {
    this.#events.get(name)?.tell(tick, event);
  }

  /** shown fires an event once its moment is shown. */
  shown(name: string, tick: number, event: object): void {
    if (!this.#events.has(name)) return;
    if (this.#waiting.length === keptMax) {
      this.#waiting.shift();
      this.#lost++;
    }
    this.#waiting.push({ name, tick, event });
  }

  /** due fires the events that wait and are shown now, in their order. */
  due(shows: (tick: number) => boolean): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((e) => shows(e.tick));
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((e) => !due.includes(e));
    for (const e of due) this.event(e.name, e.tick, e.event); // who listens may draw
  }

  /** forget drops the events that wait: the moments that they waited for will not be shown. */
  forget(): void {
    this.#waiting = [];
  }

  message(name: string, message: object, tick: number): void {
    this.#mailbox(name).tell(message, tick);
  }

  chat(line: Chat): void {
    this.#lines.tell(line);
  }

  #mailbox(name: string): Mailbox<[message: object, tick: number]> {
    let m = this.#messages.get(name);
    if (m === undefined) this.#messages.set(name, (m = new Mailbox(this.#report)));
    return m;
  }
}
