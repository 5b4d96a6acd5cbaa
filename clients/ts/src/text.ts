const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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
