import { readRow, RowBuffer, writeRow } from "./columns.js";
import { helloOf, tokenOf, type JoinConfig, type Settings, settingsOf, type StatusListener } from "./config.js";
import { Cursor } from "./cursor.js";
import { Doors } from "./doors.js";
import { unless, within } from "./environment.js";
import { asFailure, failure, JoinError } from "./errors.js";
import type { Game, GameTypes } from "./game.js";
import { Impairer } from "./impair.js";
import { Inbox } from "./inbox.js";
import { Link, type LinkOwner } from "./link.js";
import { Listeners } from "./listeners.js";
import { answer, chat, checks, CloseCode, diverged, Kind, message, welcome, type Checks, type Diverged, type Hello, type Welcome } from "./messages.js";
import { Predictor } from "./predict.js";
import { RejectError } from "./reject.js";
import { Replica, type Applied } from "./replica.js";
import { Requests } from "./requests.js";
import { keepPlaying } from "./resume.js";
import { checkRow } from "./rowcheck.js";
import { parseSchema, type Schema } from "./schema.js";
import { Screen, type View } from "./screen.js";
import type { AskedInput } from "./sent.js";
import { Tally } from "./stats.js";
import { Tables, type TableSource } from "./tables.js";
import { Writer } from "./writer.js";

/** divergedKept is how many divergences a session remembers. */
const divergedKept = 16;

/** Session is one player in a game. It outlives its connections. */
export class Session implements LinkOwner, TableSource {
  readonly settings: Settings;
  readonly game: Game<GameTypes>;
  readonly doors: Doors;
  readonly impairer: Impairer;
  readonly requests = new Requests();
  readonly tables = new Tables(this);
  readonly inbox: Inbox;
  readonly status: Listeners<Parameters<StatusListener>>;
  readonly tally = new Tally();
  /** Comes with why the session has ended; undefined when it was closed. */
  readonly done: Promise<JoinError | undefined>;
  /** The connection now, or the latest; and whether it is in the game as far as is known. */
  link!: Link;
  joined = false;
  replica!: Replica;
  predictor!: Predictor;
  screen!: Screen;
  asked: AskedInput | undefined;
  /** By which another connection goes on with the session; empty when none can. */
  token = new Uint8Array(0) as Uint8Array;
  resumed = false;
  resumes = 0;
  rejoins = 0;
  checks: Checks = { rows: 0, pages: 0, skipped: 0, diverged: 0 };
  readonly wrong: Diverged[] = [];
  /** Why it has ended; undefined while it lives. */
  error: JoinError | undefined;

  readonly #ending = new AbortController();
  #schema: Schema | undefined; // the server's
  #finish!: (why: JoinError | undefined) => void;
  #code = ""; // of the private room that the session has made

  constructor(game: Game<GameTypes>, config: JoinConfig) {
    const s = settingsOf(config);
    this.settings = s;
    this.game = game;
    this.impairer = new Impairer(s.env, s.impairSeed);
    this.impairer.set(s.impair);
    this.doors = new Doors(s.env, { url: s.url, game: game.name, transports: s.transports, pins: s.pins });
    this.inbox = new Inbox(s.env.report);
    this.status = new Listeners(s.env.report);
    this.status.add(s.onStatus);
    this.done = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Comes when the session ends. */
  get live(): AbortSignal {
    return this.#ending.signal;
  }

  get player(): number {
    return this.link.welcome.player;
  }

  /** open joins. It rejects with a JoinError. */
  async open(): Promise<void> {
    const { settings: s } = this;
    const timed = within(s.env, s.timeout);
    try {
      this.link = await this.#firstLink(timed.signal);
    } finally {
      timed.end();
    }
    this.goes(true);
    keepPlaying(this).catch((e: unknown) => this.end(asFailure(e)));
  }

  /** firstLink goes on with a former page's session, or joins. */
  async #firstLink(signal: AbortSignal): Promise<Link> {
    const { settings: s } = this;
    if (s.resume.length > 0) {
      const link = await this.connect(signal);
      try {
        const h = { ...this.hello(), resume: s.resume };
        this.#begin(link, await this.greet(link, h, signal));
        this.resumed = true;
        return link;
      } catch (e) {
        link.end(asFailure(e), CloseCode.abandoned);
        if (!(e instanceof JoinError) || e.code !== "expired" || s.onlyResume) throw e;
      }
    }
    return this.joinAnew(signal);
  }

  /** connect opens a connection, within so many milliseconds. */
  async connect(signal: AbortSignal, ms = this.settings.timeout): Promise<Link> {
    const link = new Link(this.settings.env, this);
    await link.connect(this.doors, this.impairer, ms, signal);
    return link;
  }

