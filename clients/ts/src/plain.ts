import { utf8 } from "./writer.js";

/** How many combining marks may follow each other. */
const MaxMarks = 6;

/** Where scripts begin whose letters join; before, a joiner would not be seen. */
const joinFrom = 0x0590;

const ascii = /^[ -~]*$/;
const spaces = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const halves = /\p{Surrogate}/gu;
const mark = /^\p{M}$/u;

/** The characters that no text has (docs/protocol.md §1). */
const banned = new RegExp(
  "^[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
  "\\u2060-\\u206f\\u2800\\u3164\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff\\u{13430}-\\u{1345f}" +
  "\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}" +
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((plane) => `\\u{${plane.toString(16)}fffe}\\u{${plane.toString(16)}ffff}`).join("") +
  "\\u{e0000}-\\u{e00ff}\\u{e01f0}-\\u{e0fff}\\u{efffe}-\\u{10ffff}]$", "u");

const isJoiner = (c: number): boolean => c === 0x200c || c === 0x200d;

/** joins tells whether a joiner may stand between two characters; 0 is none. */
function joins(before: number, next: number): boolean {
  return before >= joinFrom && next >= joinFrom && !isJoiner(before) && !isJoiner(next) && next !== 0xfffd;
}

const named = (c: number): string => `U+${c.toString(16).toUpperCase().padStart(4, "0")}`;

/** textFault says what a text has that may not travel, as a clause for "the text …"; undefined when it may. */
export function textFault(text: string): string | undefined {
  if (ascii.test(text)) return undefined;
  const all = Array.from(text);
  let marks = 0;
  let before = 0;
  for (const [i, char] of all.entries()) {
    const c = char.codePointAt(0)!;
    if (isJoiner(c)) {
      if (!joins(before, all[i + 1]?.codePointAt(0) ?? 0)) return `has the joiner ${named(c)} where nothing is joined: leave it out`;
    } else if (banned.test(char)) {
      return `has the character ${named(c)}, which can't be seen or is no character: leave it out`;
    } else if (mark.test(char)) {
      if (++marks > MaxMarks) return `has more than ${MaxMarks} combining marks in a row: leave some out`;
      if (before === 0) return `begins with the combining mark ${named(c)}: put a letter before it`;
    } else {
      marks = 0;
    }
    before = c;
  }
  return text.normalize("NFC") === text ? undefined : "is not in Unicode's normal form NFC: normalise it before sending";
}

/** nameFault is textFault for a name, at whose ends no space may be. */
export function nameFault(name: string): string | undefined {
  return textFault(name) ?? (name.trim() === name ? undefined : "begins or ends with a space: leave it out");
}

/**
 * cleanText makes a text one that may travel, of at most so many bytes of UTF-8: control characters become spaces, what else
 * may not be there is left out, and what is too long is cut off between two characters (docs/protocol.md §1).
 */
export function cleanText(text: string, maxBytes: number): string {
  if (ascii.test(text) && text.length <= maxBytes) return text;
  let clean = text.slice(0, 4 * maxBytes).replace(halves, "\ufffd"); // what follows can't be seen, so don't pay for it
  for (let i = 0; i < 8; i++) { // what is left out may bring together what joins
    clean = cut(strip(clean.normalize("NFC")), maxBytes);
    if (textFault(clean) === undefined) return clean;
  }
  return clean.replace(/[^ -~]/g, ""); // no text is known that comes here
}

/** cleanName is cleanText for a name. */
export function cleanName(name: string, maxBytes: number): string {
  name = name.trim();
  for (;;) {
    const clean = cleanText(name, maxBytes).trim();
    if (clean === name) return name;
    name = clean; // what stood after a space that is gone, such as a mark, may not begin a text
  }
}

/** strip leaves out what may not be in a text, each character by what stands before it. */
function strip(text: string): string {
  const all = Array.from(text.replace(spaces, " "));
  let out = "";
  let marks = 0;
  let before = 0;
  for (const [i, char] of all.entries()) {
    const c = char.codePointAt(0)!;
    if (isJoiner(c)) {
      if (!joins(before, all[i + 1]?.codePointAt(0) ?? 0)) continue;
    } else if (banned.test(char)) {
      continue;
    } else if (mark.test(char)) {
      if (++marks > MaxMarks || before === 0) continue;
    } else {
      marks = 0;
    }
    out += char;
    before = c;
  }
  return out;
}

/** cut shortens a text to at most so many bytes of UTF-8. */
function cut(text: string, maxBytes: number): string {
  let bytes = 0;
  let out = "";
  for (const char of text) {
    bytes += utf8(char).length;
    if (bytes > maxBytes) break;
    out += char;
  }
  return out;
}
