import { InputsPerDatagram, LagsPerTick, MaxLag } from "./limits.js";
import { ShortRange } from "./short.js";
import { DatagramKind } from "./state.js";
import type { Writer } from "./writer.js";

/** Ack is what was received of an epoch (docs/protocol.md §6). */
export interface Ack {
  epoch: number;
  /** Whether any datagram of the epoch was received yet. */
  hasAck: boolean;
  /** The highest sequence number received. */
  newest: number;
  /** Bit i is set when datagram newest − 1 − i was not received: the upper and the lower 32 bits. */
  missingHigh: number;
  missingLow: number;
}

/** RowReport is one row of the replica, for the server to compare. */
export interface RowReport {
  /** The place among the schema's tables. */
  table: number;
  /** One of Class. */
  rowClass: number;
  index: number;
  generation: number;
  /** The register's: as of which the row is. */
  tick: number;
  /** All columns that the class sees. */
  columns: Uint8Array;
}

/** PageReport tells which of 64 rows that follow each other are here. */
export interface PageReport {
  table: number;
  /** The first row's index divided by 64. */
  page: number;
  /** Bit i is set when the row at index page × 64 + i is here: the upper and the lower 32 bits. */
  hereHigh: number;
  hereLow: number;
}

/** One input on its way. */
export interface InputRow {
  /** How far behind its tick the player saw the others, in 128ths of a tick; 0 does not tell. */
  lag: number;
  /** A row of the schema's input, as writeRow writes it. */
  data: Uint8Array;
}

/** InputDatagram is each datagram from client to server. */
export interface InputDatagram {
  ack: Ack;
  /** The tick that the first input is for. */
  tick: number;
  /** The newest first, at most 8; each further one is for the tick before. */
  inputs: readonly InputRow[];
  row?: RowReport | undefined;
  page?: PageReport | undefined;
}

/** appendInput writes an input datagram. One above MaxDatagramPayload is not to be sent: leave the reports out. */
export function appendInput(w: Writer, d: InputDatagram): void {
  if (d.inputs.length > InputsPerDatagram) throw new RangeError(`${d.inputs.length} inputs in a datagram, at most ${InputsPerDatagram} are possible`);
  const { ack, row, page } = d;
  w.byte(DatagramKind.input);
  w.limbs(ack.epoch, 1);
  w.byte((ack.hasAck ? 1 : 0) | (row === undefined ? 0 : 2) | (page === undefined ? 0 : 4));
  w.limbs(ack.newest % ShortRange, 2);
  w.uint64(ack.missingHigh, ack.missingLow);
  w.limbs(d.tick % ShortRange, 2);
  w.byte(d.inputs.length);
  for (const input of d.inputs) {
    w.limbs(input.lag, 2);
    w.raw(input.data);
  }
  if (row !== undefined) {
    w.byte(row.table);
    w.byte(row.rowClass);
    w.uint(row.index);
    w.uint(row.generation);
    w.limbs(row.tick % ShortRange, 2);
    w.raw(row.columns);
  }
  if (page !== undefined) {
    w.byte(page.table);
    w.uint(page.page);
    w.uint64(page.hereHigh, page.hereLow);
  }
}

/** lagOf is the lag of an input for a tick whose player saw the others as of a view time in 128ths of a tick: 1 to 16,383. */
export function lagOf(tick: number, view: number): number {
  return Math.max(1, Math.min(tick * LagsPerTick - view, MaxLag));
}
