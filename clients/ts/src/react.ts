/**
 * Hooks for React 18 and later. They re-render a component when what it shows has changed, and at most once per frame. What moves all
 * the time is better drawn than rendered: see Client.draw.
 *
 * @packageDocumentation
 */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type DependencyList } from "react";
import type { Client } from "./client.js";
import type { JoinConfig, Status } from "./config.js";
import type { Game, GameTypes, SingletonName, TableName } from "./game.js";
import { join } from "./join.js";
import type { EntityTable } from "./tables.js";

/** Connection is how far a join is: see useConnection. */
export interface Connection<T extends GameTypes> {
  /** "joining" until the player is in or the join has failed; then as the client says. */
  status: "joining" | Status;
  /** Undefined while joining, and when the join has failed. */
  client: Client<T> | undefined;
  /** Why the connection is lost, or the join has failed; undefined otherwise. Its message says what to do. */
  error: Error | undefined;
}

/** Entities are the rows of a table that are here, with their ids. */
export type Entities<R> = readonly (readonly [id: number, row: Readonly<R>])[];

/**
 * useConnection joins a game when the component comes, and leaves it when the component goes. It leaves and joins again when one of
 * the values of again differs from the time before; another configuration alone changes nothing.
 */
export function useConnection<T extends GameTypes>(game: Game<T>, config: JoinConfig<T> = {}, again: DependencyList = []): Connection<T> {
  const [connection, setConnection] = useState<Connection<T>>({ status: "joining", client: undefined, error: undefined });
  useEffect(() => {
    let client: Client<T> | undefined;
    let left = false;
    const tell = (status: Connection<T>["status"], error?: Error) => {
      if (!left) setConnection({ status, client, error });
    };
    const onStatus: NonNullable<JoinConfig<T>["onStatus"]> = (status, why) => {
      config.onStatus?.(status, why);
      if (client !== undefined) tell(status, why);
    };
    const joined = (c: Client<T>) => {
      client = c;
      if (left) void c.close();
      else tell(c.connected ? "joined" : "away");
    };
    tell("joining");
    join(game, { ...config, onStatus }).then(joined, (error: Error) => tell("ended", error));
    return () => {
      left = true;
      void client?.close();
    };
  }, [game, ...again]);
  return connection;
}

/**
 * useEntities is the rows of a table, or what select makes of them: then a component renders again only when that differs, an array
 * when one of its elements does. Rows are as the server last told them. Without a client there are none.
 */
export function useEntities<T extends GameTypes, N extends TableName<T>>(client: Client<T> | undefined, table: N): Entities<T["tables"][N]>;
export function useEntities<T extends GameTypes, N extends TableName<T>, S>(
  client: Client<T> | undefined, table: N, select: (entities: Entities<T["tables"][N]>) => S,
): S;
export function useEntities<T extends GameTypes, N extends TableName<T>>(
  client: Client<T> | undefined, table: N, select: (entities: Entities<T["tables"][N]>) => unknown = itself,
): unknown {
  return useSelected(client === undefined ? nothing : Store.of(client.table(table)).all, select);
}

/** useOwned is useEntities for the player's own rows. */
export function useOwned<T extends GameTypes, N extends TableName<T>>(client: Client<T> | undefined, table: N): Entities<T["tables"][N]>;
export function useOwned<T extends GameTypes, N extends TableName<T>, S>(
  client: Client<T> | undefined, table: N, select: (entities: Entities<T["tables"][N]>) => S,
): S;
export function useOwned<T extends GameTypes, N extends TableName<T>>(
  client: Client<T> | undefined, table: N, select: (entities: Entities<T["tables"][N]>) => unknown = itself,
): unknown {
  return useSelected(client === undefined ? nothing : Store.of(client.table(table)).owned, select);
}

/** useSingleton is the one row of a table; undefined until it has come. */
export function useSingleton<T extends GameTypes, N extends SingletonName<T>>(client: Client<T> | undefined, table: N): Readonly<T["tables"][N]> | undefined {
  return useEntities(client, table, firstRow);
}

