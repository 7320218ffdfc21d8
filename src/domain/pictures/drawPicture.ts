// Draws a picture of the demo: a background, a shadow, the subject. What it shows is in the caption; the seed only moves things.
import { RandomStream } from '../randomStream.ts';
import { Canvas } from './canvas.ts';
import { shadesOf, subjectUnder } from './colours.ts';
import * as living from './drawLiving.ts';
import * as things from './drawThings.ts';
import { Pen } from './pen.ts';
import type { Picture, SubjectName } from './pictureSubjects.ts';
import { SCENE_DRAWINGS } from './scenes.ts';

export const PICTURE_WIDTH = 208; // pixels: twice the width at which a hover shows it
export const PICTURE_HEIGHT = 156;

const SUBJECT_DRAWINGS: Readonly<Record<SubjectName, living.SubjectDrawing>> = { ...living, ...things };
const SHADOW_HALF_WIDTH = 46;

export function drawPicture(picture: Picture, seed: number): Canvas {
  const random = new RandomStream(seed, 0);
  const canvas = new Canvas(PICTURE_WIDTH, PICTURE_HEIGHT);
  const backdrop = SCENE_DRAWINGS[picture.scene](canvas, picture.light, random);
  const x = PICTURE_WIDTH / 2 + random.integer(-26, 26);
  const scale = 0.88 + 0.16 * random.uniform();
  if (backdrop.shadow !== null) canvas.ellipse(backdrop.shadow, x, backdrop.y, SHADOW_HALF_WIDTH * scale, 6);
  const pen = new Pen(canvas, x, backdrop.y, scale, random.chance(0.5), (colour) => subjectUnder(picture.light, colour));
  SUBJECT_DRAWINGS[picture.subject](pen, shadesOf(picture.colour));
  backdrop.front?.();
  return canvas;
}
