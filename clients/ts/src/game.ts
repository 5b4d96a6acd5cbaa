import { breaks } from "./compat.js";
import { parseSchema, type Schema } from "./schema.js";
import type { Mode } from "./shown.js";

/** GameTypes is what a game's own types look like; `gen ts` of the game's program writes them. */
export interface GameTypes {
  /** The rows of each table, by its name. */
  tables: Record<string, object>;
  /** The names of those tables that have one row, which is always there; never without any. */
  singletons: string;
  /** What a player asks for in a tick. */
  input: object;
  events: Record<string, object>;
  messages: Record<string, object>;
  /** What is asked and what is answered, by the request's name. */
  requests: Record<string, readonly [ask: object, answer: object]>;
}

/** The names of a game's tables, singletons included. */
export type TableName<T extends GameTypes> = keyof T["tables"] & string;
/** The names of a game's singletons. */
export type SingletonName<T extends GameTypes> = T["singletons"] & TableName<T>;
/** The names of a game's events. */
export type EventName<T extends GameTypes> = keyof T["events"] & string;
/** The names of a game's messages. */
export type MessageName<T extends GameTypes> = keyof T["messages"] & string;
/** The names of a game's requests. */
export type RequestName<T extends GameTypes> = keyof T["requests"] & string;

/** Mutable is a row that may be written to, with all that it holds. */
export type Mutable<R> = R extends object ? { -readonly [K in keyof R]: Mutable<R[K]> } : R;

/** Definition is what a game's types were made from. */
export interface Definition {
  /** The game's name, by which clients join. */
  name: string;
  /** The schema's own bytes (docs/protocol.md §8), also as base64. */
  schema: string | Uint8Array;
  /** The command that writes the types anew, for those who have to; "gen ts of the game's program" when it is not told. */
  command?: string;
  /** By tables, how their rows are shown to others, where it is not as usual: see JoinConfig. */
  shownAs?: Readonly<Record<string, Mode>>;
  /** By tables, from which distance on a misprediction is shown at once, where it is not as usual: see JoinConfig. */
  teleport?: Readonly<Record<string, number>>;
}

/** Game is a game's definition as a client has it, with its types. It is immutable. */
export interface Game<T extends GameTypes> {
  readonly name: string;
  /** What the types were made from. A server that has the very same need not send its own: see hash. */
  readonly schema: Schema;
  /** The hash of schema, for a hello. */
  readonly hash: bigint;
  readonly shownAs: Readonly<Record<string, Mode>>;
  readonly teleport: Readonly<Record<string, number>>;
  /**
   * check compares a server's schema with what the types were made from. What is added is tolerated. It throws a SchemaError that
   * names everything that this client would miss, misread or send in vain.
   */
  check(server: Schema): void;
  /** It is never there: it carries the types. */
  readonly types?: T;
}

/** SchemaError means that a server's game does not fit a client's types. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  /** What does not fit, each by its name: what was and what is. */
  readonly breaks: readonly string[];

  constructor(message: string, breaks: readonly string[]) {
    super(message);
    this.breaks = breaks;
  }
}

/** How many breaks a SchemaError's message tells; the others are counted in it. */
const breaksTold = 4;

/** defineGame makes a game's definition of what `gen ts` wrote. It throws an Error when the schema is damaged. */
export function defineGame<T extends GameTypes>(d: Definition): Game<T> {
  const schema = parseSchema(typeof d.schema === "string" ? bytesOf(d.schema) : d.schema);
  if (schema.game !== d.name) throw new Error(`the game is named ${d.name}, but its schema is of ${schema.game}: write the types anew`);
  const command = d.command === undefined ? "gen ts of the game's program" : `"${d.command}"`;
  return Object.freeze({
    name: d.name, schema, hash: schema.hash, shownAs: d.shownAs ?? {}, teleport: d.teleport ?? {},
    check(server: Schema): void {
      if (server.hash === schema.hash) return;
      const found = breaks(schema, server);
      if (found.length === 0) return;
      const told = found.slice(0, breaksTold).join("; ") + (found.length > breaksTold ? `; and ${found.length - breaksTold} more` : "");
      throw new SchemaError(`the server's ${server.game} does not fit this client's types: ${told}. If the server is newer, write the types anew ` +
        `with ${command} and build the client again; if it is older, update the server`, found);
    },
  });
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
