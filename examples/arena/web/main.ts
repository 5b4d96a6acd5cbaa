import { join, type Client } from "quicstep";
import { arena, type Arena } from "./arena.js";
import { Camera } from "./camera.js";
import { context, element } from "./dom.js";
import { drawBackground } from "./draw/background.js";
import { MiniMap } from "./draw/minimap.js";
import { Feed } from "./feed.js";
import { Frames } from "./frames.js";
import { offerHooks } from "./hooks.js";
import { Hud } from "./hud.js";
import { Controls } from "./input.js";
import { writes } from "./keys.js";
import { Naming } from "./naming.js";
import { Panel } from "./panel.js";
import { Play, type Parts } from "./play.js";
import { step } from "./step.js";
import { Theme } from "./theme.js";
import { adviceOn, Trouble } from "./trouble.js";

/** For how long a lost connection is sought again, in milliseconds: the game keeps a ship for as long. */
const reconnectFor = 15_000;

const canvas = element("world", HTMLCanvasElement);
const banner = element("banner", HTMLElement);
const help = element("help", HTMLElement);
const helpButton = element("help-button", HTMLButtonElement);
const frames = new Frames();
const trouble = new Trouble();
const parts: Parts = {
  ctx: context(canvas, true),
  camera: new Camera(canvas),
  controls: new Controls(canvas),
  feed: new Feed(),
  hud: new Hud(),
  map: new MiniMap(element("map", HTMLCanvasElement)),
  naming: new Naming(),
  panel: new Panel(frames),
  theme: new Theme(),
};
let play: Play | undefined;

/** Joins, and plays until the connection ends. */
async function start(): Promise<void> {
  parts.hud.wait();
  try {
    const client = await join(arena, options());
    play = new Play(client, parts);
    const error = await client.done;
    stop(error);
  } catch (e) {
    stop(e);
  }
}

function options(): Parameters<typeof join<Arena>>[1] {
  const asked = new URLSearchParams(location.search);
  const room = asked.get("room");
  const seconds = Number(asked.get("timeout"));
  return { ...(room ? { room } : {}), ...(seconds > 0 ? { timeout: 1000 * seconds } : {}), reconnect: reconnectFor, step };
}

function stop(error: unknown): void {
  play = undefined;
  banner.hidden = true;
  parts.panel.end();
  parts.naming.end();
  parts.hud.rest();
  trouble.show(adviceOn(error), () => void start());
}

let last = performance.now();

function frame(now: number): void {
  requestAnimationFrame(frame);
  const began = performance.now();
  const gap = now - last;
  last = now;
  const seconds = Math.min(0.1, Math.max(0, gap / 1000));
  if (play) {
    showConnection(play.client);
    play.frame(now, seconds);
  } else {
    drift(seconds);
  }
  frames.add(gap, performance.now() - began);
}

/** Flies through empty space while there is no game. */
function drift(seconds: number): void {
  const { camera, ctx, theme } = parts;
  camera.follow(camera.x + 40 * seconds, camera.y + 14 * seconds, seconds);
  drawBackground(ctx, camera, theme.palette, 1e6, 40, 14);
}

function showConnection(client: Client<Arena>): void {
  if (banner.hidden !== client.connected) {
    banner.hidden = client.connected;
    banner.textContent = "the connection is lost; looking for the server…";
  }
}

function toggleHelp(): void {
  help.hidden = !help.hidden;
  helpButton.ariaExpanded = String(!help.hidden);
}

addEventListener("keydown", (e) => {
  if (e.repeat || e.ctrlKey || e.metaKey || e.altKey || writes(e.target)) return;
  if (e.code === "KeyN") parts.panel.toggle();
  if (e.code === "KeyL") parts.theme.toggle();
  if (e.code === "KeyH") toggleHelp();
  if (e.code === "Escape" && !help.hidden) toggleHelp();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) play?.rest();
});
document.addEventListener("click", (e) => {
  // Who clicks plays on by keyboard; who came by keyboard stays there.
  if (e.detail > 0 && e.target instanceof Element && e.target.closest("button, label")) setTimeout(() => canvas.focus({ preventScroll: true }));
});
element("theme-button", HTMLButtonElement).addEventListener("click", () => parts.theme.toggle());
helpButton.addEventListener("click", toggleHelp);
new ResizeObserver(() => parts.camera.resize()).observe(canvas);
parts.camera.x = parts.camera.y = 5e5;
parts.camera.resize();
canvas.focus({ preventScroll: true });
offerHooks(() => play, frames);
requestAnimationFrame(frame);
void start();
