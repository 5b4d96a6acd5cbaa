import { element } from "./dom.js";
import { recall, remember } from "./settings.js";

/** Asks for a name, and gives the one that the server gave; it throws an Error that says why it gave none. */
export type Rename = (name: string) => Promise<string>;

/** Naming is the field with the player's name. It is remembered, and asked for again at the next visit. */
export class Naming {
  private readonly form = element("naming", HTMLFormElement);
  private readonly field = element("name", HTMLInputElement);
  private readonly trouble = element("naming-trouble", HTMLElement);
  private rename: Rename | undefined;
  private current = "";

  constructor() {
    this.form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.field.blur(); // which asks
    });
    this.field.addEventListener("blur", () => void this.ask(this.field.value.trim()));
    this.field.addEventListener("keydown", (e) => {
      if (e.key !== "Escape") return;
      this.field.value = this.current;
      this.field.blur();
    });
  }

  /** The player can have a name from now on, and gets the one that it had before. */
  begin(rename: Rename): void {
    this.rename = rename;
    this.field.disabled = false;
    this.again();
  }

  /** Asks for the name of before once more: the player may be another one. */
  again(): void {
    this.current = "";
    void this.ask(recall("name"));
  }

  /** Nobody answers any more. */
  end(): void {
    this.rename = undefined;
    this.field.disabled = true;
  }

  /** Shows what the ship is called now, unless the player writes. */
  show(name: string): void {
    if (this.current === name) return;
    this.current = name;
    if (document.activeElement !== this.field) this.field.value = name;
  }

  private async ask(name: string): Promise<void> {
    this.trouble.textContent = "";
    if (!name || name === this.current || !this.rename) {
      if (document.activeElement !== this.field) this.field.value = this.current; // whoever writes goes on
      return;
    }
    try {
      this.current = await this.rename(name);
      remember("name", this.current);
    } catch (e) {
      this.trouble.textContent = e instanceof Error ? e.message : String(e);
    }
    if (document.activeElement !== this.field) this.field.value = this.current;
  }
}
