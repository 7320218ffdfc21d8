// Drawings of vehicles, buildings, clothes, food and instruments.
import { CHERRY, COFFEE, GLASS, GOLD, INK, METAL, PAPER, ROOF, WOOD } from './colours.ts';
import type { Rgb } from './canvas.ts';
import type { SubjectDrawing } from './drawLiving.ts';
import type { Pen } from './pen.ts';

export const dress: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.box(WOOD, -2, 2, 4, 20);
  pen.ellipse(WOOD, 0, 2, 16, 4);
  pen.box(WOOD, -3, 84, 6, 12);
  pen.disc(WOOD, 0, 97, 4);
  pen.polygon(main, -12, 56, 12, 56, 38, 14, -38, 14);
  pen.polygon(dark, -5, 56, -2, 56, -10, 14, -18, 14);
  pen.polygon(dark, 5, 56, 2, 56, 10, 14, 18, 14);
  pen.polygon(main, -12, 56, 12, 56, 18, 80, 10, 90, 6, 80, -6, 80, -10, 90, -18, 80);
  pen.box(light, -12.5, 53, 25, 5);
  for (const x of [-31, -19, -6, 6, 19, 31]) pen.disc(light, x, 16, 4);
};

export const hat: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ellipse(dark, 0, 8, 54, 10);
  pen.ellipse(main, 0, 11, 54, 9);
  pen.polygon(main, -29, 11, -25, 42, 25, 42, 29, 11);
  pen.ellipse(main, 0, 42, 25, 10);
  pen.ellipse(light, 0, 44, 17, 5);
  pen.polygon(INK, -29, 11, -28, 21, 28, 21, 29, 11);
  pen.ellipse(CHERRY, 24, 17, 5, 5);
  pen.ellipse(PAPER, 27, 24, 4, 8);
};

export const handbag: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ring(dark, 0, 46, 22, 28, 5, 0, 180);
  pen.polygon(main, -34, 50, 34, 50, 42, 0, -42, 0);
  pen.polygon(dark, -35, 50, 35, 50, 26, 26, -26, 26);
  pen.polygon(light, -41, 5, 41, 5, 42, 0, -42, 0);
  pen.pad(GOLD, -7, 20, 14, 11, 3);
  pen.disc(INK, 0, 25, 2);
};

export const bicycle: SubjectDrawing = (pen, { main, dark }) => {
  for (const x of [-34, 34]) {
    for (const angle of [0, 45, 90, 135]) {
      const dx = 20 * Math.cos((angle * Math.PI) / 180), dy = 20 * Math.sin((angle * Math.PI) / 180);
      pen.line(METAL, x - dx, 22 + dy, x + dx, 22 - dy, 1);
    }
    pen.ring(INK, x, 22, 20, 20, 4);
    pen.disc(INK, x, 22, 3);
  }
  pen.line(main, -34, 22, -12, 50, 4.5);
  pen.line(main, -34, 22, 0, 20, 4.5);
  pen.line(main, -14, 54, 0, 20, 4.5);
  pen.line(main, -12, 49, 24, 50, 4.5);
  pen.line(main, 0, 20, 25, 49, 4.5);
  pen.line(main, 34, 22, 22, 62, 4.5);
  pen.line(INK, 22, 61, 36, 66, 4);
  pen.pad(INK, -24, 54, 22, 6, 3);
  pen.disc(dark, 0, 20, 6);
  pen.line(INK, 0, 20, 7, 10, 3);
  pen.line(INK, 3, 9, 12, 9, 3);
  pen.polygon(WOOD, 30, 60, 50, 60, 47, 46, 33, 46); // a basket
};

export const sailboat: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.line(WOOD, 0, 10, 0, 98, 3);
  pen.polygon(PAPER, 4, 22, 4, 94, 44, 22);
  pen.polygon(light, 4, 40, 4, 54, 26.5, 54, 34, 40);
  pen.polygon(light, -4, 22, -4, 86, -34, 22);
  pen.polygon(CHERRY, 0, 98, 0, 106, 14, 102);
  pen.polygon(main, -46, 17, 50, 17, 36, -6, -34, -6);
  pen.polygon(dark, -40, 3, 41, 3, 36, -6, -34, -6);
  pen.polygon(PAPER, -46, 17, 50, 17, 48, 13, -44, 13);
};

