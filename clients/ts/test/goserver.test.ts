import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { join, type Client, type JoinConfig, type SocketConstructor } from "../src/index.js";
import { arena, type Arena } from "./games/arena.js";
import { pong } from "./games/pong.js";

// The SDK against the server that it is for, over WebSocket: there is no WebTransport in Node.

const hasGo = spawnSync("go", ["version"]).status === 0;
if (!hasGo) console.log("!! SKIPPED: the SDK is not tested against a server, go is missing");
const skip = hasGo ? false : "go is missing";

const sockets: WebSocket[] = [];

/** Those sockets that the test may cut. */
class CutSocket extends WebSocket {
  constructor(url: string, protocol?: string) {
    super(url, protocol);
    sockets.push(this);
  }
}

let folder = "";
let program = "";
let server: ChildProcess;
let config: Pick<JoinConfig, "url" | "environment">;

before(async () => {
  if (!hasGo) return;
  folder = mkdtempSync(joinPath(tmpdir(), "quicstep-"));
  program = joinPath(folder, "quicstep");
  execFileSync("go", ["build", "-o", program, "./server/cmd/quicstep"], { cwd: fileURLToPath(new URL("../../../..", import.meta.url)) });
  server = serves("--bots", "2");
  config = { url: await urlOf(server), environment: { WebSocket: CutSocket as unknown as SocketConstructor } };
});

/** serves starts a server of the arena. */
function serves(...args: string[]): ChildProcess {
  return spawn(program, ["serve", "--game", "arena", "--addr", "127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", "ignore"] });
}

/** urlOf is where it listens, as it says. */
function urlOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stdout!.on("data", (b) => {
      const at = /arena on (\S+:\d+)/.exec((said += String(b)));
      if (at !== null) resolve(`http://${at[1]}`);
    });
    server.on("exit", () => reject(new Error(`the server has ended: ${said}`)));
  });
}

async function ends(server: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill();
  await ended;
}

after(async () => {
  if (folder === "") return;
  await ends(server);
  rmSync(folder, { recursive: true });
});

/** until waits for something to be so, which each datagram may bring about. */
function until(c: Client<Arena>, so: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = setInterval(() => {
      if (!so()) return;
      clearInterval(look);
      resolve();
    }, 5);
    void c.done.then((why) => {
      clearInterval(look);
      reject(why ?? new Error("the client was closed"));
    });
  });
}

test("a player flies in the arena, and goes on after the connection was cut", { skip, timeout: 120_000 }, async () => {
  const c = await join(arena, config);
  assert.equal(c.transport, "websocket");
  const lines: string[] = [];
  c.onChat((line) => lines.push(line.text));
  c.send({ Aim: 90, Thrust: true, Fire: false });
  c.say("hello");
  await until(c, () => c.singleton("rules") !== undefined && [...c.table("ship").owned()].some(([, s]) => s.Aim === 90 && s.VY > 0));
  assert.deepEqual(await c.ask("rename", { Name: "Ann" }), { Name: "Ann" });
  await until(c, () => lines.includes("hello") && [...c.table("ship").owned()].some(([, s]) => s.Name === "Ann"));
  const [player, [own]] = [c.player, [...c.table("ship").owned()].map(([id]) => id)];
  sockets.at(-1)!.terminate();
  await until(c, () => c.stats().resumes === 1);
  const [tick, came] = [c.tick, c.stats().receivedDatagrams];
  await until(c, () => c.tick > tick + 60);
  const s = c.stats();
  assert.deepEqual([c.player, [...c.table("ship").owned()].map(([id]) => id), s.diverged, s.rejected, s.rejoins], [player, [own], 0, 0, 0]);
  assert.ok(s.replica.orphans === 0 && s.receivedDatagrams > came + 20); // of 60 ticks, some in one on a busy machine
  c.draw((view) => assert.ok(view.table("ship").size >= 1));
  await c.close();
  assert.equal(await c.done, undefined);
});

test("another game than the server's is refused by its name", { skip }, async () => {
  await assert.rejects(join(pong, config), (e: { code?: string; message: string }) => e.code === "refused" && /does not run pong, it runs arena/.test(e.message));
});

test("a server that asks who comes lets in by a token, and tells the others what to do", { skip, timeout: 120_000 }, async () => {
  const keys = joinPath(folder, "keys");
  execFileSync(program, ["token", "keys", keys]);
  const asks = serves("--auth-keys", joinPath(keys, "public.pem"));
  try {
    const at = { ...config, url: await urlOf(asks) };
    await assert.rejects(join(arena, at), { code: "refused", message: /this server asks for a token: sign in where you get one, and join with it/ });
    await assert.rejects(join(arena, { ...at, token: "open sesame" }), { code: "refused", message: /not a signed JWT/ });
    const issue = () => String(execFileSync(program, ["token", "issue", "--once", "--user", "ann", "--key", joinPath(keys, "private.pem")])).trim();
    const token = issue();
    const c = await join(arena, { ...at, token });
    await until(c, () => c.singleton("rules") !== undefined);
    c.close();
    await assert.rejects(join(arena, { ...at, token }), { code: "refused", message: /has been used, and lets in once: get a new one/ });
    const again = await join(arena, { ...at, token: issue });
    again.close();
  } finally {
    await ends(asks);
  }
});
