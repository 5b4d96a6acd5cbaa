import { JoinError } from "quicstep";
import { element } from "./dom.js";

/** Advice is what the page says of an error: what is wrong, and what to do. */
export interface Advice {
  title: string;
  advice: string;
  /** As the SDK says it; empty when that adds nothing. */
  detail: string;
}

const known: Record<JoinError["code"], [title: string, advice: string]> = {
  unreachable: [
    "The server can't be reached",
    "It does not run, or the network between it and this page blocks both ways to it: WebTransport (UDP) and WebSocket (TCP). Start it with make run, or try another network.",
  ],
  shutdown: ["The server has been stopped", "It said good-bye in good order. Try again once it runs."],
  closed: ["The connection is lost", "The server did not answer for too long. Try again; your ship is gone by now, and you get another one."],
  version: ["This page and the server don't fit", "They speak different versions, or another game runs there. Reload the page; when that does not help, update the server."],
  certificate: [
    "The certificate is not valid any more",
    "The development certificate lasts two weeks at most, and this page knows an old one. Reload the page to get the new one; when that does not help, restart the server.",
  ],
  refused: ["The server does not let you in", "It says why below. When that is where this page is from: open the address that quicstep serve prints, or start the server with --origin and the page's address."],
  denied: ["The game does not let you in", "It says why below."],
  full: ["The room is full", "Try again in a moment, or choose another room: add ?room=another to the address."],
  room_closed: ["The room has been closed", "Try again: you get another one."],
  replaced: ["You play elsewhere", "Another page goes on as this player. Try again to play here as somebody new."],
  kicked: ["You have been sent away", "An operator of this server did that, and says why below."],
  expired: ["You were away for too long", "Your ship could not wait any longer. Try again, and you get another one."],
  protocol: ["Something is broken", "The server and this page misunderstood each other. Try again; if it happens again, please report what stands below."],
};

/** What the page says of an error. */
export function adviceOn(error: unknown): Advice {
  const detail = error instanceof Error ? error.message : String(error ?? "");
  const text = error instanceof JoinError ? known[error.code] : undefined;
  const [title, advice] = text ?? known.protocol;
  return { title, advice, detail };
}

/** Trouble is the sheet that says what is wrong. */
export class Trouble {
  private readonly sheet = element("trouble", HTMLElement);
  private readonly title = element("trouble-title", HTMLElement);
  private readonly advice = element("trouble-advice", HTMLElement);
  private readonly detail = element("trouble-detail", HTMLElement);
  private readonly again = element("trouble-again", HTMLButtonElement);

  /** Says what is wrong, and calls again when the player wants to try again. */
  show(advice: Advice, again: () => void): void {
    this.title.textContent = advice.title;
    this.advice.textContent = advice.advice;
    this.detail.textContent = advice.detail;
    this.sheet.hidden = false;
    this.again.onclick = () => {
      this.sheet.hidden = true;
      again();
    };
    this.again.focus();
  }
}