export const balloon: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.polygon(dark, -24, 38, -7, 19, 7, 19, 24, 38);
  pen.ellipse(main, 0, 62, 36, 36);
  pen.ellipse(light, 0, 62, 26, 36);
  pen.ellipse(main, 0, 62, 15, 36);
  pen.polygon(main, -34, 50, -24, 34, 24, 34, 34, 50);
  pen.polygon(light, -24.5, 50, -17, 34, 17, 34, 24.5, 50);
  pen.polygon(main, -14, 50, -9, 34, 9, 34, 14, 50);
  pen.line(INK, -8, 20, -7, 10, 1.4);
  pen.line(INK, 8, 20, 7, 10, 1.4);
  pen.pad(WOOD, -9, -4, 18, 15, 3);
  pen.box(INK, -9, 7, 18, 2.5);
};

/** A tyre and its hub. */
function drawWheel(pen: Pen, x: number, radius: number): void {
  pen.disc(INK, x, radius, radius);
  pen.disc(METAL, x, radius, radius * 0.48);
}

export const car: SubjectDrawing = (pen, { main, dark }) => {
  pen.polygon(main, -36, 30, -24, 54, 18, 54, 36, 30);
  pen.polygon(GLASS, -28, 32, -20, 49, -4, 49, -4, 32);
  pen.polygon(GLASS, 1, 32, 1, 49, 15, 49, 27, 32);
  pen.pad(main, -56, 10, 112, 25, 8);
  pen.box(dark, -56, 12, 112, 5);
  pen.box(dark, -2.5, 17, 2, 15);
  pen.box(dark, -12, 26, 7, 2);
  pen.ellipse(GOLD, 53, 26, 4, 4.5);
  pen.ellipse(CHERRY, -54, 26, 2.5, 4);
  drawWheel(pen, -32, 13);
  drawWheel(pen, 32, 13);
};

export const bus: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.pad(main, -62, 10, 124, 66, 7);
  pen.box(dark, -62, 12, 124, 7);
  pen.box(light, -62, 34, 124, 5);
  for (const x of [-56, -34, -12, 10]) pen.pad(GLASS, x, 44, 18, 22, 3);
  pen.box(GLASS, 34, 20, 16, 46);
  pen.box(dark, 41.2, 20, 1.6, 46);
  pen.box(GLASS, 55, 42, 7, 24);
  pen.pad(PAPER, -18, 70, 36, 9, 3);
  pen.box(INK, -12, 73.5, 24, 2.4);
  pen.disc(GOLD, 59, 25, 3.5);
  drawWheel(pen, -36, 13);
  drawWheel(pen, 22, 13);
};

export const tower: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.box(dark, -24, 0, 48, 10);
  pen.box(main, -18, 8, 36, 72);
  pen.box(dark, 8, 8, 10, 72);
  pen.box(light, -22, 50, 44, 5);
  pen.box(light, -22, 78, 44, 5);
  pen.polygon(ROOF, -24, 83, 24, 83, 0, 114);
  pen.line(GOLD, 0, 112, 0, 122, 2);
  pen.disc(PAPER, 0, 66, 10);
  pen.ring(INK, 0, 66, 10, 10, 2);
  pen.line(INK, 0, 66, 0, 73, 1.8);
  pen.line(INK, 0, 66, 5, 63, 1.8);
  for (const y of [22, 36]) for (const x of [-9, 1]) pen.box(INK, x, y, 5, 9);
  pen.box(INK, -6, 0, 12, 14);
  pen.segment(INK, 0, 14, 6, 6, 0, 180);
};

export const house: SubjectDrawing = (pen, { main, dark }) => {
  pen.box(WOOD, 20, 58, 10, 30);
  pen.box(main, -42, 0, 84, 48);
  pen.box(dark, -42, 0, 84, 5);
  pen.polygon(ROOF, -52, 46, 52, 46, 30, 84, -30, 84);
  pen.box(PAPER, -52, 44, 104, 4);
  pen.box(WOOD, -8, 0, 17, 30);
  pen.disc(GOLD, 5, 14, 1.6);
  for (const x of [-34, 17]) {
    pen.box(PAPER, x, 16, 18, 20);
    pen.box(GOLD, x + 2, 18, 14, 16);
    pen.box(PAPER, x + 8, 16, 2, 20);
    pen.box(PAPER, x, 25, 18, 2);
  }
  pen.segment(PAPER, 0, 58, 9, 12, 0, 180);
  pen.segment(GOLD, 0, 59, 6.5, 9, 0, 180);
};

