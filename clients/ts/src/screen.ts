import { indexOf } from "./registers.js";
import type { OwnRows } from "./own.js";
import type { Applied, Replica } from "./replica.js";
import { MomentsPerTick, TableShow, type Mode } from "./shown.js";
import type { StepTypes } from "./step.js";
import { Tracks, type Shown } from "./tracks.js";
import { ViewTime } from "./viewtime.js";

/** ScreenConfig is how a game is shown. */
export interface ScreenConfig {
  tickPeriodNanoseconds: number;
  /**
   * How tables are shown to those who don't own their rows, by the tables' names. It must be what the game says by world.ShownAs in
   * Go, which does not travel: the server judges what a player saw by it.
   */
  shownAs?: Readonly<Record<string, Mode | undefined>> | undefined;
}

/** View is what is to be seen at a moment. It is good until the next frame: rows are written to again, so copy what is to be kept. */
export interface View<T extends StepTypes> {
  /** The last whole tick that is not after the moment as of which others are shown. */
  readonly tick: number;
  /** Throws an Error for a table that the game does not have. */
  table<K extends keyof T["tables"] & string>(name: K): TableView<T["tables"][K]>;
  /** The only row of a table; undefined while there is none. */
  singleton<K extends T["singletons"] & keyof T["tables"] & string>(name: K): Readonly<T["tables"][K]> | undefined;
}

/** TableView is what is to be seen of a table. */
export interface TableView<R> {
  /** How many rows there are. */
  readonly size: number;
  /** In the order of their indexes; rows that are predicted and not confirmed come last, and have negative ids. */
  all(): Iterable<readonly [id: number, row: Readonly<R>]>;
  /** The player's own. */
  owned(): Iterable<readonly [id: number, row: Readonly<R>]>;
  /** Undefined when it is not there. */
  get(id: number): Readonly<R> | undefined;
}

type Pair = readonly [id: number, row: object];

/** What is to be seen of one table. */
class TableScene implements TableView<object> {
  readonly tracks: Tracks;
  readonly #table: number;
  readonly #others: Shown[] = [];
  #mine: Pair[] = [];
  #ids: number[] = []; // of mine
  #list: Pair[] = [];

  constructor(table: number, tracks: Tracks) {
    this.#table = table;
    this.tracks = tracks;
  }

  get size(): number {
    return this.#list.length;
  }

  all(): readonly Pair[] {
    return this.#list;
  }

  owned(): readonly Pair[] {
    return this.#mine;
  }

