import { bin, Fields, id, int, int64, nested, readShape, text, title, version, writeShape, type Shape } from "./fields.js";
import * as limits from "./limits.js";
import { walk } from "./msgpack.js";
import { RejectError } from "./reject.js";
import { Writer } from "./writer.js";

/** The kinds of stream messages (docs/protocol.md §4); the number is the wire's. */
export const Kind = {
  hello: 1, welcome: 2, goodbye: 3, resync: 4, list: 5, rooms: 6, request: 7, answer: 8, message: 9, say: 10, chat: 11, checks: 12, diverged: 13,
  pace: 14,
} as const;

/** Why a connection ends: a goodbye's code, and that of QUIC's close. */
export const CloseCode = {
  normal: 0, refused: 1, full: 2, version: 3, roomClosed: 4, abuse: 5, shutdown: 6, protocol: 7, replaced: 8, expired: 9, abandoned: 10,
  kicked: 11,
} as const;

/** Which room a hello asks for. */
export const Join = { joinOrCreate: 0, joinExisting: 1, createPrivate: 2, joinPrivate: 3 } as const;

/** Whom a line of chat is for. */
export const Scope = { room: 0, team: 1, player: 2 } as const;

const bits32 = 0xffff_ffff;

/** MessageType reads and writes one kind of message. */
export class MessageType<T> {
  /** The first element. */
  readonly kind: number;
  /** The name of the kind. */
  readonly name: string;
  readonly #shape: Shape<T>;
  readonly #maxBytes: number;
  readonly #check: (m: T) => void;
  readonly #count: number;

  constructor(name: keyof typeof Kind, maxBytes: number, shape: Shape<T>, check: (m: T) => void = () => {}) {
    this.kind = Kind[name];
    this.name = name;
    this.#maxBytes = maxBytes;
    this.#shape = shape;
    this.#check = check;
    this.#count = Object.keys(shape).length + 1;
  }

