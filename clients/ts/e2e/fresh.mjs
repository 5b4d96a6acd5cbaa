// Does what README.md says in "Your own game in the browser", in an empty folder, and plays the page in Chromium. What follows the
// language of a fenced block tells what it is:
//
//   LANGUAGE FILE   the whole file
//   sh              commands, run to their end; sh NAME: one that goes on in a terminal of its own
//
// It needs go, git, npm and Chromium, and takes minutes. usage: node e2e/fresh.mjs [a folder for screenshots]
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const heading = "## Your own game in the browser\n";

/** How long anything that must come may take, in milliseconds. */
const patience = 60_000;

/** Blocks are the fenced ones of the section. */
function blocks() {
  const text = readFileSync(join(checkout, "README.md"), "utf8");
  const from = text.indexOf(heading) + heading.length;
  assert.ok(from >= heading.length, "README.md has no such section");
  const section = text.slice(from, text.indexOf("\n## ", from));
  return Array.from(section.matchAll(/^```(\S+) ?(.*)\n([^]*?)^```$/gm), ([, kind, name, body]) => ({ kind, name, body }));
}

/** Clone copies what git knows of the checkout, and what is new in it. */
function clone(to) {
  const files = execFileSync("git", ["-C", checkout, "ls-files", "-co", "--exclude-standard", "-z"], { encoding: "utf8" }).split("\0");
  for (const file of files) {
    if (file !== "" && existsSync(join(checkout, file))) cpSync(join(checkout, file), join(to, file));
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

class Reader {
  terminals = [];

  constructor(root, ports) {
    this.root = this.dir = root;
    this.ports = ports;
    this.env = { ...process.env, GOWORK: "off", GOSUMDB: "off", QUICSTEP_ADDR: `127.0.0.1:${ports.game}`, QUICSTEP_SEED: "1", XDG_CACHE_HOME: join(root, "cache"), GOCACHE: goEnv("GOCACHE") };
  }

  async follow({ kind, name, body }) {
    if (kind !== "sh") {
      mkdirSync(dirname(join(this.dir, name)), { recursive: true });
      writeFileSync(join(this.dir, name), body.replaceAll("127.0.0.1:4433", `127.0.0.1:${this.ports.game}`));
    } else if (name === "") {
      this.run(body);
    } else {
      await this.start(name, name === "page" ? `${body.trim()} -- --host 127.0.0.1 --port ${this.ports.page} --strictPort` : body);
    }
  }

  /** run runs commands, and takes note of where they end up. */
  run(commands) {
    console.log(commands.trim().replace(/^/gm, "$ "));
    const where = join(this.root, "where");
    const rest = commands.replace("git clone https://github.com/quicstep/quicstep\n", () => (clone(join(this.dir, "quicstep")), ""));
    const { status } = spawnSync("sh", ["-e", "-c", `${rest}\npwd > '${where}'`], { cwd: this.dir, env: this.env, stdio: ["ignore", "inherit", "inherit"], timeout: 10 * patience });
    assert.equal(status, 0, "the commands failed");
    this.dir = readFileSync(where, "utf8").trim();
  }

  /** start starts a command in a process group of its own, and waits until it says that it serves. */
  start(name, command) {
    console.log(`${name}$ ${command.trim()}`);
    const child = spawn("sh", ["-c", `exec ${command}`], { cwd: this.dir, env: this.env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
    const terminal = { child, ended: new Promise((resolve) => child.once("close", resolve)) };
    this.terminals.push(terminal);
    let said = "";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} says only ${said}`)), patience);
      child.stdout.on("data", (b) => {
        said += b;
        if (said.includes(String(name === "page" ? this.ports.page : this.ports.game))) resolve(clearTimeout(timer));
      });
      child.once("close", () => reject(new Error(`${name} has ended; it said ${said}`)));
    });
  }

  async stop() {
    for (const { child, ended } of this.terminals) {
      if (child.exitCode === null) process.kill(-child.pid, "SIGTERM");
      await ended;
    }
  }
}

function goEnv(name) {
  return execFileSync("go", ["env", name], { encoding: "utf8" }).trim();
}

/** filled counts the pixels that are drawn on a page's canvas, right of a place. */
function filled(page, from = 0) {
  return page.evaluate((x) => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(x, 0, canvas.width - x, canvas.height);
    let n = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 127) n++;
    return n;
  }, from);
}

/** until looks at a page, frame after frame, until something is so. */
async function until(page, what, isSo) {
  const end = Date.now() + patience;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, `not so within ${patience} ms: ${what}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  console.log(what);
}

/** play opens the page twice, and sees each player on the other's. */
async function play(address, executablePath, shots) {
  const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const wrong = [];
    const pages = [];
    for (const name of ["ann", "bob"]) {
      const page = await (await browser.newContext()).newPage();
      page.on("pageerror", (e) => wrong.push(`${name}: ${e.message}`));
      await page.goto(address);
      pages.push(page);
    }
    const [ann, bob] = pages;
    const whole = () => (assert.deepEqual(wrong, []), true);
    for (const page of pages) {
      await until(page, "the page plays over WebTransport", async () => whole() && (await page.title()) === "dots over webtransport");
      await until(page, "two dots are to be seen", async () => whole() && (await filled(page)) > 150);
    }
    await ann.keyboard.down("ArrowRight");
    await until(bob, "one has gone to the right edge on the other's page", async () => whole() && (await filled(bob, 636)) > 0);
    await ann.keyboard.up("ArrowRight");
    if (shots !== undefined) {
      mkdirSync(shots, { recursive: true });
      await bob.screenshot({ path: join(shots, "fresh.png") });
    }
    await ann.close();
    await until(bob, "who leaves is gone", async () => whole() && (await filled(bob, 636)) === 0);
  } finally {
    await browser.close();
  }
}

const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
assert.ok(executablePath, "there is no Chromium: apt-get install chromium, or name one in $CHROMIUM");
const root = mkdtempSync(join(tmpdir(), "quicstep-fresh-"));
const reader = new Reader(root, { game: await freePort(), page: await freePort() });
try {
  for (const block of blocks()) await reader.follow(block);
  await play(`http://127.0.0.1:${reader.ports.page}/`, executablePath, process.argv[2]);
} finally {
  await reader.stop();
  rmSync(root, { recursive: true, force: true });
}
console.log("the project of README.md is built, and plays");
