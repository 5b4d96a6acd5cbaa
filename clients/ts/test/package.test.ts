import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a page pays for the SDK at most, in bytes. */
const gzippedMax = 36_000;

test("the SDK is small", async () => {
  const entry = fileURLToPath(new URL("../src/index.js", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: `export { join, defineGame } from ${JSON.stringify(entry)};`, resolveDir: "/" },
    bundle: true, minify: true, format: "esm", target: "es2022", write: false,
  });
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  assert.ok(bytes > 5_000 && bytes < gzippedMax, `${bytes} bytes gzipped`);
  console.log(`${bytes} bytes, minified and gzipped`);
});

test("the lockfile names no host: packages come from wherever the machine gets its own", () => {
  const lock = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
  assert.doesNotMatch(lock, /"resolved"|:\/\//, "write it with npm install --omit-lockfile-registry-resolved");
  assert.match(lock, /"integrity": "sha512-/);
});
