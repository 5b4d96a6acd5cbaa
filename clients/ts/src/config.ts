import { pinOf } from "./doors.js";
import { environmentOf, type Environment } from "./environment.js";
import { failure, type JoinError } from "./errors.js";
import type { GameTypes } from "./game.js";
import type { Impairment } from "./impair.js";
import { MaxGameName, MaxResumeToken, MaxToken, Version } from "./limits.js";
import { Join, type Diverged, type Hello } from "./messages.js";
import type { Mode } from "./shown.js";
import type { Step } from "./step.js";
import type { TransportName } from "./transport.js";
import { cleanName } from "./plain.js";
import { utf8 } from "./writer.js";

/** Status is where a session is: in the game, looking for the server after the connection was lost, or over. */
export type Status = "joined" | "away" | "ended";

/** StatusListener is told of a new status; of "ended" with why, undefined when the client was closed. */
export type StatusListener = (status: Status, why: JoinError | undefined) => void;

/** JoinToken is a token as text, or its bytes. */
export type JoinToken = string | Uint8Array;

/** JoinConfig is where to join and how. Everything may be left out. */
export interface JoinConfig<T extends GameTypes = GameTypes> {
  /** The server, such as https://play.example.com:4433; else the page's own, and outside of a page http://127.0.0.1:4433. */
  url?: string;
  /** What may be used, best first; else webtransport, then websocket. */
  transports?: readonly TransportName[];
  /** SHA-256 sums of certificates that WebTransport trusts by themselves, as 64 hexadecimal digits; else those that a server with a development certificate tells. */
  pins?: readonly string[];
  /** The public room, which is made when it is not there, 64 bytes at most; else any that has a place. */
  room?: string;
  /** Joins room only when it is there. */
  existing?: boolean;
  /** Makes a room that is not listed; Client.room tells the code by which others join it. */
  private?: boolean;
  /** Joins the private room that has this code. */
  code?: string;
  /**
   * Tells the server who this is, 2048 bytes at most: what the player got at sign-in, or a function that gets it for each join, also when
   * a lost session joins anew, when an earlier one may have expired or been used. Keep it as you would a password.
   */
  token?: JoinToken | ((signal: AbortSignal) => JoinToken | Promise<JoinToken>);
  /** A former Client.token: goes on as that player, whatever else is asked for, or joins as if there was none; Client.resumed tells. */
  resume?: Uint8Array;
  /** Fails with "expired" instead. */
  onlyResume?: boolean;
  /** Told every new token, by which another page can go on with the session: keep it as you would a password. */
  onToken?: (token: Uint8Array) => void;
  /**
   * Milliseconds for which a lost connection, or one that a server ended to restart, is tried again; 0: not at all; else 15000. While
   * the server holds the session it goes on: the same player, the same rows. Otherwise the player joins anew, as somebody else.
   */
  reconnect?: number;
  /** Milliseconds that all of join may take; else 10000. */
  timeout?: number;
  /** What the game's OnInput does to own rows, so that what a player asks shows at once; else nothing is predicted. */
  step?: Step<T>;
  /** Whether draw shows others smoothly, a moment after they were there, and events that have a position then; else true. */
  interpolate?: boolean;
  /** Milliseconds until a twentieth of a misprediction is left on the screen; 0 shows it at once; else 100. */
  easeTime?: number;
  /** By tables, how their rows are shown to others: it must be as world.ShownAs of the game, which the game's definition tells unless this does. */
  shownAs?: Readonly<Record<string, Mode | undefined>>;
  /** By tables, from which distance on a misprediction is shown at once; else as the game's definition tells, or a 64th of the field's range. */
  teleport?: Readonly<Record<string, number | undefined>>;
  /** A bad network, made in the SDK; else none. */
  impair?: Partial<Impairment>;
  /** What its chance begins with; else 1. */
  impairSeed?: number;
  /** Told when the session finds or loses the server, or ends. */
  onStatus?: StatusListener;
  /** Told of a row that was not as the server's, which is a bug of one side; else the console is. */
  onDiverged?: (what: Diverged) => void;
  /** What is used instead of the page's own, such as { WebSocket } of npm's ws in Node. */
  environment?: Partial<Environment>;
}

