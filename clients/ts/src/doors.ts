import { originOf, within, type Environment } from "./environment.js";
import { failure, JoinError } from "./errors.js";
import { Version } from "./limits.js";
import type { Address, Carrier, Dial, Receiver, TransportName } from "./transport.js";
import { dialWebSocket } from "./websocket.js";
import { dialWebTransport } from "./webtransport.js";

/** triedFor is how many milliseconds a door may take before the next is tried: a network that blocks UDP just says nothing. */
const triedFor = 2000;

/** infoMax bounds the characters of what a server says of itself. */
const infoMax = 65_536;

/** Info is what a server says of itself at /quicstep/info. A door that is shut is undefined. */
interface Info {
  games: readonly string[];
  webtransport: string | undefined;
  websocket: string | undefined;
  pins: readonly Uint8Array<ArrayBuffer>[];
}

/** DoorsConfig is which server, and how it may be reached. */
export interface DoorsConfig {
  /** Without a path. */
  url: string;
  game: string;
  transports: readonly TransportName[];
  /** Instead of the server's own. */
  pins: readonly Uint8Array<ArrayBuffer>[] | undefined;
}

/**
 * Doors are the ways into a server. While the best has never been open, the one that was is tried first the next time. Once the best was open
 * it always comes first: it may have been shut because the network was away for a while.
 */
export class Doors {
  readonly #env: Environment;
  readonly #config: DoorsConfig;
  readonly #dials: Record<TransportName, Dial>;
  #order: readonly TransportName[];
  #best = false; // whether the first of the configuration was ever open
  #info: Info | undefined;

  constructor(env: Environment, config: DoorsConfig) {
    this.#env = env;
    this.#config = config;
    this.#order = config.transports;
    this.#dials = { webtransport: dialWebTransport(env), websocket: dialWebSocket(env) };
  }

  /** open opens a connection by the first door that is open, within so many milliseconds. It rejects with a JoinError. */
  async open(receiver: Receiver, ms: number, signal: AbortSignal): Promise<Carrier> {
    const known = this.#info !== undefined;
    this.#info ??= await this.#ask(signal);
    const ways = this.#order.filter((name) => this.#addressOf(name) !== undefined);
    const failed: JoinError[] = [];
    for (const [i, name] of ways.entries()) {
      const last = i === ways.length - 1;
      const timed = within(this.#env, last ? ms : Math.min(triedFor, ms / 2), signal);
      try {
        const carrier = await this.#dials[name](this.#addressOf(name)!, receiver, timed.signal);
        const { transports } = this.#config;
        this.#best ||= name === transports[0];
        this.#order = this.#best ? transports : [name, ...transports.filter((other) => other !== name)];
        return carrier;
      } catch (e) {
        const error = e as JoinError;
        failed.push(error);
        if (known && error.code === "certificate" && !signal.aborted) break; // pins are renewed: no reason to take the next door
      } finally {
        timed.end();
      }
      if (signal.aborted) break;
    }
    this.#info = undefined; // doors are opened and shut
    if (known && failed.at(-1)?.code === "certificate" && !signal.aborted) return this.open(receiver, ms, signal);
    throw this.#noDoor(failed);
  }

  #addressOf(name: TransportName): Address | undefined {
    const info = this.#info!;
    const url = info[name];
    if (url === undefined || this.#env[name === "webtransport" ? "WebTransport" : "WebSocket"] === undefined) return undefined;
    return { url, pins: this.#config.pins ?? info.pins };
  }

  #noDoor(failed: JoinError[]): JoinError {
    if (failed.length === 0) {
      return failure("unreachable", `${this.#config.url} has no door for this client, which may use ${this.#order.join(" and ")} as far as they are to be had here`);
    }
    if (failed.length === 1) return failed[0]!;
    const code = failed.every((f) => f.code === "certificate") ? "certificate" : "unreachable";
    return failure(code, `neither over UDP nor over TCP: ${failed.map((f) => f.message).join("; ")}`);
  }

  /** ask asks the server which doors it has. */
  async #ask(signal: AbortSignal): Promise<Info> {
    const { url } = this.#config;
    let status = 0;
    let text = "";
    try {
      const response = await this.#env.fetch(`${url}/quicstep/info`, { signal, cache: "no-store" });
      status = response.status;
      text = await response.text();
    } catch (e) {
      throw unanswered(this.#env, url, e, signal.aborted);
    }
    if (status === 403) throw failure("refused", text.trim().slice(0, 300) || `${url} does not allow ${originOf(this.#env)}`);
    if (status !== 200 || text.length > infoMax) throw failure("unreachable", `${url} is no quicstep server, or an older one: /quicstep/info answers ${status}`);
    return this.#checked(text);
  }

  #checked(text: string): Info {
    const { url, game } = this.#config;
    let said: Record<string, unknown>;
    try {
      said = Object(JSON.parse(text)) as Record<string, unknown>;
    } catch (e) {
      throw failure("unreachable", `${url} is no quicstep server: /quicstep/info is not JSON`, e);
    }
    if (said["protocol"] !== Version) {
      throw failure("version", `the server speaks protocol version ${String(said["protocol"])} and this client version ${Version}`);
    }
    const strings = (v: unknown) => (Array.isArray(v) ? v.filter((s) => typeof s === "string") : []);
    const text1 = (v: unknown) => (typeof v === "string" ? v : undefined);
    const games = strings(said["games"]);
    if (games.length > 0 && !games.includes(game)) throw failure("refused", `${url} does not run ${game}, it runs ${games.join(", ")}`);
    return { games, webtransport: text1(said["webtransport"]), websocket: text1(said["websocket"]), pins: strings(said["pins"]).map(pinOf) };
  }
}

/** pinOf reads a pin from its 64 hexadecimal digits. It throws a JoinError. */
export function pinOf(digits: string): Uint8Array<ArrayBuffer> {
  const plain = digits.replace(/[\s:]/g, "");
  if (!/^[0-9a-f]{64}$/i.test(plain)) throw failure("certificate", "a pin is not 64 hexadecimal digits, the SHA-256 of the server's certificate");
  return Uint8Array.from(plain.match(/../g)!, (two) => parseInt(two, 16));
}

/** What Node tells of a certificate. A browser tells a page nothing. */
const certificateFaults = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

function unanswered(env: Environment, url: string, e: unknown, late: boolean): JoinError {
  if (late) return failure("unreachable", `${url} says nothing: is the server running, and is there a network?`, e);
  const cause = (e as { cause?: { code?: unknown } }).cause?.code;
  if (typeof cause === "string" && certificateFaults.test(cause)) {
    return failure("certificate", `${url}: ${cause}: renew the certificate, or trust who has signed it`, e);
  }
  return failure("unreachable", `${url}: is the server running, is its certificate valid (open the address in a tab to see), and does it allow ${originOf(env)}?`, e);
}
