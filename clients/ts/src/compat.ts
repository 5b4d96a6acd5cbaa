import { Audience, FieldKind, type Field } from "./field.js";
import type { Schema } from "./schema.js";
import type { Table } from "./table.js";

/** How a client uses rows: it reads what comes, and writes inputs and what it asks. */
type Use = "reads" | "writes";

/** What each kind of field is to a reader, in words. Integers are one kind: their range tells the rest. */
const kindNames: readonly string[] = ["bool", "integer", "integer", "float", "text", "ID"];

/**
 * breaks compares what a client knows of a game with what a server has, and returns what the client would miss, misread or send in
 * vain; none when it can go on. Whatever is added is no break, and neither is what the server's own schema makes good: the order and
 * place of tables and fields, ranges and steps of rows that are read, dead reckoning, positions.
 */
export function breaks(known: Schema, server: Schema): string[] {
  if (known.game !== server.game) return [`the server has game ${server.game}, this client is for ${known.game}`];
  const out: string[] = [];
  lists(out, "table", known.tables, server.tables);
  rows(out, "input", known.input, server.input, "writes");
  lists(out, "event", known.events, server.events);
  lists(out, "message", known.messages, server.messages);
  const asks = server.requests.map((r) => r.ask);
  for (const { ask, answer } of known.requests) {
    const now = server.requests.find((r) => r.ask.name === ask.name);
    if (now === undefined) {
      out.push(missing("request", ask.name, known.requests.map((r) => r.ask), asks));
      continue;
    }
    rows(out, `request ${ask.name}`, ask, now.ask, "writes");
    rows(out, `answer to ${ask.name}`, answer, now.answer, "reads");
  }
  return out;
}

function lists(out: string[], what: string, known: readonly Table[], server: readonly Table[]): void {
  for (const table of known) {
    const now = server.find((t) => t.name === table.name);
    if (now === undefined) out.push(missing(what, table.name, known, server));
    else rows(out, `${what} ${table.name}`, table, now, "reads");
  }
}

function rows(out: string[], where: string, known: Table, server: Table, use: Use): void {
  for (const field of known.fields) {
    const now = server.fields.find((f) => f.name === field.name);
    const at = `${where}, field ${field.name}`;
    if (now === undefined) {
      out.push(`${missing(`${where}, field`, field.name, known.fields, server.fields)} (it was ${describe(field)})`);
    } else if (kindNames[field.kind] !== kindNames[now.kind] || field.big !== now.big) {
      out.push(`${at}: it was ${describe(field)} and is ${describe(now)}`);
    } else if (use === "writes" && !holds(now, field)) {
      out.push(`${at}: the server takes ${describe(now)}, this client may send ${describe(field)}`);
    } else if (now.audience > field.audience) {
      out.push(`${at}: it was for ${audiences[field.audience]} and is for ${audiences[now.audience]}`);
    }
  }
}

const audiences: { readonly [audience: number]: string } = {
  [Audience.everyone]: "everyone", [Audience.teamAndOwner]: "the team and the owner", [Audience.ownerOnly]: "the owner only",
};

/** missing says that something is not there, and under which names it may be now. */
function missing(what: string, name: string, known: readonly { name: string }[], server: readonly { name: string }[]): string {
  const added = server.map((s) => s.name).filter((n) => !known.some((k) => k.name === n));
  return `${what} ${name}: the server does not have it${added.length > 0 ? `, but ${added.slice(0, 3).join(", ")}` : ""}`;
}

/** holds tells whether every value that a field takes is one that another of the same kind takes. */
function holds(now: Field, known: Field): boolean {
  if (now.kind !== FieldKind.float) return now.base <= known.base && now.base + now.top >= known.base + known.top;
  return now.wrap || (!known.wrap && now.min <= known.min && now.max >= known.max);
}

/** describe says what a field holds: "integer from 0 to 4", "text of at most 16 bytes". */
function describe(f: Field): string {
  switch (f.kind) {
    case FieldKind.int:
    case FieldKind.uint:
      return `integer from ${f.base} to ${f.base + f.top}`;
    case FieldKind.float:
      return `${f.wrap ? "angle" : "float"} from ${f.min} to ${f.max}`;
    case FieldKind.text:
      return `text of at most ${f.top} bytes`;
    default:
      return kindNames[f.kind]!;
  }
}
