import { recall, remember } from "./settings.js";

/** Palette is what the canvas is painted with. */
export interface Palette {
  readonly dark: boolean;
  readonly space: string;
  /** Colours of the clouds, and how thick those are. */
  readonly clouds: readonly string[];
  readonly cloudAlpha: number;
  readonly star: string;
  readonly grid: string;
  readonly gridBold: string;
  readonly wall: string;
  readonly beyond: string;
  readonly ink: string;
  readonly dim: string;
  readonly me: string;
  readonly drone: string;
  readonly wreck: string;
  readonly flame: string;
  readonly spark: string;
  readonly bad: string;
}

const night: Palette = {
  dark: true,
  space: "#070b1a",
  clouds: ["#3b2a8c", "#123f7a", "#5a1f6b", "#0d4a56"],
  cloudAlpha: 0.26,
  star: "#c9d8ff",
  grid: "#121a38",
  gridBold: "#1b2650",
  wall: "#ff5d8f",
  beyond: "#04060f",
  ink: "#e6ecff",
  dim: "#8d99bd",
  me: "#54d6ff",
  drone: "#ffc857",
  wreck: "#5b678f",
  flame: "#ffb35c",
  spark: "#fff1c9",
  bad: "#ff6a6a",
};

const day: Palette = {
  dark: false,
  space: "#f3f5fa",
  clouds: ["#c9d6ff", "#d9e8ff", "#f3dcff", "#d3f1f0"],
  cloudAlpha: 0.5,
  star: "#9fb0d3",
  grid: "#e4e9f4",
  gridBold: "#d3dbec",
  wall: "#d92d6b",
  beyond: "#dfe5f1",
  ink: "#16203c",
  dim: "#5b678a",
  me: "#0879c9",
  drone: "#c98a00",
  wreck: "#a3aec9",
  flame: "#f08a24",
  spark: "#e0571b",
  bad: "#cc2f3a",
};

/** Theme is light or dark: as the system has it, until the player says otherwise. */
export class Theme {
  palette = night;

  private chosen = recall("theme");
  private readonly system = matchMedia("(prefers-color-scheme: light)");
  private readonly colours = new Map<number, string>();

  constructor() {
    this.system.addEventListener("change", () => this.apply());
    this.apply();
  }

  /** Goes from light to dark, or back, and remembers it. */
  toggle(): void {
    this.chosen = this.palette.dark ? "light" : "dark";
    remember("theme", this.chosen);
    this.apply();
  }

  /** The colour of another's ship: always the same for an entity, and never that of one's own. */
  colourOf(id: number): string {
    let colour = this.colours.get(id);
    if (!colour) {
      const hue = (225 + ((id * 137.508) % 300)) % 360; // 165 to 225 is left to oneself
      colour = this.palette.dark ? `hsl(${hue.toFixed(0)} 85% 66%)` : `hsl(${hue.toFixed(0)} 72% 41%)`;
      if (this.colours.size > 1000) this.colours.clear();
      this.colours.set(id, colour);
    }
    return colour;
  }

  private apply(): void {
    const light = this.chosen ? this.chosen === "light" : this.system.matches;
    this.palette = light ? day : night;
    this.colours.clear();
    document.documentElement.dataset["theme"] = light ? "light" : "dark";
  }
}
