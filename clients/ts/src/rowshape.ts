import { Class, Classes, FieldKind, type Field, type Value } from "./field.js";
import { Leaf, pathOf } from "./leaf.js";
import type { Motion } from "./motion.js";
import type { Table } from "./table.js";

/** Row is a row as a plain object: fields of nested structs and arrays stand in nested objects and arrays. Nobody writes to it. */
export interface Row {
  readonly [name: string]: RowValue;
}

/** What stands in a row. */
export type RowValue = Value | Row | readonly RowValue[];

/** Words is where the columns of a row are: from a place of the words, and a place of the texts. */
export interface Words {
  readonly words: Uint32Array;
  readonly wordsFrom: number;
  readonly texts: readonly string[];
  readonly textsFrom: number;
}

/** Reckoning is when a row is shown, and how it moves until then. */
export interface Reckoning {
  readonly motion: Motion;
  readonly tick: number;
}

/** How the parts of a field are found. */
interface Source {
  readonly field: Field;
  readonly hidden: boolean;
  readonly own: boolean;
  readonly textAt: number; // -1 for all else
  readonly high: number; // column; -1 when the field has one column
  readonly low: number;
  readonly scale: number; // of the high column
  readonly member: number; // of the group, when this is its position; else -1
}

/** A row's shape as a tree: its leaves are places of fields. */
type Node = number | Node[] | Map<string, Node>;

/** RowShape reads and writes the rows of a table as plain objects. */
export class RowShape {
  /** Where each field of the table stands in an object. */
  readonly leaves: readonly Leaf[];

  readonly #root = new Map<string, Node>();
  readonly #sources: Source[][] = []; // per class and field
  readonly #first: number;

