/** What the page remembers from one visit to the next. Where the browser forbids it, nothing is. */
const prefix = "quicstep.arena.";

/** What was remembered under that name; empty when nothing was. */
export function recall(name: string): string {
  try {
    return localStorage.getItem(prefix + name) ?? "";
  } catch {
    return "";
  }
}

/** Remembers a value; an empty one is forgotten. */
export function remember(name: string, value: string): void {
  try {
    if (value) localStorage.setItem(prefix + name, value);
    else localStorage.removeItem(prefix + name);
  } catch {
    // A page without storage plays all the same.
  }
}
