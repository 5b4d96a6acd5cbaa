import { CloseCode } from "./messages.js";

/**
 * What a JoinError means, to branch on:
 *
 * - `refused`: the server does not let this player, or this page, in; the same attempt will be refused again
 * - `full`: no free place in the server or the room; later, or elsewhere
 * - `version`: another version of the protocol or of the game; update the older side
 * - `certificate`: the server could not prove who it is
 * - `unreachable`: nobody answered, or the connection was lost
 * - `room_closed`: the room has ended; join another
 * - `shutdown`: the server is stopping; come back in a moment
 * - `protocol`: one side sent what the protocol does not allow, which is a bug
 * - `replaced`: another connection has taken the session, with its token
 * - `kicked`: an operator has sent the player away, and says why
 * - `expired`: the server does not know the resume token any more; join without it
 * - `denied`: the game refused a request, and says why
 * - `closed`: this client was closed
 */
export type ErrorCode =
  | "refused" | "full" | "version" | "certificate" | "unreachable" | "room_closed" | "shutdown" | "protocol" | "replaced" | "expired" | "denied"
  | "kicked" | "closed";

/** JoinError is why a join failed, a request was not answered, or a session has ended. Its message says what to do. */
export class JoinError extends Error {
  override readonly name = "JoinError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

const meanings: Record<ErrorCode, string> = {
  refused: "the server refused the join",
  full: "the server or the room is full: try again later",
  version: "server and client have different versions: update the older one",
  certificate: "the server's certificate is not trusted",
  unreachable: "the server does not answer",
  room_closed: "the room has closed: join another",
  shutdown: "the server is stopping: come back in a moment",
  protocol: "the protocol was broken, which is a bug: please report it",
  replaced: "another connection has taken the session: it is played elsewhere now",
  kicked: "an operator has sent the player away",
  expired: "the session can't be resumed any more: join anew",
  denied: "the game refused",
  closed: "the client is closed",
};

/** failure is the error of a code, with what is known beside its meaning. */
export function failure(code: ErrorCode, detail = "", cause?: unknown): JoinError {
  const message = detail === "" ? meanings[code] : `${meanings[code]}: ${detail}`;
  return new JoinError(code, message, cause === undefined ? undefined : { cause });
}

const codes: { readonly [code: number]: ErrorCode } = {
  [CloseCode.normal]: "closed", [CloseCode.full]: "full", [CloseCode.version]: "version", [CloseCode.roomClosed]: "room_closed",
  [CloseCode.shutdown]: "shutdown", [CloseCode.protocol]: "protocol", [CloseCode.replaced]: "replaced", [CloseCode.expired]: "expired",
  [CloseCode.kicked]: "kicked",
};

/** closedBy is the error of a goodbye, or of a connection's close: one of CloseCode, an unknown one is read like refused. */
export function closedBy(code: number, reason: string): JoinError {
  return failure(codes[code] ?? "refused", reason);
}

/** asFailure is an error as a JoinError; what is none means a bug, or what a peer sent. */
export function asFailure(e: unknown): JoinError {
  if (e instanceof JoinError) return e;
  return failure("protocol", e instanceof Error ? e.message : String(e), e);
}

/** worthATry tells whether joining again may help. */
export function worthATry(e: JoinError): boolean {
  return e.code === "unreachable" || e.code === "shutdown" || e.code === "full" || e.code === "room_closed";
}
