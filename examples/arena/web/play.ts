import type { Client } from "quicstep";
import type { Arena, Steer } from "./arena.js";
import type { Camera } from "./camera.js";
import { drawFrame, drawGhosts } from "./draw/frame.js";
import type { MiniMap } from "./draw/minimap.js";
import type { Feed } from "./feed.js";
import type { Hud } from "./hud.js";
import type { Controls } from "./input.js";
import type { Naming } from "./naming.js";
import type { Panel } from "./panel.js";
import { Pilots } from "./pilots.js";
import { Scene } from "./scene.js";
import type { Theme } from "./theme.js";

/** Parts are what a game is shown with. They outlive it. */
export interface Parts {
  readonly ctx: CanvasRenderingContext2D;
  readonly camera: Camera;
  readonly controls: Controls;
  readonly feed: Feed;
  readonly hud: Hud;
  readonly map: MiniMap;
  readonly naming: Naming;
  readonly panel: Panel;
  readonly theme: Theme;
}

/** How often lists and the map are written anew, in milliseconds. */
const hudEvery = 100;

/** The first frame of one's own ship, as a mark in the browser's performance timeline. */
export const firstFlight = "arena:first-flight";

/** Play is a game from the join to the end of the connection. */
export class Play {
  readonly scene: Scene;

  private readonly pilots = new Pilots();
  private steered: Steer = { Aim: 0, Thrust: false, Fire: false };
  private sent = "";
  private rejoins = 0;
  private hudAt = 0;
  private flew = false;

  constructor(readonly client: Client<Arena>, private readonly parts: Parts) {
    this.scene = new Scene(parts.theme);
    client.on("shot", (_tick, shot) => this.scene.shot(shot));
    client.on("boom", (_tick, boom) => this.scene.boom(boom));
    client.onMessage("kill", (kill) => this.kill(kill.Killer, kill.Victim));
    client.onStatus((status) => status === "joined" && this.joinedAgain());
    parts.panel.begin(client);
    parts.naming.begin(async (name) => (await client.ask("rename", { Name: name })).Name);
  }

  /** Takes a frame: what the player wants, what there is to see. Now is in milliseconds; seconds have passed since the last one. */
  frame(now: number, seconds: number): void {
    const { camera, ctx, theme, panel } = this.parts;
    this.steer(now, seconds);
    this.client.draw((view) => this.scene.look(view, this.steered.Thrust, now, seconds));
    this.react();
    const me = this.scene.me;
    if (me) camera.follow(me.row.X, me.row.Y, seconds);
    drawFrame(ctx, camera, theme.palette, this.scene, now);
    if (panel.ghosts) drawGhosts(ctx, camera, theme.palette, this.client.table("ship").all());
    if (now - this.hudAt >= hudEvery) this.showLists(now);
    panel.update(now, theme.palette.me);
    if (me && !this.flew) {
      this.flew = true;
      performance.mark(firstFlight);
    }
  }

  /** The server is found again: as the same player, or as another one, perhaps in another room. */
  private joinedAgain(): void {
    this.parts.naming.again();
    const { rejoins } = this.client.stats();
    if (rejoins !== this.rejoins) this.pilots.clear();
    this.rejoins = rejoins;
  }

  /** Lets go of the ship: there are no frames while the page is not seen, and it would thrust on. */
  rest(): void {
    this.parts.controls.letGo();
    this.steer(performance.now(), 0);
  }

  private steer(now: number, seconds: number): void {
    const { camera, controls } = this.parts;
    this.steered = controls.steer(camera.width / 2, camera.height / 2, now, seconds);
    const asked = `${this.steered.Aim} ${this.steered.Thrust} ${this.steered.Fire}`;
    if (asked === this.sent || !this.client.connected) return;
    this.sent = asked;
    this.client.send(this.steered);
  }

  private react(): void {
    const { scene } = this;
    if (scene.hurt) this.parts.camera.shake(scene.me?.row.Hull === 0 ? 1 : 0.5);
    scene.hurt = false;
  }

  private showLists(now: number): void {
    const { hud, map, naming, theme } = this.parts;
    this.hudAt = now;
    hud.update(this.scene, now);
    hud.teach(this.steered.Thrust);
    this.pilots.update(this.scene, now);
    map.draw(this.scene, theme.palette);
    if (this.scene.me) naming.show(this.scene.me.row.Name);
  }

  private kill(killer: string, victim: string): void {
    const me = this.scene.me?.row.Name;
    if (victim === me) {
      this.parts.hud.destroyedBy(killer);
      this.parts.feed.add(`${killer} destroyed you`, "ouch");
    } else {
      this.parts.feed.add(`you destroyed ${victim}  +5`, "mine");
    }
  }
}
