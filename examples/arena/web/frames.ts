/** How many frames are looked at: ten seconds of 60 a second. */
const kept = 600;

/** Frames measures how smooth the page is: the time from frame to frame, and what a frame takes to paint, in milliseconds. */
export class Frames {
  /** How many there were since the page began. */
  count = 0;

  private readonly gaps = new Float64Array(kept);
  private readonly works = new Float64Array(kept);

  /** Writes a frame down. Gaps above a second are pauses of the page, and left out. */
  add(gap: number, work: number): void {
    if (gap > 1000) return;
    const at = this.count++ % kept;
    this.gaps[at] = gap;
    this.works[at] = work;
  }

  /** The time from one frame to the next that a share of the last 600 kept, and the same of the work; 0 before the first frame. */
  quantile(share: number): { gap: number; work: number } {
    return { gap: this.of(this.gaps, share), work: this.of(this.works, share) };
  }

  private of(samples: Float64Array, share: number): number {
    const sorted = samples.slice(0, Math.min(this.count, kept)).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  }
}
