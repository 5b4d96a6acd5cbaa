import type { Client } from "quicstep";
import type { Arena } from "./arena.js";
import { element, write } from "./dom.js";
import type { Frames } from "./frames.js";
import { Meter, type Reading } from "./meter.js";
import { Spark } from "./spark.js";

/** How often the figures are read, in milliseconds. */
const every = 250;

/** Row is a line of the panel. A good figure is none of which alarm says that it is bad. */
interface Row {
  label: string;
  text: (r: Reading) => string;
  value?: (r: Reading) => number;
  alarm?: (r: Reading) => boolean;
}

const rows: Row[] = [
  { label: "round trip", text: (r) => `${r.roundTrip.toFixed(0)} ms`, value: (r) => r.roundTrip },
  { label: "loss", text: (r) => `${(r.loss * 100).toFixed(1)} %`, value: (r) => r.loss, alarm: (r) => r.loss > 0.1 },
  { label: "down", text: (r) => bytes(r.down), value: (r) => r.down },
  { label: "up", text: (r) => bytes(r.up), value: (r) => r.up },
  { label: "tick", text: (r) => `${r.tick}` },
  { label: "tick rate", text: (r) => `${r.tickRate.toFixed(1)} Hz`, value: (r) => r.tickRate },
  { label: "corrections", text: (r) => `${r.corrections}`, value: (r) => r.correctionsPerSecond },
  { label: "interpolation", text: (r) => `${r.delay.toFixed(0)} ms`, value: (r) => r.delay },
  { label: "inputs late", text: (r) => `${r.lateInputs}`, value: (r) => r.latePerSecond },
  { label: "diverged", text: (r) => `${r.diverged}`, alarm: (r) => r.diverged > 0 },
  { label: "frame, p95", text: (r) => `${r.frame.toFixed(1)} ms`, value: (r) => r.frame },
];

function bytes(perSecond: number): string {
  return perSecond < 1000 ? `${perSecond.toFixed(0)} B/s` : `${(perSecond / 1000).toFixed(1)} kB/s`;
}

/** Panel tells how the network is, makes it worse, and switches off what hides it. */
export class Panel {
  /** Whether the ships are shown where the server says that they are, too. */
  ghosts = false;

  private readonly box = element("net", HTMLElement);
  private readonly button = element("net-button", HTMLButtonElement);
  private readonly brief = element("net-brief", HTMLElement);
  private readonly transport = element("net-transport", HTMLElement);
  private readonly lines: { row: Row; figure: HTMLElement; spark: Spark | undefined }[] = [];
  private readonly sliders = {
    delay: element("net-delay", HTMLInputElement),
    jitter: element("net-jitter", HTMLInputElement),
    loss: element("net-loss", HTMLInputElement),
  };
  private readonly predict = element("net-predict", HTMLInputElement);
  private readonly interpolate = element("net-interpolate", HTMLInputElement);
  private client: Client<Arena> | undefined;
  private meter: Meter | undefined;
  private readAt = 0;

  constructor(private readonly frames: Frames) {
    const list = element("net-rows", HTMLElement);
    for (const row of rows) this.lines.push(this.line(list, row));
    this.button.addEventListener("click", () => this.toggle());
    element("net-close", HTMLButtonElement).addEventListener("click", () => this.toggle());
    for (const slider of Object.values(this.sliders)) slider.addEventListener("input", () => this.impair());
    for (const box of [this.predict, this.interpolate]) box.addEventListener("change", () => this.switch());
    const ghosts = element("net-ghosts", HTMLInputElement);
    ghosts.addEventListener("change", () => (this.ghosts = ghosts.checked));
  }

  /** Shows the panel, or hides it. */
  toggle(): void {
    this.box.hidden = !this.box.hidden;
    this.button.ariaExpanded = String(!this.box.hidden);
  }

  /** Measures this client from now on. What was set before holds for it, too. */
  begin(client: Client<Arena>): void {
    this.client = client;
    this.meter = new Meter(client, this.frames);
    this.impair();
    this.switch();
  }

  /** There is no client any more. */
  end(): void {
    this.client = undefined;
    this.meter = undefined;
    write(this.brief, "net");
    write(this.transport, "not connected");
  }

  /** Reads the figures when it is time; now is in milliseconds. */
  update(now: number, colour: string): void {
    if (!this.meter || now - this.readAt < every) return;
    this.readAt = now;
    const reading = this.meter.read(now);
    write(this.brief, `${reading.roundTrip.toFixed(0)} ms`);
    this.brief.className = reading.roundTrip > 250 || reading.loss > 0.15 ? "poor" : reading.roundTrip > 120 || reading.loss > 0.04 ? "fair" : "";
    for (const { row, spark } of this.lines) if (row.value) spark?.add(row.value(reading));
    if (this.box.hidden) return;
    write(this.transport, `over ${reading.transport === "webtransport" ? "WebTransport" : "WebSocket"}`);
    for (const { row, figure, spark } of this.lines) {
      write(figure, row.text(reading));
      figure.className = row.alarm?.(reading) ? "alarm" : "";
      spark?.draw(colour);
    }
  }

  private line(list: HTMLElement, row: Row): { row: Row; figure: HTMLElement; spark: Spark | undefined } {
    const div = document.createElement("div");
    const label = document.createElement("span");
    label.textContent = row.label;
    const figure = document.createElement("b");
    figure.textContent = "–";
    div.append(label, figure);
    list.append(div);
    if (!row.value) return { row, figure, spark: undefined };
    const canvas = document.createElement("canvas");
    canvas.ariaHidden = "true";
    div.append(canvas);
    return { row, figure, spark: new Spark(canvas) };
  }

  private impair(): void {
    const delay = this.sliders.delay.valueAsNumber;
    const jitter = this.sliders.jitter.valueAsNumber;
    const loss = this.sliders.loss.valueAsNumber;
    for (const [slider, text] of [
      [this.sliders.delay, `${delay} ms`],
      [this.sliders.jitter, `${jitter} ms`],
      [this.sliders.loss, `${loss} %`],
    ] as const) {
      write(slider.nextElementSibling as Element, text);
    }
    this.client?.impair({ delay, jitter, loss: loss / 100 });
  }

  private switch(): void {
    if (!this.client) return;
    this.client.predicting = this.predict.checked;
    this.client.interpolating = this.interpolate.checked;
  }
}
