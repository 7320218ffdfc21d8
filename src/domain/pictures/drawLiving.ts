// Drawings of animals, people, plants and what people play with.
import { BEAK, CHERRY, DEEP_LEAF, GOLD, INK, LEAF, METAL, PAPER, SKIN, WOOD, type Shades } from './colours.ts';
import type { Rgb } from './canvas.ts';
import type { Pen } from './pen.ts';

export type SubjectDrawing = (pen: Pen, shades: Shades) => void;

export const dog: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ring(main, 24, 14, 14, 14, 7, -80, 60); // tail
  pen.ellipse(main, 0, 22, 25, 24);
  pen.box(main, -22, 0, 44, 16);
  pen.ellipse(light, 0, 18, 12, 20);
  pen.ellipse(light, -13, 3, 10, 5);
  pen.ellipse(light, 13, 3, 10, 5);
  pen.ellipse(main, 0, 59, 23, 21);
  pen.ellipse(dark, -22, 56, 8, 17);
  pen.ellipse(dark, 22, 56, 8, 17);
  pen.ellipse(light, 0, 50, 13, 10);
  pen.box(CHERRY, -12, 36, 24, 5); // collar
  pen.disc(GOLD, 0, 35, 3.5);
  pen.ellipse(INK, 0, 55, 5, 3.5);
  pen.disc(INK, -9, 64, 3);
  pen.disc(INK, 9, 64, 3);
  pen.segment(CHERRY, 0, 47, 4, 6, 180, 360);
};

export const cat: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.ring(main, 26, 18, 15, 17, 7, -90, 100); // tail
  pen.ellipse(main, 0, 23, 21, 26);
  pen.box(main, -18, 0, 36, 14);
  pen.ellipse(light, 0, 18, 9, 18);
  pen.ellipse(light, -10, 3, 8, 4.5);
  pen.ellipse(light, 10, 3, 8, 4.5);
  for (const side of [-1, 1]) {
    pen.polygon(main, side * 20, 58, side * 19, 84, side * 4, 70);
    pen.polygon(light, side * 17, 64, side * 16.5, 77, side * 8, 69);
  }
  pen.ellipse(main, 0, 57, 21, 17);
  for (const x of [-5, 0, 5]) pen.line(dark, x, 66, x, 74, 2);
  for (const side of [-1, 1]) {
    pen.ellipse(GOLD, side * 8.5, 59, 4.5, 4);
    pen.ellipse(INK, side * 8.5, 59, 1.6, 3.8);
    pen.line(INK, side * 9, 50, side * 25, 53, 1.2);
    pen.line(INK, side * 9, 48, side * 25, 47, 1.2);
  }
  pen.ellipse(light, 0, 49, 8, 5.5);
  pen.polygon(CHERRY, -3, 53, 3, 53, 0, 49.5);
};

export const duck: SubjectDrawing = (pen, { main, dark }) => {
  pen.polygon(main, -24, 8, -50, 32, -14, 26);
  pen.ellipse(main, 0, 10, 38, 20);
  pen.ellipse(main, 24, 40, 17, 16);
  pen.polygon(main, 10, 18, 12, 40, 38, 36, 36, 14);
  pen.ellipse(dark, -6, 16, 19, 10);
  pen.polygon(main, -25, 18, -2, 27, 10, 20, 10, 28);
  pen.polygon(BEAK, 38, 44, 57, 37, 38, 31);
  pen.disc(INK, 28, 45, 3);
};

export const teddy: SubjectDrawing = (pen, { main, dark, light }) => {
  for (const side of [-1, 1]) {
    pen.disc(main, side * 16, 74, 9);
    pen.disc(light, side * 16, 74, 5);
    pen.ellipse(dark, side * 24, 30, 9, 15);
    pen.ellipse(dark, side * 16, 8, 14, 10);
    pen.ellipse(light, side * 19, 8, 7, 7);
  }
  pen.ellipse(main, 0, 24, 23, 24);
  pen.ellipse(light, 0, 22, 14, 15);
  pen.ellipse(main, 0, 59, 22, 20);
  pen.ellipse(light, 0, 52, 11, 9);
  pen.ellipse(INK, 0, 56, 4.5, 3);
  pen.disc(INK, -9, 63, 2.8);
  pen.disc(INK, 9, 63, 2.8);
  pen.polygon(CHERRY, -13, 44, -13, 34, 0, 39);
  pen.polygon(CHERRY, 13, 44, 13, 34, 0, 39);
};

const TROUSERS: Rgb = [78, 84, 112];
const HAIR: Rgb = [96, 66, 54];

