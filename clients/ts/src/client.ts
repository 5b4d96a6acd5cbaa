import type { StatusListener } from "./config.js";
import { failure, type JoinError } from "./errors.js";
import type { EventName, GameTypes, MessageName, RequestName, SingletonName, TableName } from "./game.js";
import type { Impairment } from "./impair.js";
import type { Unsubscribe } from "./listeners.js";
import { MaxChat } from "./limits.js";
import { say, Scope, type Chat, type Diverged } from "./messages.js";
import { cleanText } from "./plain.js";
import type { View } from "./screen.js";
import type { FieldMispredictions } from "./predict.js";
import type { Session } from "./session.js";
import type { Stats } from "./stats.js";
import type { EntityTable } from "./tables.js";
import type { TransportName } from "./transport.js";

/** Timeline is where a client stands in time, in ticks. Whole ticks are their ends. */
export interface Timeline {
  /** The tick that what the player asks for now is for. */
  acting: number;
  /** The moment at which own rows are drawn. It goes evenly, 5 % faster or slower than the server at most, but when it was wrong by more than 10 ticks. */
  drawn: number;
  /** Where the server is by now, as far as is known. */
  server: number;
  /** How many ticks go by in a period: 1, less in slow motion, 0 while the room is frozen. */
  rate: number;
}

/** Client is one player in a game. It outlives its connections, and ends with close, or when done comes. */
export class Client<T extends GameTypes> {
  /** Comes with why the client has ended: undefined when it was closed, else a JoinError. */
  readonly done: Promise<JoinError | undefined>;

  readonly #session: Session;

  /** It is made by join. */
  constructor(session: Session) {
    this.#session = session;
    this.done = session.done;
  }

  /** The player's number in the room. It stays when the session goes on over another connection; joining anew gives another one. */
  get player(): number {
    return this.#session.player;
  }

  /** The name of the room, or the code of a private one: what others join it by. */
  get room(): string {
    return this.#session.link.welcome.roomName;
  }

  /** By which another page can go on with the session, while the server holds it; empty when it holds nobody. Keep it as you would a password. */
  get token(): Uint8Array {
    return this.#session.token.slice();
  }

  /** Whether join went on with the session of the configuration's resume. */
  get resumed(): boolean {
    return this.#session.resumed;
  }

  /** The newest tick received. */
  get tick(): number {
    return this.#session.link.tick;
  }

  /** Milliseconds from a tick to the next. */
  get period(): number {
    return this.#session.link.welcome.tickPeriodNanoseconds / 1e6;
  }

  /** What the connection runs over, now or at last. */
  get transport(): TransportName {
    return this.#session.link.transport;
  }

  /** Whether the client is in the game now, as far as it knows: false while it reconnects, and after its end. */
  get connected(): boolean {
    return this.#session.joined;
  }

  /** Why the client has ended; undefined while it lives, and when it was closed. */
  get error(): JoinError | undefined {
    const { error } = this.#session;
    return error?.code === "closed" ? undefined : error;
  }

  /**
   * send sets what the player asks for from the next tick on, until the next send. It throws a RangeError that names the field
   * whose value is out of its range; then the former input stays. Once the client has ended it throws why.
   */
  send(input: T["input"]): void {
    this.#session.send(input);
  }

  /** table is a table as the server last told it. The same object comes back each time. */
  table<N extends TableName<T>>(name: N): EntityTable<T["tables"][N]> {
    return this.#session.tables.table(name) as EntityTable<object> as EntityTable<T["tables"][N]>;
  }

  /** singleton is the one row of a table; undefined until it has come. */
  singleton<N extends SingletonName<T>>(name: N): Readonly<T["tables"][N]> | undefined {
    for (const [, row] of this.table(name).all()) return row;
    return undefined;
  }