  /** Throws an Error when two fields claim the same place. */
  constructor(table: Table) {
    table.fields.forEach((f, at) => place(this.#root, f.name, at));
    this.leaves = table.fields.map((f) => new Leaf(f));
    this.#first = table.group?.first ?? 0;
    for (let c = 0; c < Classes; c++) this.#sources.push(table.fields.map((_, field) => sourceOf(table, field, c)));
  }

  /** read makes an object of a row that a client of this class has. What it does not see is false, 0 or "". */
  read(rowClass: number, from: Words, reckoning?: Reckoning): Row {
    return this.#objectOf(this.#root, this.#sources[rowClass]!, from, reckoning);
  }

  /** value is one field of a row that a client of this class has. */
  value(rowClass: number, field: number, from: Words): Value {
    return this.#leaf(this.#sources[rowClass]![field]!, from, undefined);
  }

  /** fill writes into an object that read has made what it would make of other words. */
  fill(row: object, rowClass: number, from: Words): void {
    for (let i = 0; i < this.leaves.length; i++) this.leaves[i]!.set(row, this.value(rowClass, i, from));
  }

  /** copy writes the fields of an object into another one of this shape. */
  copy(from: object, to: object): void {
    for (const leaf of this.leaves) leaf.set(to, leaf.get(from));
  }

  /** write quantises an object into words and texts, as its owner sees it. What is missing is false, 0 or "", clamped. */
  write(row: object, words: Uint32Array, texts: string[]): void {
    this.#writeNode(this.#root, row as Row, words, texts);
  }

  #objectOf(node: Map<string, Node>, sources: Source[], from: Words, reckoning: Reckoning | undefined): Row {
    const row: { [name: string]: RowValue } = {};
    for (const [name, child] of node) row[name] = this.#valueOf(child, sources, from, reckoning);
    return row;
  }

  #valueOf(node: Node, sources: Source[], from: Words, reckoning: Reckoning | undefined): RowValue {
    if (typeof node === "number") return this.#leaf(sources[node]!, from, reckoning);
    if (Array.isArray(node)) return node.map((child) => this.#valueOf(child, sources, from, reckoning));
    return this.#objectOf(node, sources, from, reckoning);
  }

  #leaf(s: Source, from: Words, reckoning: Reckoning | undefined): Value {
    if (s.hidden) return s.field.neutral;
    if (s.textAt >= 0) return from.texts[from.textsFrom + s.textAt]!;
    const { words, wordsFrom } = from;
    const low = words[wordsFrom + s.low]!;
    const high = s.high < 0 ? 0 : words[wordsFrom + s.high]!;
    if (s.field.big) return s.field.bigOf(BigInt(high) * BigInt(s.scale) + BigInt(low));
    if (s.member < 0 || reckoning === undefined) return s.field.valueOf(high * s.scale + low, s.own);
    const velocity = words[wordsFrom + s.low + 1]!;
    return s.field.valueOf(reckoning.motion.position(s.member, reckoning.tick, words[wordsFrom + this.#first]!, low, velocity), false);
  }

  #writeNode(node: Node, value: RowValue | undefined, words: Uint32Array, texts: string[]): void {
    if (typeof node === "number") {
      writeLeaf(this.#sources[Class.own]![node]!, value, words, texts);
    } else if (Array.isArray(node)) {
      const items = Array.isArray(value) ? (value as readonly RowValue[]) : [];
      node.forEach((child, i) => this.#writeNode(child, items[i], words, texts));
    } else {
      const row = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Row) : {};
      for (const [name, child] of node) this.#writeNode(child, row[name], words, texts);
    }
  }
}

function writeLeaf(s: Source, value: RowValue | undefined, words: Uint32Array, texts: string[]): void {
  if (s.textAt >= 0) {
    texts[s.textAt] = typeof value === "string" ? value : "";
    return;
  }
  if (s.field.big) {
    const q = s.field.quantiseBig(typeof value === "bigint" ? value : BigInt(Math.trunc(finite(value))));
    words[s.low] = Number(q % BigInt(s.scale));
    if (s.high >= 0) words[s.high] = Number(q / BigInt(s.scale));
    return;
  }
  const plain = typeof value === "bigint" ? Number(value) : typeof value === "number" || typeof value === "boolean" ? value : 0;
  const q = s.field.quantise(plain, true);
  words[s.low] = q % s.scale;
  if (s.high >= 0) words[s.high] = Math.floor(q / s.scale);
}

function finite(value: RowValue | undefined): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function sourceOf(table: Table, at: number, rowClass: number): Source {
  const field = table.fields[at]!;
  const own = rowClass === Class.own;
  let columns = table.fieldColumns(at, own);
  let member = -1;
  if (!own && table.group?.has(at)) {
    const place = table.group.members.findIndex((m) => m.field === at || m.velocity === at);
    const velocity = table.group.members[place]!.velocity === at;
    columns = [table.group.first + 1 + 2 * place + (velocity ? 1 : 0)];
    if (!velocity) member = place;
  }
  const low = columns[columns.length - 1]!;
  const high = columns.length > 1 ? columns[0]! : -1;
  const scale = high < 0 ? 2 ** 32 : 2 ** table.columns[high]!.shift;
  const textAt = field.kind === FieldKind.text ? table.columns[low]!.textAt : -1;
  return { field, hidden: !field.visible(rowClass), own, textAt, high, low, scale, member };
}

/** place puts the field of a name, such as "Pos.X" or "Cells[3].Full", into the tree. */
function place(root: Map<string, Node>, name: string, field: number): void {
  const path = pathOf(name);
  let node: Node = root;
  path.forEach((part, depth) => {
    const leaf = depth === path.length - 1;
    const make = (): Node => (leaf ? field : path[depth + 1]!.startsWith("[") ? [] : new Map<string, Node>());
    let child: Node | undefined;
    if (part.startsWith("[") && Array.isArray(node)) {
      const i = Number(part.slice(1, -1));
      if (i === node.length) node.push(make()); // in their order and without holes, so that nothing grows by a number
      child = node[i];
    } else if (!part.startsWith("[") && node instanceof Map && part !== "__proto__") {
      if (!node.has(part)) node.set(part, make());
      child = node.get(part);
    }
    if (child === undefined || (leaf ? child !== field : typeof child === "number")) throw new Error(`${name}: a row can't have this field beside the others`);
    node = child;
  });
  if (path.length === 0) throw new Error("a field has no name");
}
