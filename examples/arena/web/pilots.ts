import { element } from "./dom.js";
import type { Scene } from "./scene.js";

/** For how long a pilot that is out of sight is remembered, in milliseconds, how many are, and how many are listed. */
const rememberedFor = 60_000;
const rememberedMax = 100;
const listed = 8;

interface Pilot {
  id: number;
  name: string;
  score: number;
  colour: string;
  seenAt: number;
}

/**
 * Pilots are those who have been met, by score. A player is sent what is in sight alone, so that others are remembered as they were when
 * last seen, paler, and forgotten after a minute.
 */
export class Pilots {
  private readonly known = new Map<number, Pilot>();
  private readonly list = element("pilots", HTMLOListElement);
  private shown = "";

  /** Looks who is in sight, and lists them; now is in milliseconds. */
  update(scene: Scene, now: number): void {
    for (const { id, row, colour } of scene.ships.values()) {
      this.known.set(id, { id, name: row.Name, score: row.Score, colour, seenAt: now });
    }
    for (const [id, pilot] of this.known) {
      if (now - pilot.seenAt > rememberedFor || (this.known.size > rememberedMax && pilot.seenAt < now)) this.known.delete(id);
    }
    const ranking = [...this.known.values()].sort((a, b) => b.score - a.score || a.id - b.id);
    const me = scene.me?.id;
    const top = ranking.filter((p, rank) => rank < listed || p.id === me);
    const text = top.map((p) => `${p.id} ${p.name} ${p.score} ${p.seenAt === now} ${p.colour}`).join("\n");
    if (text === this.shown) return;
    this.shown = text;
    this.list.replaceChildren(...top.map((p) => line(p, p.id === me, p.seenAt < now)));
  }

  /** Forgets everybody: another room. */
  clear(): void {
    this.known.clear();
  }
}

function line(pilot: Pilot, me: boolean, away: boolean): HTMLLIElement {
  const li = document.createElement("li");
  li.className = me ? "me" : away ? "away" : "";
  const dot = document.createElement("i");
  dot.style.background = pilot.colour;
  const name = document.createElement("span");
  name.textContent = pilot.name;
  const score = document.createElement("b");
  score.textContent = String(pilot.score);
  li.append(dot, name, score);
  return li;
}
