import { RejectError } from "./reject.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** The longest text that is read byte by byte, which is quicker than a TextDecoder when it is ASCII. */
const quick = 48;

/** readText returns the text of bytes, or undefined when they are no UTF-8. */
export function readText(b: Uint8Array, from: number, to: number): string | undefined {
  if (to - from <= quick) {
    let text = "";
    let at = from;
    for (; at < to && b[at]! < 0x80; at++) text += String.fromCharCode(b[at]!);
    if (at === to) return text;
  }
  try {
    return decoder.decode(b.subarray(from, to));
  } catch {
    return undefined;
  }
}

const control = /[\u0000-\u001f\u007f-\u009f]/;
const controls = /[\u0000-\u001f\u007f-\u009f]/g;

/** checkText refuses a text with control characters, for a message. */
export function checkText(text: string, what: string): string {
  if (control.test(text)) throw new RejectError("bad_value", `${what} has a control character: leave it out`);
  return text;
}

/**
 * fitText makes a text one that a message may have: control characters become spaces, and what is above so many bytes is
 * cut off between two characters.
 */
export function fitText(text: string, maxBytes: number): string {
  const plain = text.slice(0, maxBytes).replace(controls, " ");
  const b = new TextEncoder().encode(plain);
  if (b.length <= maxBytes) return lenient.decode(b);
  let end = maxBytes;
  while (end > 0 && (b[end]! & 0xc0) === 0x80) end--;
  return lenient.decode(b.subarray(0, end));
}