/** Head and face of a person, the chin at y. */
function drawHead(pen: Pen, x: number, y: number, radius: number, hair: Rgb): void {
  pen.disc(hair, x, y + radius * 1.1, radius * 1.08);
  pen.ellipse(SKIN, x, y + radius * 0.85, radius * 0.86, radius * 0.85);
  pen.disc(INK, x - radius * 0.35, y + radius * 0.95, radius * 0.13);
  pen.disc(INK, x + radius * 0.35, y + radius * 0.95, radius * 0.13);
}

export const child: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.box(TROUSERS, -10, 3, 8, 16);
  pen.box(TROUSERS, 2, 3, 8, 16);
  pen.ellipse(INK, -7, 3, 8, 4);
  pen.ellipse(INK, 7, 3, 8, 4);
  pen.line(dark, -12, 44, -27, 24, 8);
  pen.line(dark, 12, 44, 30, 56, 8);
  pen.disc(SKIN, -28, 22, 4.5);
  pen.disc(SKIN, 32, 58, 4.5);
  pen.polygon(main, -11, 50, 11, 50, 20, 15, -20, 15);
  for (const y of [22, 31, 40]) pen.disc(GOLD, 0, y, 2.2);
  drawHead(pen, 0, 50, 16, HAIR);
  pen.segment(main, 0, 69, 18, 16, 0, 180); // the cap goes with the coat
  pen.box(light, -18, 66, 36, 6);
  pen.disc(light, 0, 87, 5);
  pen.segment(CHERRY, 0, 59, 4.5, 4, 180, 360);
};

export const couple: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.box(TROUSERS, -25, 0, 7, 24);
  pen.box(TROUSERS, -15, 0, 7, 24);
  pen.pad([92, 106, 140], -28, 20, 24, 34, 6);
  drawHead(pen, -16, 54, 10, INK);
  pen.box(SKIN, 9, 0, 5, 20);
  pen.box(SKIN, 18, 0, 5, 20);
  pen.polygon([204, 128, 132], 8, 54, 24, 54, 31, 14, 1, 14);
  drawHead(pen, 16, 53, 10, HAIR);
  pen.line(INK, 0, 28, 0, 100, 2.5);
  pen.disc(SKIN, 0, 34, 4);
  pen.segment(main, 0, 78, 52, 30, 0, 180);
  pen.polygon(dark, -52, 78, -30, 78, 0, 108);
  pen.polygon(light, -14, 78, 14, 78, 0, 108);
  pen.polygon(dark, 30, 78, 52, 78, 0, 108);
};

export const crowd: SubjectDrawing = (pen, { main, dark }) => {
  const coats: readonly Rgb[] = [TROUSERS, [168, 110, 104], [128, 148, 118]];
  const person = (x: number, y: number, index: number): void => {
    pen.pad(coats[index % coats.length]!, x - 12, y - 34, 24, 36, 10);
    drawHead(pen, x, y, 9.5, index % 2 === 0 ? HAIR : INK);
  };
  for (const [x, lean] of [[-46, -6], [-4, 4], [40, 8]] as const) {
    pen.line(WOOD, x, 30, x + lean, 98, 2.5);
    pen.polygon(main, x + lean, 98, x + lean + 26, 93, x + lean + 22, 84, x + lean + 25, 75, x + lean - 1.5, 79);
    pen.polygon(dark, x + lean - 1, 86, x + lean + 23, 82, x + lean + 25, 75, x + lean - 1.5, 79);
  }
  [-54, -28, 0, 27, 54].forEach((x, index) => person(x, 44, index));
  [-40, -13, 14, 41].forEach((x, index) => person(x, 26, index + 1));
};

export const snowman: SubjectDrawing = (pen, { main, dark }) => {
  const shade: Rgb = [214, 226, 240];
  pen.line(WOOD, 12, 50, 44, 66, 3);
  pen.line(WOOD, -12, 50, -44, 62, 3);
  pen.line(WOOD, 36, 62, 40, 72, 2);
  for (const [y, radius] of [[20, 26], [52, 19], [78, 14]] as const) {
    pen.disc(shade, 0, y, radius);
    pen.disc(PAPER, -1.5, y + 1.5, radius - 1.5);
  }
  for (const y of [46, 54, 20, 30]) pen.disc(INK, 0, y, 2.5);
  pen.box(main, -16, 63, 32, 7);
  pen.polygon(dark, 6, 66, 14, 66, 18, 42, 9, 42);
  pen.polygon(BEAK, 0, 80, 17, 76, 0, 74.5);
  pen.disc(INK, -5, 84, 2.2);
  pen.disc(INK, 5, 84, 2.2);
  pen.box(INK, -17, 89, 34, 4);
  pen.box(INK, -11, 92, 22, 16);
  pen.box(main, -11, 93, 22, 4);
};

