/** What bursts and fades, at most; what comes when there is no room replaces the oldest. */
const particlesMax = 500;
const boltsMax = 64;
const ringsMax = 24;

/** How fast a bolt flies to where it hits, in units per second: the server has decided long before. */
export const boltSpeed = 1500;

/** Particle is a spark or a puff: lifetimes are in seconds, positions in units. */
export interface Particle {
  x: number;
  y: number;
  vx: number;
  vy: number;
  size: number;
  age: number;
  life: number;
  colour: string;
}

/** Bolt is a shot on its way: a line from where it began. */
export interface Bolt {
  x: number;
  y: number;
  dx: number;
  dy: number;
  length: number;
  age: number;
  colour: string;
}

/** Ring grows and fades. */
export interface Ring {
  x: number;
  y: number;
  radius: number;
  age: number;
  life: number;
  colour: string;
}

/** Ages are beyond any lifetime where nothing is. */
const never = 1e9;

/** Effects are what is to be seen for a moment. They change nothing of the game, and hold a fixed amount of memory. */
export class Effects {
  readonly particles: Particle[] = [];
  readonly bolts: Bolt[] = [];
  readonly rings: Ring[] = [];

  private particleAt = 0;
  private boltAt = 0;
  private ringAt = 0;

  constructor() {
    for (let i = 0; i < particlesMax; i++) this.particles.push({ x: 0, y: 0, vx: 0, vy: 0, size: 1, age: never, life: 1, colour: "" });
    for (let i = 0; i < boltsMax; i++) this.bolts.push({ x: 0, y: 0, dx: 1, dy: 0, length: 0, age: never, colour: "" });
    for (let i = 0; i < ringsMax; i++) this.rings.push({ x: 0, y: 0, radius: 0, age: never, life: 1, colour: "" });
  }

  /** Lets time pass, in seconds. */
  pass(seconds: number): void {
    const slow = Math.exp(-2.2 * seconds);
    for (const p of this.particles) {
      if (p.age >= p.life) continue;
      p.age += seconds;
      p.x += p.vx * seconds;
      p.y += p.vy * seconds;
      p.vx *= slow;
      p.vy *= slow;
    }
    for (const b of this.bolts) if (b.age < never) b.age += seconds;
    for (const r of this.rings) if (r.age < never) r.age += seconds;
  }

  /** Puffs of an engine that points away from an angle in radians. */
  exhaust(x: number, y: number, aim: number, colour: string): void {
    const back = aim + Math.PI + (Math.random() - 0.5) * 0.5;
    const speed = 60 + Math.random() * 70;
    this.particle(x - Math.cos(aim) * 10, y - Math.sin(aim) * 10, Math.cos(back) * speed, Math.sin(back) * speed, 2.4, 0.45, colour);
  }

  /** Sparks at a point, in all directions. */
  sparks(x: number, y: number, count: number, speed: number, colour: string): void {
    for (let i = 0; i < count; i++) {
      const angle = Math.random() * 2 * Math.PI;
      const v = speed * (0.25 + Math.random());
      this.particle(x, y, Math.cos(angle) * v, Math.sin(angle) * v, 1.6 + Math.random() * 1.6, 0.3 + Math.random() * 0.5, colour);
    }
  }

  /** A shot from a point along an angle in radians. */
  bolt(x: number, y: number, aim: number, length: number, colour: string): void {
    const b = this.bolts[this.boltAt++ % boltsMax]!;
    b.dx = Math.cos(aim);
    b.dy = Math.sin(aim);
    b.x = x;
    b.y = y;
    b.length = length;
    b.colour = colour;
    b.age = 0;
  }

  ring(x: number, y: number, radius: number, life: number, colour: string): void {
    const r = this.rings[this.ringAt++ % ringsMax]!;
    r.x = x;
    r.y = y;
    r.radius = radius;
    r.life = life;
    r.colour = colour;
    r.age = 0;
  }

  private particle(x: number, y: number, vx: number, vy: number, size: number, life: number, colour: string): void {
    const p = this.particles[this.particleAt++ % particlesMax]!;
    p.x = x;
    p.y = y;
    p.vx = vx;
    p.vy = vy;
    p.size = size;
    p.life = life;
    p.colour = colour;
    p.age = 0;
  }
}
