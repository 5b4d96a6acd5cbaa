/** Environment is what a session needs of the world around it. A page has all of it; Node before 22 lacks WebSocket. */
export interface Environment {
  /** Milliseconds that never go back, as performance.now gives them. */
  now(): number;
  setTimeout(f: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** From 0 to below 1. */
  random(): number;
  fetch(url: string, init: { signal: AbortSignal; cache: "no-store" }): Promise<FetchedInfo>;
  /** Undefined where there is none: then that way is left out. */
  WebTransport: TransportConstructor | undefined;
  WebSocket: SocketConstructor | undefined;
  /** Where the page is from; empty outside of one. */
  origin: string;
  /** Takes what a callback of the game's threw: the session goes on. */
  report(error: unknown): void;
}

/** FetchedInfo is what is used of a Response. */
export interface FetchedInfo {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
}

/** TransportConstructor makes a WebTransport. */
export type TransportConstructor = new (url: string, options?: WebTransportOptions) => WebTransport;

/** Socket is what is used of a WebSocket. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** SocketConstructor makes a WebSocket. That of npm's `ws` will do. */
export type SocketConstructor = new (url: string, protocols?: string) => Socket;

/** environmentOf fills in what this page, or this process, has. */
export function environmentOf(given: Partial<Environment> = {}): Environment {
  const here = globalThis as { WebTransport?: TransportConstructor; WebSocket?: SocketConstructor; reportError?: (e: unknown) => void; location?: Location };
  const origin = here.location?.origin ?? "";
  return {
    now: () => performance.now(),
    setTimeout: (f, ms) => setTimeout(f, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    random: Math.random,
    fetch: (url, init) => fetch(url, init),
    WebTransport: here.WebTransport,
    WebSocket: here.WebSocket,
    origin: origin.startsWith("http") ? origin : "",
    report: (e) => (here.reportError === undefined ? queueMicrotask(() => { throw e; }) : here.reportError(e)),
    ...given,
  };
}

/**
 * within is a signal that comes when a time is over, or when one of others does. Call end when nobody listens any more.
 */
export function within(env: Environment, ms: number, ...others: (AbortSignal | undefined)[]): { signal: AbortSignal; end: () => void } {
  const own = new AbortController();
  const abort = () => own.abort();
  const timer = env.setTimeout(abort, ms);
  for (const other of others) {
    if (other?.aborted) abort();
    other?.addEventListener("abort", abort);
  }
  return {
    signal: own.signal,
    end() {
      env.clearTimeout(timer);
      for (const other of others) other?.removeEventListener("abort", abort);
    },
  };
}

/** pause waits for a time, or until one of the signals says that it is of no use any more. */
export async function pause(env: Environment, ms: number, ...signals: AbortSignal[]): Promise<void> {
  const { signal, end } = within(env, ms, ...signals);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  end();
}

/** unless is a promise, or the error of a signal that comes first. */
export function unless<V>(promise: Promise<V>, signal: AbortSignal, why: () => Error): Promise<V> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(why());
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    const settled = () => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject).finally(settled);
  });
}

/** originOf names the page's origin to whoever can allow it. */
export function originOf(env: Environment): string {
  return env.origin === "" ? "this page's origin" : `this page's origin (the server's --origin ${env.origin})`;
}
