import { Class } from "./field.js";
import { Listeners, type Unsubscribe } from "./listeners.js";
import { entityId, generationOf, indexOf } from "./registers.js";
import type { Applied, Change, Entity, Replica } from "./replica.js";

/** What an entity is told of: it came into sight, another row of it was told, it went out of sight. */
export type RowEvent = "add" | "change" | "remove";

/** Before is the row as it was before a change; undefined otherwise. */
type RowListener<R> = (id: number, row: Readonly<R>, before: Readonly<R> | undefined) => void;

/**
 * EntityTable is a table of the game as the server last told it: rows that others own as they were some time ago, own ones as
 * they were, too. A row is a plain object that nobody writes to; the same one comes back until its entity changes.
 */
export class EntityTable<R extends object> {
  readonly name: string;

  readonly #source: TableSource;
  readonly #listeners: Record<RowEvent, Listeners<[number, Readonly<R>, Readonly<R> | undefined]>>;
  #known: Map<number, { id: number; row: R }> | undefined; // by index, once somebody listens

  /** It is made by Tables. */
  constructor(name: string, source: TableSource) {
    this.name = name;
    this.#source = source;
    const listeners = () => new Listeners<[number, Readonly<R>, Readonly<R> | undefined]>((e) => source.report(e));
    this.#listeners = { add: listeners(), change: listeners(), remove: listeners() };
  }

  /** all iterates over the entities that are here. Ids name them as long as they are. */
  *all(): IterableIterator<[id: number, row: Readonly<R>]> {
    const place = this.#place;
    for (const [index, page, row] of this.#source.replica.here(place)) yield [entityId(index, page.generation[row]!), this.#rowAt(place, index)!];
  }

  /** owned iterates over those that are the player's own. */
  *owned(): IterableIterator<[id: number, row: Readonly<R>]> {
    for (const [id, row] of this.all()) if (this.#entity(id)?.rowClass === Class.own) yield [id, row];
  }

  /** get returns a row; undefined when its entity is not here. */
  get(id: number): Readonly<R> | undefined {
    return this.#entity(id) && this.#rowAt(this.#place, indexOf(id));
  }

  /** owner is the player who owns an entity, as far as that is known: this one, or 0. */
  owner(id: number): number {
    return this.#entity(id)?.rowClass === Class.own ? this.#source.player : 0;
  }

  /** How many entities are here. */
  get size(): number {
    let n = 0;
    for (const _ of this.#source.replica.here(this.#place)) n++;
    return n;
  }

  /**
   * on calls a listener for each entity that comes, changes or goes, after the datagram that told it has been applied. Row is as
   * it is now; of what went, as it was last. A row that is only reckoned on, without news, does not change.
   */
  on(event: RowEvent, listener: RowListener<R>): Unsubscribe {
    if (this.#known === undefined) {
      this.#known = new Map();
      for (const [id, row] of this.all()) this.#known.set(indexOf(id), { id, row });
    }
    return this.#listeners[event].add(listener);
  }

  /** changed tells the listeners of a change. */
  changed(c: Change): void {
    if (this.#known === undefined) return;
    const was = this.#known.get(c.index);
    const row = c.kind === "removed" ? undefined : this.#rowAt(c.table, c.index);
    if (row === undefined) {
      this.#gone(c.index);
    } else if (was === undefined || was.id !== c.id) {
      this.#gone(c.index);
      this.#known.set(c.index, { id: c.id, row });
      this.#listeners.add.tell(c.id, row, undefined);
    } else {
      const before = was.row;
      was.row = row;
      this.#listeners.change.tell(c.id, row, before);
    }
  }

  /** cleared tells the listeners that no entity is here any more. */
  cleared(): void {
    for (const index of [...(this.#known?.keys() ?? [])]) this.#gone(index);
  }

  #gone(index: number): void {
    const was = this.#known!.get(index);
    if (was === undefined) return;
    this.#known!.delete(index);
    this.#listeners.remove.tell(was.id, was.row, undefined);
  }

  get #place(): number {
    return this.#source.replica.tableOf(this.name);
  }

  #entity(id: number): Entity | undefined {
    const entity = this.#source.replica.entity(this.#place, indexOf(id));
    return entity?.generation === generationOf(id) ? entity : undefined;
  }

  #rowAt(place: number, index: number): R | undefined {
    return this.#source.replica.row<R>(place, index);
  }
}

/** TableSource is where the rows of tables come from. */
export interface TableSource {
  readonly replica: Replica;
  readonly player: number;
  report(error: unknown): void;
}

/** Tables are those of a session, by their names. They outlive its replicas. */
export class Tables {
  readonly #all = new Map<string, EntityTable<object>>();
  readonly #source: TableSource;

  constructor(source: TableSource) {
    this.#source = source;
  }

  /** table returns the table of a name; one that the server does not have stays empty. */
  table(name: string): EntityTable<object> {
    let t = this.#all.get(name);
    if (t === undefined) this.#all.set(name, (t = new EntityTable(name, this.#source)));
    return t;
  }

  /** applied tells the listeners what a datagram has done. */
  applied(a: Applied): void {
    if (a.newEpoch) this.cleared();
    if (a.ignored) return;
    const { tables } = this.#source.replica.schema;
    for (const c of a.changes) this.#all.get(tables[c.table]!.name)?.changed(c);
  }

  /** cleared tells the listeners that every row is gone. */
  cleared(): void {
    for (const t of this.#all.values()) t.cleared();
  }
}
