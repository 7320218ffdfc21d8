// Draws a subject in its own coordinates: the origin is where it stands, y grows upwards, one unit is about one pixel.
import type { Canvas, Rgb } from './canvas.ts';

const STEPS_PER_TURN = 36;

export class Pen {
  readonly #canvas: Canvas;
  readonly #x: number;
  readonly #y: number;
  readonly #scale: number;
  readonly #side: 1 | -1;
  readonly #under: (colour: Rgb) => Rgb;

  /** (x, y): pixel on which the origin lies; `mirrored` turns left and right; `under` is the light. */
  constructor(canvas: Canvas, x: number, y: number, scale: number, mirrored: boolean, under: (colour: Rgb) => Rgb) {
    this.#canvas = canvas;
    this.#x = x;
    this.#y = y;
    this.#scale = scale;
    this.#side = mirrored ? -1 : 1;
    this.#under = under;
  }

  /** `points`: x, y, x, y, … */
  polygon(colour: Rgb, ...points: readonly number[]): void {
    this.#canvas.polygon(this.#under(colour), points.map((value, index) => (index % 2 === 0 ? this.#toX(value) : this.#toY(value))));
  }

  /** (x, y): the lower left corner. */
  box(colour: Rgb, x: number, y: number, width: number, height: number): void {
    this.polygon(colour, x, y, x + width, y, x + width, y + height, x, y + height);
  }

  /** A box with round corners. */
  pad(colour: Rgb, x: number, y: number, width: number, height: number, radius: number): void {
    this.box(colour, x + radius, y, width - 2 * radius, height);
    this.box(colour, x, y + radius, width, height - 2 * radius);
    for (const cornerX of [x + radius, x + width - radius]) for (const cornerY of [y + radius, y + height - radius]) this.disc(colour, cornerX, cornerY, radius);
  }

  ellipse(colour: Rgb, x: number, y: number, radiusX: number, radiusY: number): void {
    this.#canvas.ellipse(this.#under(colour), this.#toX(x), this.#toY(y), radiusX * this.#scale, radiusY * this.#scale);
  }

  disc(colour: Rgb, x: number, y: number, radius: number): void {
    this.ellipse(colour, x, y, radius, radius);
  }

  line(colour: Rgb, x1: number, y1: number, x2: number, y2: number, width: number): void {
    this.#canvas.line(this.#under(colour), this.#toX(x1), this.#toY(y1), this.#toX(x2), this.#toY(y2), width * this.#scale);
  }

  /** The part of an ellipse between two angles (degrees, counter-clockwise from the right) and the chord that closes it. */
  segment(colour: Rgb, x: number, y: number, radiusX: number, radiusY: number, from: number, to: number): void {
    this.polygon(colour, ...arc(x, y, radiusX, radiusY, from, to));
  }

  /** A stroke along an ellipse; the radii are those of its middle. */
  ring(colour: Rgb, x: number, y: number, radiusX: number, radiusY: number, width: number, from = 0, to = 360): void {
    const outer = arc(x, y, radiusX + width / 2, radiusY + width / 2, from, to);
    const inner = arc(x, y, radiusX - width / 2, radiusY - width / 2, to, from);
    this.polygon(colour, ...outer, ...inner);
  }

  #toX(x: number): number {
    return this.#x + this.#side * x * this.#scale;
  }

  #toY(y: number): number {
    return this.#y - y * this.#scale;
  }
}

function arc(x: number, y: number, radiusX: number, radiusY: number, from: number, to: number): number[] {
  const steps = Math.max(2, Math.ceil((Math.abs(to - from) / 360) * STEPS_PER_TURN));
  const points: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    points.push(x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle));
  }
  return points;
}
