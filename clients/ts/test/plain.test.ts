import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanName, cleanText } from "../src/index.js";
import { nameFault, textFault } from "../src/plain.js";
import { golden, hex, unhex } from "./vectors.js";

interface TextVector {
  name: string;
  text: string;
  plain: boolean;
  title: boolean;
  clean: string;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("texts are what they are in Go", () => {
  const vectors = golden<TextVector[]>("wire/text.json");
  assert.ok(vectors.length > 40);
  for (const v of vectors) {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(unhex(v.text));
    assert.equal(textFault(text) === undefined, v.plain, `${v.name}: ${textFault(text)}`);
    assert.equal(nameFault(text) === undefined, v.title, `${v.name}, as a name: ${nameFault(text)}`);
    const clean = cleanText(text, 24);
    assert.equal(hex(utf8(clean)), v.clean, v.name);
    assert.equal(textFault(clean), undefined, v.name);
    assert.equal(nameFault(cleanName(text, 24)), undefined, v.name);
  }
});

test("half a surrogate pair is no character, and a name has no space at its ends", () => {
  assert.equal(cleanText("a\ud83db", 9), "a\ufffdb");
  assert.equal(cleanText(`a\n${"é".repeat(200)}`, 9), "a ééé");
  assert.equal(cleanText("a𝒳b", 100), "a𝒳b");
  assert.equal(cleanName(" \u200b lobby\u3000", 9), "lobby");
  assert.equal(cleanName("\u0002\u0659lobby", 9), "lobby");
});