  /** parse reads a frame's content. Nothing in the result shares its memory. It throws a RejectError. */
  parse(message: Uint8Array): T {
    if ("version" in this.#shape) version.read(this.#open(message), "version"); // first of all, whatever the rest is
    const r = this.#open(message);
    r.checkForm(this.#maxBytes);
    const value = readShape(r, this.#shape);
    this.#check(value);
    return value;
  }

  /** encode writes the message, not yet framed. What parse would refuse it refuses with the same RejectError. */
  encode(value: T): Uint8Array {
    const w = new Writer();
    w.array(this.#count);
    w.uint(this.kind);
    writeShape(w, this.#shape, value);
    const b = w.finish();
    this.parse(b);
    return b;
  }

  #open(message: Uint8Array): Fields {
    const r = new Fields(message, this.name);
    if (r.number("kind", 0, limits.MaxTick) !== this.kind) throw new RejectError("unexpected", `another message where ${this.name} is read`);
    return r;
  }
}

/** kindOf returns the kind of a message, by which to choose what reads it. It throws a RejectError. */
export function kindOf(message: Uint8Array): number {
  const kind = new Fields(message, "message").number("kind", 0, limits.MaxTick);
  if (kind < Kind.hello || kind > Kind.pace) throw new RejectError("unknown_kind", `a message of kind ${kind}`);
  return kind;
}

/** Hello is a client's first message. */
export interface Hello {
  version: number;
  /** The game to join; empty: whichever the server runs. */
  game: string;
  /** The hash of the schema that the client has; 0: send it. */
  schemaHash: bigint;
  /** Who the player is; empty: none. Never log it. */
  token: Uint8Array;
  /** The name of a room, or the code of a private one. */
  room: string;
  /** One of Join. */
  join: number;
  /** The token of a session to go on with; empty: join. Never log it. */
  resume: Uint8Array;
  /** The epoch of that session's replica plus 1, when the client still has it; else 0. */
  replica: number;
}

/** Hello on the wire. */
export const hello = new MessageType<Hello>("hello", limits.MaxHelloFrame, {
  version, game: title(limits.MaxGameName), schemaHash: int64, token: bin(limits.MaxToken), room: title(limits.MaxGameName),
  join: int(0, Join.joinPrivate), resume: bin(limits.MaxResumeToken), replica: int(0, limits.MaxEpoch + 1),
}, (m) => {
  if (m.replica > 0 && m.resume.length === 0) throw new RejectError("bad_value", "hello has a replica and no session that it is of");
  const named = m.room !== "";
  if (m.join === Join.createPrivate ? named : m.join !== Join.joinOrCreate && !named) {
    throw new RejectError("bad_value", "hello's room does not go with its join");
  }
});

/** Welcome is the server's answer to a hello that it accepts. */
export interface Welcome {
  version: number;
  /** 16 bytes: the session, which outlives the connection. */
  session: Uint8Array;
  /** 16 bytes: the room that was joined. */
  room: Uint8Array;
  /** The player's number in the room. */
  player: number;
  /** The epoch in which datagrams will come. */
  epoch: number;
  /** The room's tick now. */
  tick: number;
  /** The sequence number of the first datagram that will be sent; 0 is read as 1. */
  nextSequence: number;
  /** Nanoseconds from a tick to the next. */
  tickPeriodNanoseconds: number;
  /** Ticks: how much older than the newest a datagram may be. */
  ageMax: number;
  schemaHash: bigint;
  /** The schema's own bytes; empty when the hello named its hash. */
  schema: Uint8Array;
  /** For how many ticks an event is worth telling. */
  eventTicks: number;
  /** By which name, or code, others join the room. */
  roomName: string;
  /** How another connection goes on with the session. */
  resume: Resume;
}

/** Resume is how another connection goes on with a session. */
export interface Resume {
  /** For the next hello; empty when the session ends with the connection. Never log it. */
  token: Uint8Array;
  /** The highest number of a request that the session has had. */
  lastRequest: number;
}

/** Welcome on the wire. */
export const welcome = new MessageType<Welcome>("welcome", limits.MaxFrame, {
  version, session: id, room: id, player: int(0, bits32), epoch: int(0, limits.MaxEpoch), tick: int(0, limits.MaxTick),
  nextSequence: int(0, limits.MaxSequence), tickPeriodNanoseconds: int(limits.MinTickPeriod, limits.MaxTickPeriod),
  ageMax: int(limits.MinAge, limits.MaxAge), schemaHash: int64, schema: bin(limits.MaxSchema), eventTicks: int(1, limits.MaxEventTicks),
  roomName: text(limits.MaxGameName), resume: nested<Resume>({ token: bin(limits.MaxResumeToken), lastRequest: int(0, bits32) }),
}, (m) => {
  if (m.schema.length > 0 && walk(m.schema, 0, limits.MaxSchemaElements) < m.schema.length) {
    throw new RejectError("trailing_bytes", "the schema has bytes behind its end: send one array");
  }
});

/** Goodbye is either side's last message. */
export interface Goodbye {
  /** One of CloseCode; an unknown one is read like refused. */
  code: number;
  /** A sentence for a person; may be empty. */
  reason: string;
}

/** Goodbye on the wire. */
export const goodbye = new MessageType<Goodbye>("goodbye", limits.MaxHelloFrame, { code: int(0, bits32), reason: text(limits.MaxReason) });

/** Resync is a client's request for a new epoch. */
export interface Resync {
  /** The epoch that the client gives up. */
  epoch: number;
}

/** Resync on the wire. */
export const resync = new MessageType<Resync>("resync", limits.MaxHelloFrame, { epoch: int(0, limits.MaxEpoch) });

/** Request is what a player asks once. */
export interface Request {
  /** Names the request within the session; each is higher than the one before. */
  number: number;
  /** Its place among the schema's requests. */
  request: number;
  /** A row of what is asked. */
  data: Uint8Array;
}

/** Request on the wire. */
export const request = new MessageType<Request>("request", limits.MaxHelloFrame, {
  number: int(0, bits32), request: int(0, limits.MaxTables - 1), data: bin(limits.MaxRowBytes),
});

/** Answer is what became of a request. */
export interface Answer {
  number: number;
  /** A row of what is answered; empty when the request was refused. */
  data: Uint8Array;
  /** Why it was refused, for a person; empty when it was answered. */
  refusal: string;
}

/** Answer on the wire. */
export const answer = new MessageType<Answer>("answer", limits.MaxFrame, {
  number: int(0, bits32), data: bin(limits.MaxRowBytes), refusal: text(limits.MaxReason),
}, (m) => {
  if (m.refusal !== "" && m.data.length > 0) throw new RejectError("bad_value", "answer's data does not go with its refusal");
});

/** Message is what a game has to say that must arrive. */
export interface Message {
  /** When the game sent it. */
  tick: number;
  /** Its place among the schema's messages. */
  message: number;
  /** A row of the message. */
  data: Uint8Array;
}

/** Message on the wire. */
export const message = new MessageType<Message>("message", limits.MaxFrame, {
  tick: int(0, limits.MaxTick), message: int(0, limits.MaxTables - 1), data: bin(limits.MaxRowBytes),
});

/** Say is a line of chat on its way to the server. */
export interface Say {
  /** One of Scope. */
  scope: number;
  /** Whom the player's scope means; else 0. */
  player: number;
  text: string;
}

/** Say on the wire. */
export const say = new MessageType<Say>("say", limits.MaxHelloFrame, {
  scope: int(0, Scope.player), player: int(0, bits32), text: text(limits.MaxChat),
}, (m) => {
  if (m.text === "") throw new RejectError("bad_value", "say's text is empty: say something");
  if (m.scope === Scope.player && m.player === 0) throw new RejectError("bad_value", "say's player is 0, which is nobody");
});

/** Chat is a line of chat as others get it: plain text, not to be trusted. */
export interface Chat {
  /** The speaker's number; 0 is the server itself. */
  from: number;
  /** One of Scope. */
  scope: number;
  text: string;
}

/** Chat on the wire. */
export const chat = new MessageType<Chat>("chat", limits.MaxFrame, {
  from: int(0, bits32), scope: int(0, Scope.player), text: text(limits.MaxChat),
});

/** Checks tells what became of a client's reports since it joined. */
export interface Checks {
  rows: number;
  pages: number;
  skipped: number;
  diverged: number;
}

const count = int(0, limits.MaxTick);

/** Checks on the wire. */
export const checks = new MessageType<Checks>("checks", limits.MaxFrame, { rows: count, pages: count, skipped: count, diverged: count });

/** Diverged tells of a row that was not as the server's. */
export interface Diverged {
  /** The tick at which the two were compared. */
  tick: number;
  /** The table's place in the schema. */
  table: number;
  /** The entity id; with generation 0 when a page said so. */
  entity: number;
  /** What differs, and what either side has, for a person. */
  field: string;
  server: string;
  client: string;
}

/** Diverged on the wire. */
export const diverged = new MessageType<Diverged>("diverged", limits.MaxFrame, {
  tick: int(0, limits.MaxTick), table: int(0, limits.MaxTables - 1), entity: int(0, bits32),
  field: text(limits.MaxFieldText), server: text(limits.MaxFieldText), client: text(limits.MaxFieldText),
});

/** Pace tells how fast the room goes. */
export interface Pace {
  /** The latest tick that was made at the former pace. */
  tick: number;
  /** After how many tick periods the next tick follows: 1 is normal, more is slow motion, 0 is a room that is frozen. */
  every: number;
}

/** Pace on the wire. */
export const pace = new MessageType<Pace>("pace", limits.MaxFrame, { tick: count, every: int(0, limits.MaxEvery) });
