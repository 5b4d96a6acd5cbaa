import { readRow, RowBuffer } from "./columns.js";
import { Cursor } from "./cursor.js";
import { failure, type JoinError } from "./errors.js";
import { request, type Answer } from "./messages.js";
import type { Row } from "./rowshape.js";
import type { Table } from "./table.js";

/** openMax is how many requests may wait for their answers. */
const openMax = 64;

/** A request that waits for its answer. */
interface Waiting {
  message: Uint8Array;
  answer: Table;
  resolve(row: Row): void;
  reject(error: JoinError): void;
}

/** Requests are those of a session that wait for their answers. They outlive its connections. */
export class Requests {
  /** The number of the latest. */
  asked = 0;

  readonly #waiting = new Map<number, Waiting>(); // by number, in their order

  /** open gives a request its number. It returns the message to send, and what will be answered. It throws a JoinError when too many wait. */
  open(kind: number, data: Uint8Array, answer: Table): { message: Uint8Array; answered: Promise<Row> } {
    if (this.#waiting.size >= openMax) throw failure("unreachable", `${openMax} requests wait for their answers already: ask again later`);
    const number = this.asked + 1;
    const message = request.encode({ number, request: kind, data });
    this.asked = number;
    const answered = new Promise<Row>((resolve, reject) => this.#waiting.set(number, { message, answer, resolve, reject }));
    return { message, answered };
  }

  /** again returns the requests that wait, in their order, to be asked again over another connection. */
  again(): Uint8Array[] {
    return [...this.#waiting.values()].map((w) => w.message);
  }

  /** answered hands an answer to who waits for it; nobody may. It throws a RejectError for what is no row of the answer. */
  answered(a: Answer): void {
    const w = this.#waiting.get(a.number);
    if (w === undefined) return;
    this.#waiting.delete(a.number);
    if (a.refusal !== "") return w.reject(failure("denied", a.refusal));
    try {
      w.resolve(readRow(new Cursor(), w.answer, a.data, new RowBuffer()));
    } catch (e) {
      w.reject(failure("protocol", "the answer can't be read", e));
      throw e;
    }
  }

  /** fail tells everybody who waits that no answer will come. */
  fail(error: JoinError): void {
    for (const w of this.#waiting.values()) w.reject(error);
    this.#waiting.clear();
  }
}