export const cake: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ellipse(METAL, 0, 3, 54, 6);
  pen.pad(main, -42, 4, 84, 30, 5);
  pen.box(dark, -42, 8, 84, 4);
  for (const x of [-36, -24, -12, 0, 12, 24, 36]) pen.ellipse(light, x, 31, 7, x % 24 === 0 ? 8 : 5);
  pen.box(light, -42, 31, 84, 4);
  pen.pad(main, -27, 34, 54, 24, 4);
  for (const x of [-22, -11, 0, 11, 22]) pen.ellipse(light, x, 55, 6, x % 22 === 0 ? 7 : 4.5);
  pen.box(light, -27, 55, 54, 4);
  for (const x of [-14, 0, 14]) {
    pen.box(PAPER, x - 1.8, 58, 3.6, 15);
    pen.ellipse(GOLD, x, 77, 2.6, 5);
  }
  for (const x of [-36, 36]) pen.disc(CHERRY, x, 38, 4.5);
};

export const icecream: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.polygon(WOOD, 10, 66, 16, 64, 30, 98, 24, 100);
  pen.disc(main, -13, 60, 15);
  pen.disc(dark, 13, 60, 15);
  pen.disc(light, 0, 74, 15);
  pen.disc(CHERRY, -2, 91, 5);
  pen.line(INK, -1, 95, 4, 102, 1.4);
  pen.polygon(GLASS, -28, 58, 28, 58, 12, 24, -12, 24);
  pen.ellipse(PAPER, 0, 58, 28, 4);
  pen.polygon(PAPER, -20, 52, -15, 52, -8, 30, -11, 30);
  pen.box(GLASS, -4, 5, 8, 20);
  pen.ellipse(GLASS, 0, 4, 20, 5);
  pen.ellipse(PAPER, -3, 5, 11, 1.6);
};

export const coffee: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ellipse(METAL, 0, 4, 50, 8);
  pen.ellipse(PAPER, 0, 6, 50, 7);
  pen.ring(dark, 32, 30, 13, 11, 6);
  pen.polygon(main, -33, 46, 33, 46, 25, 14, 16, 6, -16, 6, -25, 14);
  pen.polygon(light, -26, 44, -17, 44, -13, 14, -19, 14);
  pen.ellipse(dark, 0, 46, 33, 7);
  pen.ellipse(COFFEE, 0, 45.5, 28, 5);
  for (const x of [-10, 8]) {
    pen.ring(PAPER, x, 62, 4, 6, 3, 90, 270);
    pen.ring(PAPER, x, 74, 4, 6, 3, -90, 90);
  }
};

export const camera: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.pad(dark, -18, 50, 36, 14, 4);
  pen.box(METAL, -38, 54, 12, 5);
  pen.disc(CHERRY, 34, 57, 4);
  pen.pad(main, -48, 4, 96, 51, 8);
  pen.box(light, -48, 42, 96, 4);
  pen.pad(GLASS, 26, 46, 14, 6, 2);
  pen.disc(INK, 0, 27, 23);
  pen.disc(METAL, 0, 27, 19);
  pen.disc(INK, 0, 27, 15);
  pen.disc(GLASS, 0, 27, 9);
  pen.disc(PAPER, -4, 31, 3);
  pen.disc(GOLD, -38, 36, 2.5);
};

export const radio: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.line(METAL, 36, 56, 56, 92, 2.5);
  pen.disc(METAL, 56, 93, 3);
  pen.ring(dark, 0, 56, 30, 14, 5, 0, 180);
  pen.box(INK, -40, 0, 12, 6);
  pen.box(INK, 28, 0, 12, 6);
  pen.pad(main, -50, 4, 100, 54, 8);
  pen.disc(dark, -24, 30, 20);
  for (const radius of [16, 9]) pen.ring(light, -24, 30, radius, radius, 3);
  pen.pad(PAPER, 4, 34, 38, 16, 3);
  for (const x of [10, 16, 22, 28, 34]) pen.box(INK, x, 40, 1.4, 6);
  pen.box(CHERRY, 25, 36, 2, 12);
  pen.disc(GOLD, 12, 20, 6);
  pen.disc(GOLD, 34, 20, 6);
};