function itself<V>(v: V): V {
  return v;
}

function firstRow<R>(entities: Entities<R>): Readonly<R> | undefined {
  return entities[0]?.[1];
}

/** Source is something that changes, and says so. */
interface Source<V> {
  subscribe(listener: () => void): () => void;
  get(): V;
}

const none: Entities<never> = [];
const nothing: Source<Entities<never>> = { subscribe: () => () => {}, get: () => none };

/** useSelected is what select makes of a source; what is the same as before is the same object. */
function useSelected<V, S>(source: Source<V>, select: (value: V) => S): S {
  const shown = useRef<{ selected: S } | undefined>(undefined);
  const get = useMemo(() => {
    let last: { value: V; selected: S } | undefined;
    return () => {
      const value = source.get();
      if (last?.value === value) return last.selected;
      const selected = select(value);
      last = { value, selected: shown.current !== undefined && same(shown.current.selected, selected) ? shown.current.selected : selected };
      return last.selected;
    };
  }, [source, select]);
  const selected = useSyncExternalStore(source.subscribe, get, get);
  useEffect(() => {
    shown.current = { selected };
  }, [selected]);
  return selected;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
  return Object.is(a, b);
}

/** Store tells of a table's changes once per frame, to however many components. */
class Store<R extends object> {
  static readonly #stores = new WeakMap<object, Store<object>>();

  readonly all: Source<Entities<R>>;
  readonly owned: Source<Entities<R>>;

  readonly #table: EntityTable<R>;
  readonly #listeners = new Set<() => void>();
  readonly #lists: List<R>[];
  #stop: (() => void)[] = [];
  #waiting = false;

  /** The store of a table. */
  static of<R extends object>(table: EntityTable<R>): Store<R> {
    let store = Store.#stores.get(table);
    if (store === undefined) Store.#stores.set(table, (store = new Store<object>(table as unknown as EntityTable<object>)));
    return store as unknown as Store<R>;
  }

  private constructor(table: EntityTable<R>) {
    this.#table = table;
    const all = new List(() => table.all());
    const owned = new List(() => table.owned());
    this.#lists = [all, owned];
    this.all = { subscribe: this.#subscribe, get: () => all.value };
    this.owned = { subscribe: this.#subscribe, get: () => owned.value };
  }

  readonly #subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) {
      for (const list of this.#lists) list.read(); // of what happened while nobody listened
      this.#stop = (["add", "change", "remove"] as const).map((event) => this.#table.on(event, this.#changed));
    }
    const once = () => listener();
    this.#listeners.add(once);
    return () => {
      this.#listeners.delete(once);
      if (this.#listeners.size === 0) for (const stop of this.#stop.splice(0)) stop();
    };
  };

  readonly #changed = (): void => {
    if (this.#waiting) return;
    this.#waiting = true;
    nextFrame(() => {
      this.#waiting = false;
      for (const list of this.#lists) list.read();
      for (const listener of [...this.#listeners]) listener();
    });
  };
}

/** List is the rows of a table as an array, which is another one only when they are others. */
class List<R> {
  readonly #rows: () => Iterable<[id: number, row: Readonly<R>]>;
  #last: Entities<R> | undefined;

  constructor(rows: () => Iterable<[id: number, row: Readonly<R>]>) {
    this.#rows = rows;
  }

  get value(): Entities<R> {
    return this.#last ?? this.read();
  }

  read(): Entities<R> {
    const former = new Map((this.#last ?? []).map((pair) => [pair[0], pair]));
    const now = Array.from(this.#rows(), (pair) => {
      const was = former.get(pair[0]);
      return was?.[1] === pair[1] ? was : pair;
    });
    if (this.#last === undefined || !same(this.#last, now)) this.#last = now;
    return this.#last;
  }
}

function nextFrame(f: () => void): void {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(f);
  else setTimeout(f, 16);
}
