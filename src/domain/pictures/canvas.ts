// A small indexed bitmap with flat shapes: few colours keep a picture near one kilobyte. Coordinates are pixels from the
// top left corner; a pixel belongs to a shape when its centre does.

export type Rgb = readonly [number, number, number]; // 0 … 255

export const MAX_COLOURS = 32; // more would be a mistake of the drawing

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array; // indexes into `palette`, row by row
  readonly palette: Rgb[] = [];
  readonly #indexes = new Map<number, number>();

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height);
  }

  /** Throws when a picture uses more than MAX_COLOURS colours: that is a bug of the drawing. */
  #indexOf(colour: Rgb): number {
    const key = (colour[0] << 16) | (colour[1] << 8) | colour[2];
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.palette.length;
      if (index === MAX_COLOURS) throw new Error(`A picture has more than ${MAX_COLOURS} colours.`);
      this.palette.push(colour);
      this.#indexes.set(key, index);
    }
    return index;
  }

  #span(row: number, from: number, to: number, index: number): void {
    if (row < 0 || row >= this.height) return;
    const first = Math.max(0, Math.ceil(from - 0.5));
    const end = Math.min(this.width, Math.ceil(to - 0.5));
    if (first < end) this.pixels.fill(index, row * this.width + first, row * this.width + end);
  }

  rectangle(colour: Rgb, x: number, y: number, width: number, height: number): void {
    this.polygon(colour, [x, y, x + width, y, x + width, y + height, x, y + height]);
  }

  ellipse(colour: Rgb, x: number, y: number, radiusX: number, radiusY: number): void {
    const index = this.#indexOf(colour);
    for (let row = Math.floor(y - radiusY); row <= y + radiusY; row++) {
      const height = (row + 0.5 - y) / radiusY;
      if (Math.abs(height) >= 1) continue;
      const half = radiusX * Math.sqrt(1 - height * height);
      this.#span(row, x - half, x + half, index);
    }
  }

  /** `points`: x, y, x, y, …; filled by the even-odd rule. */
  polygon(colour: Rgb, points: readonly number[]): void {
    const index = this.#indexOf(colour);
    let top = Infinity;
    let bottom = -Infinity;
    for (let at = 1; at < points.length; at += 2) {
      top = Math.min(top, points[at]!);
      bottom = Math.max(bottom, points[at]!);
    }
    const crossings: number[] = [];
    for (let row = Math.max(0, Math.floor(top)); row < Math.min(this.height, bottom); row++) {
      const y = row + 0.5;
      crossings.length = 0;
      for (let at = 0; at < points.length; at += 2) {
        const next = (at + 2) % points.length;
        const x1 = points[at]!, y1 = points[at + 1]!, x2 = points[next]!, y2 = points[next + 1]!;
        if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
      }
      crossings.sort((a, b) => a - b);
      for (let at = 0; at + 1 < crossings.length; at += 2) this.#span(row, crossings[at]!, crossings[at + 1]!, index);
    }
  }

  /** A straight stroke with square ends. */
  line(colour: Rgb, x1: number, y1: number, x2: number, y2: number, width: number): void {
    const length = Math.hypot(x2 - x1, y2 - y1);
    const dx = ((y2 - y1) / length) * (width / 2);
    const dy = ((x1 - x2) / length) * (width / 2);
    this.polygon(colour, [x1 + dx, y1 + dy, x2 + dx, y2 + dy, x2 - dx, y2 - dy, x1 - dx, y1 - dy]);
  }
}
