import type { Link } from "./link.js";
import type { Counters } from "./replica.js";
import type { TransportName } from "./transport.js";

/** Stats are a session's figures since it began. */
export interface Stats {
  /** What the connection runs over. */
  transport: TransportName;
  /** The newest tick received; by how many ticks inputs are ahead of it; and how early the newest input that the server has came, in quarters of a tick. */
  tick: number;
  lead: number;
  margin: number;
  /** Milliseconds to the server and back, as it is now, with what both sides take. */
  roundTrip: number;
  /** Which share of the server's latest datagrams has not come, 0 to 1. */
  loss: number;
  /** Payload bytes, without what transports add. */
  sentBytes: number;
  receivedBytes: number;
  sentDatagrams: number;
  receivedDatagrams: number;
  /** Inputs that were not sent because the way was jammed. */
  droppedDatagrams: number;
  /** Datagrams that brought a newer tick than any before, and those that could not be read. */
  newTicks: number;
  rejected: number;
  /** Inputs that came too late for their ticks, and ticks for which the server had none, as far as the newest datagrams tell. */
  lateInputs: number;
  missingInputs: number;
  /** By how many milliseconds others are shown later than they could be, and how often nothing had come by then. */
  delay: number;
  dry: number;
  /** For how many ticks own rows were predicted and then told by the server, and in how many of them it had something else. */
  predicted: number;
  mispredicted: number;
  /** Messages and lines of chat that nobody took. */
  dropped: number;
  /** What the server says of the rows that this client has reported: how many were not as its own. */
  diverged: number;
  /** How often the session went on over another connection, and how often the player joined anew after a loss. */
  resumes: number;
  rejoins: number;
  /** What the replica has met. */
  replica: Counters;
}

/** What adds up over connections. */
type Sums = Pick<Stats, "sentBytes" | "receivedBytes" | "sentDatagrams" | "receivedDatagrams" | "droppedDatagrams" | "newTicks" | "rejected" | "lateInputs" | "missingInputs">;

/** sumsOf are those of one connection. */
function sumsOf(link: Link): Sums {
  return { ...link.traffic, newTicks: link.newTicks, rejected: link.rejected, lateInputs: link.timing.late, missingInputs: link.timing.missing };
}

/** Tally keeps what connections before the present one have counted. */
export class Tally {
  readonly #former: Sums = {
    sentBytes: 0, receivedBytes: 0, sentDatagrams: 0, receivedDatagrams: 0, droppedDatagrams: 0, newTicks: 0, rejected: 0, lateInputs: 0, missingInputs: 0,
  };

  /** add takes a connection that has ended. */
  add(link: Link): void {
    Object.assign(this.#former, this.with(link));
  }

  /** with is the sums, with those of a connection that lives. */
  with(link: Link): Sums {
    const sums = sumsOf(link);
    for (const name in this.#former) sums[name as keyof Sums] += this.#former[name as keyof Sums];
    return sums;
  }
}
