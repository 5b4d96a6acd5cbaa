/** Keys is what is held down on the keyboard, by the place of the key: the letters of WASD elsewhere are others. */
export class Keys {
  private readonly held = new Set<string>();

  constructor() {
    addEventListener("keydown", (e) => this.down(e));
    addEventListener("keyup", (e) => this.held.delete(e.code));
    addEventListener("blur", () => this.letGo());
  }

  /** Nothing is held any more. */
  letGo(): void {
    this.held.clear();
  }

  /** -1 left, 1 right, 0 neither or both. */
  get turn(): number {
    return Number(this.any("ArrowRight", "KeyD")) - Number(this.any("ArrowLeft", "KeyA"));
  }

  get thrust(): boolean {
    return this.any("ArrowUp", "KeyW");
  }

  get fire(): boolean {
    return this.any("Space");
  }

  private any(...codes: string[]): boolean {
    return codes.some((code) => this.held.has(code));
  }

  private down(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey || writes(e.target)) return;
    if (e.code === "Space" && e.target instanceof Element && e.target.matches("button, input")) return; // it presses that
    this.held.add(e.code);
    if (e.code === "Space" || e.code.startsWith("Arrow")) e.preventDefault(); // the page stays where it is
  }
}

/** Whether a key pressed there belongs to a field. */
export function writes(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type !== "checkbox";
}
