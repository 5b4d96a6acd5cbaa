import { element } from "./dom.js";

/** How many lines there are at most, and for how long one stays, in milliseconds. */
const linesMax = 6;
const staysFor = 7000;

/** Feed tells in a few words what has happened. */
export class Feed {
  private readonly list = element("feed", HTMLUListElement);

  /** Adds a line; the kind is a class of style.css: mine, ouch, or none. */
  add(text: string, kind: "mine" | "ouch" | "" = ""): void {
    const li = document.createElement("li");
    li.textContent = text;
    li.className = kind;
    this.list.append(li);
    while (this.list.childElementCount > linesMax) this.list.firstElementChild?.remove();
    setTimeout(() => li.remove(), staysFor);
  }
}