  /** joinAnew makes a connection and joins on it, with rows of its own. */
  async joinAnew(signal: AbortSignal): Promise<Link> {
    const token = await this.#token(signal); // before a connection waits for its hello
    const link = await this.connect(signal);
    try {
      this.#begin(link, await this.greet(link, { ...this.hello(), token }, signal));
    } catch (e) {
      link.end(asFailure(e), CloseCode.normal);
      throw e;
    }
    return link;
  }

  /** token is what the next join tells of who this is. It rejects with a JoinError. */
  async #token(signal: AbortSignal): Promise<Uint8Array> {
    const { token, fetchToken } = this.settings;
    if (fetchToken === undefined) return token;
    try {
      return tokenOf(await unless(Promise.resolve(fetchToken(signal)), signal, () => failure("unreachable", "the token to join with did not come in time")));
    } catch (e) {
      if (e instanceof JoinError) throw e;
      throw failure("refused", `no token to join with: ${e instanceof Error ? e.message : String(e)}`, e);
    }
  }

  /** hello asks for what the configuration says; for the private room that the session has made, once it has. */
  hello(): Hello {
    const h = helloOf(this.settings, this.game.name, this.#schema?.hash ?? this.game.hash);
    return this.#code === "" ? h : { ...h, room: this.#code, join: 3 };
  }

  /** greet says hello and reads the welcome. It rejects with a JoinError. */
  async greet(link: Link, h: Hello, signal: AbortSignal): Promise<Welcome> {
    const bytes = await link.greet(h, signal);
    try {
      return welcome.parse(bytes);
    } catch (e) {
      const wrong = e instanceof RejectError && e.reject === "wrong_version";
      throw failure(wrong ? "version" : "protocol", (e as Error).message, e);
    }
  }

  /** begin plays on a connection with rows of its own. */
  #begin(link: Link, w: Welcome): void {
    const schema = this.#schemaOf(w);
    if (this.link !== undefined) this.tables.cleared();
    this.inbox.forget();
    this.#schema = schema;
    this.replica = new Replica(schema, w);
    this.#showing(w);
    if (this.settings.join === 2) this.#code = w.roomName;
    this.link = link;
    this.#keep(w);
    link.play(w, this.replica);
  }

  /** showing begins to predict and to interpolate, as it was switched before. */
  #showing(w: Welcome): void {
    const { shown, interpolate } = this.settings;
    const { predictor, screen } = this;
    this.predictor = new Predictor(this.replica, { ...w, ...shown });
    this.predictor.on = predictor?.on ?? true;
    this.screen = new Screen(this.replica, { ...w, ...shown });
    this.screen.interpolating = screen?.interpolating ?? interpolate;
    if (this.asked !== undefined) this.predictor.ask(this.asked.row);
  }

  /** goOn plays on a connection with the rows of the one before, which it ends, and asks again what has no answer yet. */
  goOn(link: Link, w: Welcome): void {
    const former = this.link;
    const same = w.session.every((v, i) => v === former.welcome.session[i]);
    if (!same || w.schemaHash !== this.#schema!.hash) throw failure("protocol", "the server has resumed another session");
    former.end(failure("replaced", "the session goes on over another connection"));
    this.tally.add(former);
    this.replica.resume(w.tick, w.nextSequence);
    this.predictor.reset();
    this.link = link;
    this.resumes++;
    this.#keep(w);
    for (const again of this.requests.again()) link.write(again);
    link.play(w, this.replica, former.timing.clock);
    this.goes(true);
  }

  /** rejoined takes note that the player is in the game as somebody else. */
  rejoined(former: Link): void {
    this.tally.add(former);
    this.rejoins++;
    this.checks = { rows: 0, pages: 0, skipped: 0, diverged: 0 };
    this.goes(true);
  }

  #schemaOf(w: Welcome): Schema {
    try {
      if (w.schema.length === 0) {
        const known = [this.#schema, this.game.schema].find((s) => s?.hash === w.schemaHash);
        if (known === undefined) throw new Error("the server sent no schema, and names one that this client does not have");
        return known;
      }
      const schema = parseSchema(w.schema);
      this.game.check(schema);
      return schema;
    } catch (e) {
      throw failure("version", (e as Error).message, e);
    }
  }

  #keep(w: Welcome): void {
    this.token = w.resume.token;
    this.requests.asked = Math.max(this.requests.asked, w.resume.lastRequest);
    if (this.token.length > 0) this.#guarded(() => this.settings.onToken(this.token));
  }

  /** triesAgain tells whether what was refused may be asked for otherwise: the private room has ended, another one can be made. */
  triesAgain(error: JoinError): boolean {
    if (this.#code === "" || error.code !== "refused") return false;
    this.#code = "";
    return true;
  }

  /** goes notes whether the server can be reached. */
  goes(joined: boolean): void {
    if (this.joined === joined || this.error !== undefined) return;
    this.joined = joined;
    this.status.tell(joined ? "joined" : "away", undefined);
  }

  /** lost takes note that the rows are gone, and that nothing will come of what was asked. */
  lost(error: JoinError): void {
    this.goes(false);
    this.requests.fail(error);
  }

  /** end ends the session for a reason; the first one counts. */
  end(error: JoinError): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.joined = false;
    this.#ending.abort();
    this.link?.end(error);
    this.requests.fail(error);
    const why = error.code === "closed" ? undefined : error;
    this.#finish(why);
    this.status.tell("ended", why);
  }

  /** send sets what the player asks for. It throws a RangeError that names the field, and why the session has ended. */
  send(row: object): void {
    if (this.error !== undefined) throw this.error;
    const { input } = this.#schema!;
    checkRow(input, row);
    const w = new Writer(64);
    const scratch = new RowBuffer();
    writeRow(w, input, row, scratch);
    const data = w.finish();
    this.asked = { data, row: readRow(new Cursor(), input, data, scratch) };
    this.predictor.ask(this.asked.row);
    this.screen.acted();
  }

  /** request asks the game something and waits for the answer. */
  async request(name: string, ask: object): Promise<object> {
    if (this.error !== undefined) throw this.error;
    const kind = this.#schema!.requests.findIndex((r) => r.ask.name === name);
    if (kind < 0) throw failure("version", `the server's ${this.game.name} has no request ${name}`);
    const tables = this.#schema!.requests[kind]!;
    checkRow(tables.ask, ask);
    const w = new Writer(64);
    writeRow(w, tables.ask, ask, new RowBuffer());
    if (this.link.error === undefined && this.link.jammed !== undefined) throw this.link.jammed;
    const { message: bytes, answered } = this.requests.open(kind, w.finish(), tables.answer);
    this.link.write(bytes); // when the connection has ended it is asked again over the next, or failed
    return answered;
  }

  /** frame is what is to be seen now. */
  frame(): View<GameTypes> {
    const { link } = this;
    const now = this.settings.env.now();
    const { clock } = link.timing;
    const view = this.screen.draw(this.predictor.draw(clock.predicted(now), link.timing.acting(now), now), clock.played(now));
    this.#fire(link, now);
    return view;
  }

  /** fire fires the events whose moment is shown by now. */
  #fire(link: Link, now: number): void {
    this.screen.advance(link.timing.clock.played(now));
    this.inbox.due((tick) => this.screen.shows(tick));
  }

  // What a link tells.

  seen(): number {
    return this.screen.seen();
  }

  stamped(from: number, to: number, input: AskedInput): void {
    for (let tick = from; tick <= to; tick++) this.predictor.input(tick, input.row);
  }

  applied(link: Link, a: Applied, now: number): void {
    this.screen.applied(a, link.timing.clock.played(now));
    this.predictor.applied(a, link.timing.acting(now), now);
    this.tables.applied(a);
    for (const e of a.events) {
      const table = this.#schema!.events[e.kind]!;
      if (table.x < 0) this.inbox.event(table.name, e.tick, e.row);
      else this.inbox.shown(table.name, e.tick, e.row);
    }
    this.#fire(link, now);
  }

  message(kind: number, bytes: Uint8Array): void {
    switch (kind) {
      case Kind.answer:
        return this.requests.answered(answer.parse(bytes));
      case Kind.message: {
        const m = message.parse(bytes);
        const table = this.#schema!.messages[m.message];
        if (table !== undefined) this.inbox.message(table.name, readRow(new Cursor(), table, m.data, new RowBuffer()), m.tick);
        return;
      }
      case Kind.chat:
        return this.inbox.chat(chat.parse(bytes));
      case Kind.checks:
        this.checks = checks.parse(bytes);
        return;
      case Kind.diverged: {
        const d = diverged.parse(bytes);
        if (this.wrong.length < divergedKept) this.wrong.push(d);
        this.#guarded(() => this.settings.onDiverged(d));
      }
    }
  }

  report(error: unknown): void {
    this.settings.env.report(error);
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (e) {
      this.report(e);
    }
  }
}
