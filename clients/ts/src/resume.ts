import { pause, within } from "./environment.js";
import { asFailure, failure, worthATry, type JoinError } from "./errors.js";
import type { Link } from "./link.js";
import { CloseCode } from "./messages.js";
import type { Session } from "./session.js";

// How a way to the server is looked for while there may be none: one handshake after the other. While the former connection
// lives it is the better probe, so a try is made beside it now and then. Once it has ended tries follow each other, the first
// ones briefly. Times are in milliseconds.

/** How long a try may take while the former connection lives, and the pause after the first; it doubles, besideDoublings times. */
const besideFor = 1000;
const besidePause = 2000;
const besideDoublings = 2;

/**
 * How long the first try may take to connect after the end; each takes half as long again, up to tryLast, which is also how long
 * the server may take to say welcome.
 */
const tryFirst = 500;
const tryLast = 3000;
/** The longest pause between two of them. */
const tryJitter = 50;

/** Between two tries to join anew there is a random pause, of up to a bound that doubles from the first to the last. */
const pauseFirst = 200;
const pauseLast = 5000;

/** Back is thrown when the connection that was thought lost is not. */
class Back extends Error {}

/** keepPlaying plays on one connection after the other, until one ends for a reason that another does not change. */
export async function keepPlaying(s: Session): Promise<void> {
  let link: Link | undefined = s.link;
  while (link !== undefined) link = await playOn(s, link);
}

/** playOn plays on a connection until it ends, or a better one is found. It returns the one to go on with, if any. */
async function playOn(s: Session, link: Link): Promise<Link | undefined> {
  let until: number | undefined; // the time until which a better one is looked for
  while (link.error === undefined) {
    if (!link.quiet && until !== undefined) {
      until = undefined;
      s.goes(true);
    }
    if (!link.quiet || until !== undefined || !resumable(s)) {
      await link.change();
      continue;
    }
    s.goes(false);
    until = s.settings.env.now() + s.settings.reconnect;
    try {
      return await resume(s, link, until);
    } catch (e) {
      if (!(e instanceof Back) && asFailure(e).code !== "unreachable") link.end(asFailure(e)); // the server will not have it any more
    }
  }
  return goOn(s, link, until);
}

/** goOn finds a connection after one that has ended; undefined when that is of no use, and the session has ended. */
async function goOn(s: Session, link: Link, until: number | undefined): Promise<Link | undefined> {
  let error = link.error!;
  s.goes(false);
  if (!s.live.aborted && resumable(s) && error.code === "unreachable") {
    try {
      return await resume(s, link, until ?? s.settings.env.now() + s.settings.reconnect);
    } catch (e) {
      if (!mayRejoin(asFailure(e))) {
        s.end(error);
        return undefined;
      }
    }
  }
  s.lost(error);
  if (!s.live.aborted && s.settings.reconnect > 0 && (worthATry(error) || mayRejoin(error))) {
    try {
      return await rejoin(s, link, error);
    } catch (e) {
      error = asFailure(e);
    }
  }
  s.end(error);
  return undefined;
}

/** resumable tells whether the session can go on over another connection. */
function resumable(s: Session): boolean {
  return s.settings.reconnect > 0 && s.token.length > 0;
}

/** mayRejoin tells whether joining anew may help where the session can't be resumed: it is gone, and not only out of reach. */
function mayRejoin(e: JoinError): boolean {
  return e.code === "expired" || e.code === "shutdown" || e.code === "room_closed";
}

/** rejoin joins anew after a connection was lost. It rejects with why that is of no use, or with the loss when it took too long. */
async function rejoin(s: Session, former: Link, lost: JoinError): Promise<Link> {
  const { env, reconnect, timeout } = s.settings;
  const timed = within(env, reconnect, s.live);
  try {
    for (let most = pauseFirst; ; most = Math.min(2 * most, pauseLast)) {
      await pause(env, env.random() * most, timed.signal);
      if (timed.signal.aborted) throw lost;
      const one = within(env, timeout, timed.signal);
      try {
        const link = await s.joinAnew(one.signal);
        s.rejoined(former);
        return link;
      } catch (e) {
        if (!worthATry(asFailure(e)) && !timed.signal.aborted && !s.triesAgain(asFailure(e))) throw e;
      } finally {
        one.end();
      }
    }
  } finally {
    timed.end();
  }
}

/**
 * resume goes on with the session over a new connection, and ends the former one once it can. It rejects with Back when that is
 * heard of again first, and with "expired" when the server does not know the session any more.
 */
async function resume(s: Session, former: Link, until: number): Promise<Link> {
  const { env } = s.settings;
  const timed = within(env, until - env.now(), s.live);
  try {
    for (let most = tryFirst; ; most = Math.min(2 * most, pauseLast)) {
      const link = await reach(s, former, timed.signal);
      try {
        await greetAgain(s, link, timed.signal);
        return link;
      } catch (e) {
        const error = asFailure(e);
        link.end(error, CloseCode.abandoned);
        if (error.code === "expired") s.token = new Uint8Array(0);
        if (error.code !== "unreachable" && error.code !== "full") throw error;
      }
      await pause(env, tryFirst / 2 + env.random() * most, timed.signal); // a server that is full has many who come back
    }
  } finally {
    timed.end();
  }
}

/** greetAgain says hello with the session's token, and puts the connection in the place of the former one, which ends. */
async function greetAgain(s: Session, link: Link, signal: AbortSignal): Promise<void> {
  const timed = within(s.settings.env, tryLast, signal);
  try {
    const h = { ...s.hello(), resume: s.token, replica: s.replica.epoch + 1 };
    const w = await s.greet(link, h, timed.signal);
    s.goOn(link, w);
  } finally {
    timed.end();
  }
}

/** reach makes a connection as soon as there is a way to the server. It gives up when the signal comes, and when trying is of no use. */
async function reach(s: Session, former: Link, signal: AbortSignal): Promise<Link> {
  const { env } = s.settings;
  let life = tryFirst;
  for (let beside = 0; ; ) {
    const lives = former.error === undefined;
    const tryFor = lives ? besideFor : life;
    const began = env.now();
    const timed = within(env, tryFor, signal, lives ? former.awake : undefined); // once it has ended it does not come back
    try {
      return await s.connect(timed.signal, tryFor);
    } catch (e) {
      if (!worthATry(asFailure(e)) && !timed.signal.aborted) throw e;
    } finally {
      timed.end();
    }
    if (signal.aborted) throw failure("unreachable", "it was looked for in vain");
    if (lives) {
      const wait = besidePause * 2 ** Math.min(beside++, besideDoublings);
      if (former.quiet) await pause(env, wait * (1 + env.random() / 4), signal, former.awake, former.live);
      if (!former.quiet && former.error === undefined) throw new Back();
      continue;
    }
    await pause(env, tryFor - (env.now() - began) + env.random() * tryJitter, signal); // also when it was refused at once
    life = Math.min(life * 1.5, tryLast);
  }
}
