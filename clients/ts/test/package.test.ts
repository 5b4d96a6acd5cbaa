import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

/** What all of it is at most without a minifier, in bytes. */
const gzippedMax = 48_000;

test("it is small, even without a minifier", () => {
  const folder = new URL("../src/", import.meta.url);
  const code = readdirSync(folder).filter((name) => name.endsWith(".js")).map((name) => readFileSync(new URL(name, folder)));
  assert.ok(code.length > 20);
  const bytes = gzipSync(Buffer.concat(code), { level: 9 }).length;
  assert.ok(bytes < gzippedMax, `${bytes} bytes gzipped`);
  console.log(`${bytes} bytes gzipped`);
});

test("the lockfile names no host: packages come from wherever the machine gets its own", () => {
  const lock = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
  assert.doesNotMatch(lock, /"resolved"|:\/\//, "write it with npm install --omit-lockfile-registry-resolved");
  assert.match(lock, /"integrity": "sha512-/);
});
