import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a page pays for the SDK at most, in bytes. */
const gzippedMax = 34_500;

test("the SDK is small", async () => {
  const entry = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: `export { join, defineGame } from ${JSON.stringify(entry)};`, resolveDir: "/" },
    bundle: true, minify: true, format: "esm", target: "es2022", write: false,
  });
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  assert.ok(bytes > 5_000 && bytes < gzippedMax, `${bytes} bytes gzipped`);
  console.log(`${bytes} bytes, minified and gzipped`);
});

test("the package has what its exports name, with types and source maps, and needs nothing else", () => {
  const root = new URL("../../", import.meta.url);
  const about = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const out = mkdtempSync(join(tmpdir(), "quicstep-dist-"));
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", out], { cwd: root });
  try {
    for (const entry of Object.values<{ types: string; default: string }>(about.exports)) {
      for (const path of [entry.types, entry.default, `${entry.default}.map`]) {
        const file = join(out, path.replace("./dist/", ""));
        assert.ok(existsSync(file), `${path} is not built`);
        if (path.endsWith(".map")) assert.ok(JSON.parse(readFileSync(file, "utf8")).sourcesContent[0].length > 0, `${path} has no sources`);
      }
    }
    const imported = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".js"))
      .flatMap((f) => Array.from(readFileSync(join(out, f), "utf8").matchAll(/^(?:import|export) .*from "([^."].*)";$/gm), (m) => `${f}: ${m[1]}`));
    assert.deepEqual(imported, ["react.js: react"]);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  assert.deepEqual([about.dependencies, about.private, about.sideEffects, about.files], [undefined, undefined, false, ["dist"]]);
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }));
  for (const { path } of packed.files) assert.match(path, /^(dist\/.*|LICENSE|README\.md|package\.json)$/);
});

test("the lockfile names no host: packages come from wherever the machine gets its own", () => {
  const lock = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
  assert.doesNotMatch(lock, /"resolved"|:\/\//, "write it with npm install --omit-lockfile-registry-resolved");
  assert.match(lock, /"integrity": "sha512-/);
});