  /**
   * draw calls f with what the player should see at this moment: call it for each frame. Others are shown as they were a moment ago,
   * smoothly, and own rows as they are predicted for this moment, with corrections eased. The view is good until f returns.
   */
  draw(f: (view: View<T>) => void): void {
    f(this.#session.frame() as View<T>);
  }

  /** Whether own rows are predicted: true when join was given a step. It may be switched while the game runs. */
  get predicting(): boolean {
    return this.#session.predictor.on;
  }

  set predicting(on: boolean) {
    this.#session.predictor.on = on;
  }

  /** Whether draw shows others as they were a moment ago, smoothly; else as they came last. It may be switched while the game runs. */
  get interpolating(): boolean {
    return this.#session.screen.interpolating;
  }

  set interpolating(on: boolean) {
    this.#session.screen.interpolating = on;
  }

  /** In which fields of own rows the server had something else than was predicted, by table and field. */
  mispredictions(): FieldMispredictions[] {
    return this.#session.predictor.mispredictions();
  }

  /** on calls a listener for each event of a name, once, with the tick at which it happened. */
  on<N extends EventName<T>>(name: N, listener: (tick: number, event: Readonly<T["events"][N]>) => void): Unsubscribe {
    return this.#session.inbox.onEvent(name, listener as (tick: number, event: object) => void);
  }

  /** onMessage calls a listener for each message of a name, with the tick at which the game sent it. The first listener gets those from before, too. */
  onMessage<N extends MessageName<T>>(name: N, listener: (message: Readonly<T["messages"][N]>, tick: number) => void): Unsubscribe {
    return this.#session.inbox.onMessage(name, listener as (message: object, tick: number) => void);
  }

  /** onChat calls a listener for each line of chat: plain text of other players, not to be trusted. The first listener gets those from before, too. */
  onChat(listener: (line: Chat) => void): Unsubscribe {
    return this.#session.inbox.onChat(listener);
  }

  /** onStatus calls a listener when the client finds or loses the server, or ends. */
  onStatus(listener: StatusListener): Unsubscribe {
    return this.#session.status.add(listener);
  }

  /**
   * say says something to everybody in the room: 1 to 256 bytes, or it throws. What may not be in a text is left out, as cleanText does.
   * It throws a JoinError, "unreachable", while the client is not connected, and when too much waits to be sent: the line is not said then.
   */
  say(text: string): void {
    this.#line(Scope.room, 0, text);
  }

  /** sayTeam says something to the player's own team. */
  sayTeam(text: string): void {
    this.#line(Scope.team, 0, text);
  }

  /** whisper says something to one player. */
  whisper(player: number, text: string): void {
    this.#line(Scope.player, player, text);
  }

  /**
   * ask asks the game something and waits for the answer. It rejects with a JoinError: "denied" with the game's reason when it
   * refuses. When the connection is lost first and the session goes on over another one it is asked again, and the game acts once.
   * When the session does not go on, nobody knows whether the game has acted: the error is why the connection was lost. Requests that are
   * asked while the client is not connected wait, too, 64 in all: one more is rejected as "unreachable", and the game not asked.
   */
  ask<N extends RequestName<T>>(name: N, ask: T["requests"][N][0]): Promise<Readonly<T["requests"][N][1]>> {
    return this.#session.request(name, ask) as Promise<Readonly<T["requests"][N][1]>>;
  }

  /** impair makes the network bad inside of the SDK, at once and both ways; what is not told stays. */
  impair(to: Partial<Impairment>): void {
    this.#session.impairer.set(to);
  }

  /** The client's figures. */
  stats(): Stats {
    const session = this.#session;
    const { link } = session;
    return {
      ...session.tally.with(link), transport: link.transport, tick: link.tick, lead: link.timing.lead, margin: link.timing.margin,
      roundTrip: link.roundTrip.roundTrip, loss: link.loss.loss, dropped: session.inbox.dropped, diverged: session.checks.diverged,
      delay: session.screen.delay * this.period, dry: session.screen.dry,
      predicted: session.predictor.compared, mispredicted: session.predictor.wrong, resumes: session.resumes, rejoins: session.rejoins, replica: session.replica.counters,
    };
  }

  /** The rows that were not as the server's, as far as it has named them. */
  divergences(): readonly Diverged[] {
    return [...this.#session.wrong];
  }

  /** Where the client stands in time now. */
  timeline(): Timeline {
    const { timing, roundTrip } = this.#session.link;
    const now = this.#session.settings.env.now();
    const drawn = timing.clock.predicted(now);
    const server = timing.clock.tick + (timing.clock.rate * roundTrip.roundTrip) / 2 / this.period;
    return { acting: timing.acting(now), drawn, server, rate: timing.clock.rate };
  }

  /** close leaves the game. It may be called more than once. */
  close(): Promise<void> {
    this.#session.end(failure("closed"));
    return Promise.resolve();
  }

  #line(scope: number, player: number, text: string): void {
    const { error, link } = this.#session;
    const why = error ?? link.jammed;
    if (why !== undefined) throw why;
    link.write(say.encode({ scope, player, text: cleanText(text, 4 * MaxChat) }));
  }
}
