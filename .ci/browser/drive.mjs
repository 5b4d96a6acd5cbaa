// Drives Chromium for the Go tests beside it. Each line that comes in is a command as JSON, {"do": …, "page": …}, and is answered by a line:
// {"value": …} or {"error": …}. It ends with its input.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const required = createRequire(new URL("../../clients/ts/package.json", import.meta.url));
const { chromium } = required("playwright-core");
const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** How long anything that must come may take, in milliseconds. */
const patience = 60_000;

const browser = await chromium.launch({ executablePath: process.argv[2], args });
const pages = new Map();

/** The SDK and its benchmark as a script. What they read files with in Node is not used. */
const noFiles = { name: "no files", setup: (build) => build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false })) };
async function script() {
  const entry = new URL("../../clients/ts/bench/page.ts", import.meta.url).pathname;
  const { outputFiles } = await required("esbuild").build({ entryPoints: [entry], bundle: true, format: "esm", target: "es2022", minify: true, write: false, plugins: [noFiles] });
  return outputFiles[0].text;
}

const commands = {
  async open({ page: name, url }) {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const wrong = [];
    page.on("pageerror", (e) => wrong.push(e.message));
    pages.set(name, { page, wrong });
    await page.goto(url, { timeout: patience });
  },
  async eval({ page, js }) {
    return await pages.get(page).page.evaluate(js);
  },
  // playwright's waitForFunction evaluates text in the page, which the page's policy forbids.
  async wait({ page, js }) {
    for (const end = Date.now() + patience; !(await pages.get(page).page.evaluate(js)); await setTimeout(50)) {
      if (Date.now() > end) throw new Error(`not so after ${patience / 1000} s`);
    }
  },
  /** Gives a page the SDK as window.sdk. */
  async sdk({ page: name }) {
    const { page } = pages.get(name);
    const body = await script();
    await page.route("**/sdk.js", (route) => route.fulfill({ body, contentType: "text/javascript" }));
    await page.evaluate(`import("/sdk.js").then((sdk) => void (window.sdk = sdk))`);
  },
  async press({ page, key, down }) {
    const { keyboard } = pages.get(page).page;
    await (down ? keyboard.down(key) : keyboard.up(key));
  },
  async screenshot({ page, path }) {
    await pages.get(page).page.screenshot({ path });
  },
  /** The bytes of the heap that are in use, once nothing is left to collect. */
  async heap({ page }) {
    const cdp = await pages.get(page).page.context().newCDPSession(pages.get(page).page);
    for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage"); // what one finds out of use the next one frees
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    await cdp.detach();
    return usedSize;
  },
  async wrong({ page }) {
    return pages.get(page).wrong;
  },
  /** Closes a page, which would go on drawing beside the others. */
  async close({ page }) {
    await pages.get(page).page.context().close();
    pages.delete(page);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command.do](command)) ?? null };
  } catch (e) {
    answer = { error: String(e) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