/** Settings are a configuration that was checked, with its defaults. */
export interface Settings {
  env: Environment;
  url: string;
  transports: readonly TransportName[];
  pins: readonly Uint8Array<ArrayBuffer>[] | undefined;
  room: string;
  join: number;
  token: Uint8Array;
  fetchToken: ((signal: AbortSignal) => JoinToken | Promise<JoinToken>) | undefined;
  resume: Uint8Array;
  onlyResume: boolean;
  onToken: (token: Uint8Array) => void;
  reconnect: number;
  timeout: number;
  shown: Pick<JoinConfig, "step" | "easeTime" | "shownAs" | "teleport">;
  interpolate: boolean;
  impair: Partial<Impairment>;
  impairSeed: number;
  onStatus: StatusListener;
  onDiverged: (what: Diverged) => void;
}

/** settingsOf checks a configuration. It throws a JoinError for an address that is none, and a RangeError for what can't be. */
export function settingsOf(c: JoinConfig): Settings {
  const env = environmentOf(c.environment);
  if ([c.room !== undefined && c.room !== "", c.private === true, c.code !== undefined].filter(Boolean).length > 1) {
    throw new RangeError("join: room, private and code exclude each other");
  }
  if (c.existing === true && !c.room) throw new RangeError("join: existing goes with room");
  if (c.onlyResume === true && !c.resume?.length) throw new RangeError("join: onlyResume goes with resume");
  const transports = c.transports ?? ["webtransport", "websocket"];
  for (const t of transports) if (t !== "webtransport" && t !== "websocket") throw new RangeError(`join: ${String(t)} is no transport`);
  if (transports.length === 0) throw new RangeError("join: transports names none");
  return {
    env, transports, url: addressOf(c.url ?? (env.origin || "http://127.0.0.1:4433")), pins: c.pins?.map(pinOf),
    room: fits("room", c.code ?? c.room ?? "", MaxGameName),
    join: c.private === true ? Join.createPrivate : c.code !== undefined ? Join.joinPrivate : c.existing === true ? Join.joinExisting : Join.joinOrCreate,
    token: tokenOf(typeof c.token === "function" ? undefined : c.token), fetchToken: typeof c.token === "function" ? c.token : undefined,
    resume: short("resume", c.resume, MaxResumeToken), onlyResume: c.onlyResume === true,
    onToken: c.onToken ?? (() => {}),
    reconnect: milliseconds("reconnect", c.reconnect, 15_000), timeout: milliseconds("timeout", c.timeout, 10_000),
    shown: { ...c, easeTime: milliseconds("easeTime", c.easeTime, 100) }, interpolate: c.interpolate ?? true, impair: c.impair ?? {}, impairSeed: c.impairSeed ?? 1,
    onStatus: c.onStatus ?? (() => {}),
    onDiverged: c.onDiverged ?? ((d) => console.error(`quicstep: the replica diverged from the server at tick ${d.tick}: ${d.field} is ${d.server} there and ${d.client} here`)),
  };
}

/** helloOf asks for what a configuration says. */
export function helloOf(s: Settings, game: string, schemaHash: bigint): Hello {
  return { version: Version, game, schemaHash, token: s.token, room: s.room, join: s.join, resume: new Uint8Array(0), replica: 0 };
}

/** tokenOf is a token's bytes. It throws a RangeError for one that is too long. */
export function tokenOf(token: JoinToken | undefined): Uint8Array {
  return short("token", typeof token === "string" ? utf8(token) : token, MaxToken);
}

function addressOf(url: string): string {
  let at: URL | undefined;
  try {
    at = new URL(url);
  } catch {
    // Said below.
  }
  if (at === undefined || !/^https?:$/.test(at.protocol)) {
    throw failure("unreachable", `"${url}" is no address: write it like https://play.example.com:4433, or http://127.0.0.1:4433`);
  }
  return at.origin;
}

function milliseconds(name: string, v: number | undefined, otherwise: number): number {
  if (v === undefined) return otherwise;
  if (!(v >= 0 && v < 2 ** 31)) throw new RangeError(`join: ${name} is ${v}; it is milliseconds from 0 on`);
  return v;
}

function fits(name: string, given: string, maxBytes: number): string {
  const text = cleanName(given, 4 * maxBytes);
  if (text === "" && given !== "") throw new RangeError(`join: ${name} has nothing that can be seen`);
  if (utf8(text).length > maxBytes) throw new RangeError(`join: ${name} has more than ${maxBytes} bytes`);
  return text;
}

function short(name: string, b: Uint8Array | undefined, maxBytes: number): Uint8Array {
  if (b !== undefined && b.length > maxBytes) throw new RangeError(`join: ${name} has more than ${maxBytes} bytes`);
  return b ?? new Uint8Array(0);
}