export const guitar: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ellipse(dark, 2, 19, 27, 21);
  pen.ellipse(dark, 2, 46, 20, 17);
  pen.ellipse(main, 0, 20, 27, 20);
  pen.ellipse(main, 0, 46, 20, 16);
  pen.box(main, -17, 26, 34, 14);
  pen.disc(light, 0, 40, 10);
  pen.disc(INK, 0, 40, 8);
  pen.box(WOOD, -4, 40, 8, 62);
  for (const y of [66, 74, 82, 90]) pen.box(METAL, -4, y, 8, 1.5);
  pen.polygon(INK, -6, 100, 6, 100, 8, 118, -8, 118);
  for (const y of [105, 112]) for (const side of [-1, 1]) pen.disc(GOLD, side * 9, y, 2.4);
  pen.box(INK, -12, 14, 24, 5);
  for (const x of [-1.8, 1.8]) pen.box(PAPER, x - 0.5, 16, 1, 86);
};

export const drum: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ellipse(main, 0, 10, 42, 10);
  pen.box(main, -42, 10, 84, 38);
  for (let x = -42; x < 42; x += 28) {
    pen.line(PAPER, x, 12, x + 14, 46, 2.6);
    pen.line(PAPER, x + 14, 46, x + 28, 12, 2.6);
  }
  pen.segment(GOLD, 0, 12, 43, 11, 180, 360);
  pen.segment(dark, 0, 15, 43, 11, 180, 360);
  pen.segment(main, 0, 18, 42, 11, 180, 360);
  pen.ellipse(GOLD, 0, 48, 43, 12);
  pen.ellipse(PAPER, 0, 50, 39, 9.5);
  pen.ellipse(light, 0, 50, 12, 3);
  pen.line(WOOD, -6, 54, 36, 82, 3.5);
  pen.line(WOOD, 8, 54, -32, 84, 3.5);
  pen.disc(WOOD, -6, 54, 3.6);
  pen.disc(WOOD, 8, 54, 3.6);
};

export const wheel: SubjectDrawing = (pen, { main, dark, light }) => {
  const [hubY, radius, cabins] = [62, 44, 10];
  pen.line(METAL, 0, hubY, -30, 0, 5);
  pen.line(METAL, 0, hubY, 30, 0, 5);
  pen.box(METAL, -38, 0, 76, 4);
  const at = (index: number, from: number): [number, number] => {
    const angle = (2 * Math.PI * index) / cabins;
    return [from * Math.cos(angle), hubY + from * Math.sin(angle)];
  };
  for (let index = 0; index < cabins; index++) pen.line(dark, 0, hubY, ...at(index, radius), 1.6);
  pen.ring(main, 0, hubY, radius, radius, 4);
  pen.ring(main, 0, hubY, radius * 0.6, radius * 0.6, 2);
  const colours: readonly Rgb[] = [main, GOLD, light];
  for (let index = 0; index < cabins; index++) {
    const [x, y] = at(index, radius);
    pen.pad(colours[index % colours.length]!, x - 6, y - 9, 12, 10, 3);
    pen.box(INK, x - 6, y - 2, 12, 1.6);
  }
  pen.disc(GOLD, 0, hubY, 6);
};

export const present: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.box(main, -36, 0, 72, 42);
  pen.box(dark, 22, 0, 14, 42);
  pen.box(light, -40, 40, 80, 14);
  pen.box(PAPER, -7, 0, 14, 54);
  for (const side of [-1, 1]) {
    pen.ring(PAPER, side * 15, 63, 13, 8, 6);
    pen.polygon(PAPER, side * 2, 56, side * 22, 44, side * 14, 42);
  }
  pen.disc(GOLD, 0, 59, 6);
};

export const umbrella: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.line(WOOD, 0, 0, 6, 98, 4);
  pen.segment(main, 5, 62, 60, 38, 0, 180);
  pen.polygon(light, -36, 62, -14, 62, 5, 100);
  pen.polygon(light, 24, 62, 46, 62, 5, 100);
  for (const x of [-45, -25, -4, 15, 35, 55]) pen.segment(dark, x, 62, 10, 5, 180, 360);
  pen.disc(GOLD, 6, 102, 4);
  pen.pad(dark, -58, 0, 48, 5, 2); // a towel
  pen.disc(PAPER, 34, 8, 9);
  pen.segment(main, 34, 8, 9, 9, 30, 150);
  pen.segment(main, 34, 8, 9, 9, 210, 330);
};