  get(id: number): object | undefined {
    for (const pair of this.#mine) if (pair[0] === id) return pair[1];
    const pair = id < 0 ? undefined : this.tracks.get(indexOf(id))?.pair;
    return pair?.[0] === id ? pair[1] : undefined;
  }

  /** own takes the player's own rows, which the tracks do not show. */
  own(rows: OwnRows): void {
    let n = 0;
    let same = !this.tracks.changed;
    for (let i = 0; i < rows.count; i++) {
      const r = rows.list[i]!;
      if (r.table !== this.#table) continue;
      if (this.#mine[n] !== r.pair || this.#ids[n] !== r.pair[0]) same = false;
      this.#mine[n] = r.pair;
      this.#ids[n++] = r.pair[0];
    }
    if (same && n === this.#mine.length) return;
    this.#mine.length = this.#ids.length = n;
    this.#arrange();
  }

  #arrange(): void {
    this.tracks.changed = false;
    this.#others.length = 0;
    this.tracks.list(this.#others);
    this.#list.length = 0;
    for (const s of this.#others) this.#list.push(s.pair);
    this.#list.push(...this.#mine);
    this.#list.sort((a, b) => place(a[0]) - place(b[0]));
  }
}

/** place is where an id stands in its table: provisional ones behind all others. */
function place(id: number): number {
  return id < 0 ? 2 ** 32 - id : indexOf(id);
}

/**
 * Screen is what a player is to see: others as they were a moment ago, so that there are records before and after it to go between,
 * its own rows as they are predicted (docs/protocol.md §7). It has no clock and no transport; times are arguments, in milliseconds
 * of a clock that stands while the room does.
 */
export class Screen<T extends StepTypes = StepTypes> {
  readonly #replica: Replica;
  readonly #time: ViewTime;
  readonly #scenes: readonly TableScene[];
  readonly #names = new Map<string, TableScene>();
  readonly #view: View<T>;
  readonly #least: number;
  #smooth = true;
  #moment = 0; // the view time in 128ths
  #drawn = 0; // as of which the latest frame was
  #answered = 0; // that which was on the screen when the latest input was set; 0 once it has left

  /** The replica may have rows already. */
  constructor(replica: Replica, config: ScreenConfig) {
    const { schema } = replica;
    this.#replica = replica;
    this.#time = new ViewTime(config.tickPeriodNanoseconds / 1e6);
    this.#scenes = schema.tables.map((t, i) => {
      const mode = config.shownAs?.[t.name] ?? (t.x >= 0 ? "interpolate" : "latest");
      const scene = new TableScene(i, new Tracks(i, t, new TableShow(t, mode, config.tickPeriodNanoseconds)));
      scene.tracks.begin(replica);
      this.#names.set(t.name, scene);
      return scene;
    });
    this.#least = Math.max(0, ...this.#scenes.map((s) => s.tracks.least));
    const screen = this;
    this.#view = {
      get tick() {
        return Math.floor(screen.shown / MomentsPerTick);
      },
      table: (name) => this.#scene(name) as TableView<object> as never,
      singleton: (name) => this.#scene(name).all()[0]?.[1] as never,
    };
  }

  /** Whether others are shown as they were a moment ago; else as in the newest tick. It may be switched while the game runs. */
  get interpolating(): boolean {
    return this.#smooth;
  }

  set interpolating(on: boolean) {
    if (on === this.#smooth) return;
    this.#smooth = on;
    for (const s of this.#scenes) s.tracks.again();
  }

  /** The view time, in ticks. */
  get at(): number {
    return this.#moment / MomentsPerTick;
  }

  /** By how many ticks it is behind the tick that would have come the quickest way. */
  get delay(): number {
    return this.#time.behind;
  }

  /** How often it has run ahead of what came. */
  get dry(): number {
    return this.#time.dries;
  }

  /** The moment as of which the latest frame showed others, in 128ths of a tick; that of the newest tick before the first frame. */
  get shown(): number {
    return this.#smooth && this.#drawn !== 0 ? this.#drawn : this.#replica.tick * MomentsPerTick;
  }

  /** applied takes what a datagram has changed in the replica. */
  applied(a: Applied, now: number): void {
    if (a.newEpoch) for (const s of this.#scenes) s.tracks.clear();
    if (a.ignored) return;
    let wait = this.#least;
    for (const c of a.changes) wait = Math.max(wait, this.#scenes[c.table]!.tracks.told(this.#replica, c));
    this.#time.heard(a.header.tick, wait, now);
  }

  /** advance moves the view time on to now. It never goes back. */
  advance(now: number): void {
    this.#moment = Math.max(this.#moment, Math.floor(Math.max(this.#time.advance(now), 0) * MomentsPerTick));
  }

  /** draw returns what is to be seen now, with own rows as a Predictor draws them. The view is the same object each time. */
  draw(own: OwnRows, now: number): View<T> {
    this.advance(now);
    for (const s of this.#scenes) {
      s.tracks.show(this.#moment, this.#replica.tick, this.#smooth);
      s.own(own);
    }
    this.#drawn = this.#moment;
    return this.#view;
  }

  /**
   * shows tells whether what happened at a tick is to be fired: where others are shown as they were a moment ago, so is what happens
   * among them, which is each event that has a position.
   */
  shows(tick: number): boolean {
    return !this.#smooth || tick * MomentsPerTick <= this.#moment;
  }

  /** acted takes note that the player asks for something, as an answer to what is on the screen now. */
  acted(): void {
    this.#answered = this.#smooth ? this.#drawn : 0;
  }

  /** seen is the moment as of which the player was shown the others when it asked for what is about to leave: see lagOf. */
  seen(): number {
    const moment = this.#answered !== 0 && this.#smooth ? this.#answered : this.shown;
    this.#answered = 0;
    return moment;
  }

  #scene(name: string): TableScene {
    const s = this.#names.get(name);
    if (s === undefined) throw new Error(`the game has no table ${name}`);
    return s;
  }
}
