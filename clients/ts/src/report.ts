import { writeColumns } from "./columns.js";
import type { PageReport, RowReport } from "./input.js";
import { pageRows, State, type Page } from "./registers.js";
import type { Replica } from "./replica.js";
import { Writer } from "./writer.js";

/** Report is what a client tells of its replica, with an acknowledgement beside it (docs/protocol.md §6). */
export interface Report {
  row?: RowReport;
  page?: PageReport;
}

/**
 * report picks one row at random, and one random page. Chance returns a number from 0 to below 1, as Math.random does.
 * Without rows there is no row, before the first no page, and nothing at all before something was received.
 */
export function report(replica: Replica, chance: () => number): Report {
  const pages = pagesOf(replica);
  const picked = pages[Math.floor(chance() * pages.length)];
  if (picked === undefined || !replica.ack().hasAck) return {};
  const out: Report = { page: { table: picked.table, page: picked.number, hereHigh: picked.page?.here(32) ?? 0, hereLow: picked.page?.here(0) ?? 0 } };
  const from = Math.floor(chance() * pages.length);
  for (let i = 0; i < pages.length; i++) {
    const place = pages[(from + i) % pages.length]!;
    const rows = rowsOf(place.page);
    if (place.page === undefined || rows.length === 0) continue;
    const row = rows[Math.floor(chance() * rows.length)]!;
    out.row = rowReport(replica, place.table, place.page, place.number * pageRows + row);
    break;
  }
  return out;
}

interface Place {
  table: number;
  number: number;
  page: Page | undefined;
}

function pagesOf(replica: Replica): Place[] {
  return replica.schema.tables.flatMap((_, table) => replica.pages(table).map((page, number) => ({ table, number, page })));
}

function rowsOf(page: Page | undefined): number[] {
  const rows: number[] = [];
  for (let i = 0; page !== undefined && i < pageRows; i++) if (page.state[i] === State.Here) rows.push(i);
  return rows;
}

function rowReport(replica: Replica, table: number, page: Page, index: number): RowReport {
  const row = index % pageRows;
  const rowClass = page.rowClass[row]!;
  const w = new Writer(64);
  writeColumns(w, replica.schema.tables[table]!, rowClass, page.look(row));
  return { table, rowClass, index, generation: page.generation[row]!, tick: page.tick[row]!, columns: w.finish() };
}
