// Draws a picture of the demo. A stand-in comes first so that the rest can be written against it.
import { Canvas } from './canvas.ts';
import type { Picture } from './pictureSubjects.ts';

export function drawPicture(_picture: Picture, seed: number): Canvas {
  const canvas = new Canvas(208, 156);
  canvas.rectangle([120, 170, 210], 0, 0, 208, 156);
  canvas.ellipse([230, 90, 60], 40 + (seed % 100), 80, 30, 30);
  return canvas;
}
