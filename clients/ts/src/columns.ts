import type { Cursor } from "./cursor.js";
import { Class } from "./field.js";
import { MaxColumns } from "./limits.js";
import type { Row, Words } from "./rowshape.js";
import type { Table } from "./table.js";
import { readText } from "./text.js";
import { RejectError } from "./reject.js";
import { utf8, type Writer } from "./writer.js";

/** RowBuffer holds the columns of one row, for those that read or write one after the other. */
export class RowBuffer implements Words {
  readonly words = new Uint32Array(MaxColumns);
  readonly texts: string[] = new Array<string>(MaxColumns).fill("");
  readonly wordsFrom = 0;
  readonly textsFrom = 0;
}

/** readColumns reads the first so many columns of a list (docs/protocol.md §5.2); after a fault the cursor's reject is set. */
export function readColumns(c: Cursor, table: Table, list: Uint8Array, count: number, into: RowBuffer): void {
  for (let i = 0; i < count; i++) {
    const at = list[i]!;
    const column = table.columns[at]!;
    if (column.textAt >= 0) {
      into.texts[column.textAt] = readField(c, Number(table.fields[column.field]!.top));
    } else if (column.base) {
      for (let part = at; part < table.columns.length; part++) readWord(c, table, part, into.words);
    } else {
      readWord(c, table, at, into.words);
    }
    if (c.reject !== undefined) return;
  }
}

function readWord(c: Cursor, table: Table, at: number, words: Uint32Array): void {
  const { limbs, bits } = table.columns[at]!;
  const v = limbs === 1 ? c.limb() : c.limbs(limbs);
  if (bits >= 32 ? v > 0xffff_ffff : v >>> bits !== 0) c.fail("bad_value");
  else words[at] = v;
}

/** readField reads a text field of at most so many bytes. */
function readField(c: Cursor, maxBytes: number): string {
  const { b, at } = c;
  const type = b[at];
  const long = type === 0xd9;
  const from = at + (long ? 2 : 1);
  if (type === undefined || (long && b.length < from)) {
    c.fail("truncated");
    return "";
  }
  if (!long && (type & 0xe0) !== 0xa0) {
    c.fail("wrong_type");
    return "";
  }
  const bytes = long ? b[at + 1]! : type & 0x1f;
  const text = bytes > maxBytes || b.length - from < bytes ? undefined : readText(b, from, from + bytes);
  if (text === undefined) {
    c.fail(bytes > maxBytes ? "oversized" : b.length - from < bytes ? "truncated" : "bad_value");
    return "";
  }
  c.at = from + bytes;
  return text;
}

/** writeColumns writes all columns that a class sees. A text that is longer than its field is cut between two characters. */
export function writeColumns(w: Writer, table: Table, rowClass: number, from: Words): void {
  for (const at of table.classColumns(rowClass)) {
    const column = table.columns[at]!;
    if (column.textAt >= 0) {
      w.text(fit(from.texts[from.textsFrom + column.textAt]!, Number(table.fields[column.field]!.top)));
      continue;
    }
    for (let part = at; part < (column.base ? table.columns.length : at + 1); part++) {
      const c = table.columns[part]!;
      w.limbs(from.words[from.wordsFrom + part]! % 2 ** c.bits, c.limbs);
    }
  }
}

function fit(text: string, maxBytes: number): string {
  if (3 * text.length <= maxBytes) return text;
  const b = utf8(text);
  if (b.length <= maxBytes) return text;
  let end = maxBytes;
  while ((b[end]! & 0xc0) === 0x80) end--;
  return readText(b, 0, end)!;
}

/** writeRow writes a whole row from an object: an input, or what is asked. */
export function writeRow(w: Writer, table: Table, row: object, scratch: RowBuffer): void {
  table.shape.write(row, scratch.words, scratch.texts);
  writeColumns(w, table, Class.own, scratch);
}

/** readRow reads bytes that are exactly one whole row: of an answer or a message. It throws a RejectError. */
export function readRow(c: Cursor, table: Table, data: Uint8Array, scratch: RowBuffer): Row {
  c.b = data;
  c.at = 0;
  c.reject = undefined;
  const list = table.classColumns(Class.own);
  readColumns(c, table, list, list.length, scratch);
  if (c.reject === undefined && !c.ended) c.fail("bad_value");
  if (c.reject !== undefined) throw new RejectError(c.reject, `the data are no row of ${table.name}: both sides must have the same schema`);
  return table.shape.read(Class.own, scratch);
}