export const tree: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.polygon(WOOD, -8, 0, 8, 0, 5, 46, -5, 46);
  pen.line(WOOD, 0, 28, 20, 52, 5);
  pen.line(WOOD, 0, 24, -18, 48, 5);
  for (const [x, y, radius] of [[-26, 58, 19], [26, 60, 19], [0, 56, 20]] as const) pen.disc(dark, x, y, radius);
  for (const [x, y, radius] of [[-18, 72, 20], [16, 76, 21], [0, 66, 18], [2, 88, 18]] as const) pen.disc(main, x, y, radius);
  for (const [x, y, radius] of [[-14, 80, 8], [6, 92, 9], [18, 82, 6]] as const) pen.disc(light, x, y, radius);
};

export const fir: SubjectDrawing = (pen, { main, light }) => {
  pen.box(WOOD, -6, 0, 12, 14);
  for (const [y, half, top] of [[10, 40, 52], [34, 32, 72], [56, 24, 94]] as const) {
    pen.polygon(LEAF, -half, y, half, y, 0, top);
    pen.polygon(DEEP_LEAF, half * 0.1, y, half, y, 0, top);
  }
  pen.polygon(GOLD, 0, 106, 3, 98, 11, 97, 5, 92, 7, 84, 0, 89, -7, 84, -5, 92, -11, 97, -3, 98);
  for (const [x, y] of [[-26, 16], [-4, 15], [22, 18], [-14, 30], [12, 34], [-18, 40], [18, 44], [0, 50], [-11, 62], [11, 64], [0, 76]] as const) {
    pen.disc(main, x, y, 4);
    pen.disc(light, x - 1.2, y + 1.2, 1.5);
  }
};

export const pumpkin: SubjectDrawing = (pen, { main, dark, light }) => {
  const glow: Rgb = [86, 50, 40];
  pen.polygon(LEAF, -5, 44, 6, 44, 12, 62, 3, 62);
  pen.ellipse(dark, -24, 24, 22, 24);
  pen.ellipse(dark, 24, 24, 22, 24);
  pen.ellipse(main, -13, 24, 22, 26);
  pen.ellipse(main, 13, 24, 22, 26);
  pen.ellipse(light, 0, 25, 12, 26);
  pen.ellipse(main, 0, 24, 10, 25.5);
  pen.polygon(glow, -24, 28, -8, 28, -15, 40);
  pen.polygon(glow, 24, 28, 8, 28, 15, 40);
  pen.polygon(glow, -4, 20, 4, 20, 0, 27);
  pen.polygon(glow, -28, 19, -18, 15, -13, 18, -6, 14, 0, 17, 6, 14, 13, 18, 18, 15, 28, 19, 17, 5, 10, 9, 4, 4, -4, 4, -10, 9, -17, 5);
};

export const kite: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.line(PAPER, 0, 20, -16, 2, 1.6);
  pen.line(PAPER, -16, 2, 0, -14, 1.6);
  pen.line(PAPER, 0, -14, -14, -36, 1.6);
  for (const [x, y] of [[-16, 2], [0, -14]] as const) {
    pen.polygon(light, x, y, x - 9, y + 6, x - 9, y - 6);
    pen.polygon(light, x, y, x + 9, y + 6, x + 9, y - 6);
  }
  pen.polygon(main, 0, 94, -30, 62, 0, 62);
  pen.polygon(light, 0, 94, 30, 62, 0, 62);
  pen.polygon(light, 0, 18, -30, 62, 0, 62);
  pen.polygon(dark, 0, 18, 30, 62, 0, 62);
};

export const robot: SubjectDrawing = (pen, { main, dark, light }) => {
  pen.line(METAL, 0, 84, 0, 96, 3);
  pen.disc(CHERRY, 0, 98, 4);
  for (const side of [-1, 1]) {
    pen.box(METAL, side * 12 - 5, 4, 10, 18);
    pen.pad(INK, side * 13 - 9, 0, 18, 7, 3);
    pen.line(METAL, side * 26, 50, side * 38, 30, 6);
    pen.disc(dark, side * 38, 27, 6);
  }
  pen.pad(main, -27, 20, 54, 36, 6);
  pen.pad(dark, -17, 27, 34, 20, 3);
  for (const [x, colour] of [[-9, CHERRY], [0, GOLD], [9, LEAF]] as const) pen.disc(colour, x, 41, 3);
  pen.box(light, -12, 31, 24, 4);
  pen.box(METAL, -6, 54, 12, 6);
  pen.pad(main, -22, 58, 44, 28, 6);
  pen.pad(light, -17, 66, 34, 14, 5);
  pen.disc(INK, -8, 73, 4.5);
  pen.disc(INK, 8, 73, 4.5);
  pen.disc(PAPER, -7, 74.5, 1.5);
  pen.disc(PAPER, 9, 74.5, 1.5);
  pen.box(INK, -8, 61.5, 16, 2.2);
};
