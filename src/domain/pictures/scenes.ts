// The backgrounds of the demo's pictures: sky and ground, walls and tables.
import type { RandomStream } from '../randomStream.ts';
import type { Canvas, Rgb } from './canvas.ts';
import { GLASS, groundUnder, mix, PAPER } from './colours.ts';
import type { Light, SceneName } from './pictureSubjects.ts';

/** Where a subject goes in the scene that was drawn. */
export interface Backdrop {
  readonly y: number; // pixel row on which it stands, swims, or below which it hangs
  readonly shadow: Rgb | null; // of the ground beneath it; null: none
  /** What lies in front of the subject. */
  readonly front: (() => void) | null;
}

interface Sky {
  readonly top: Rgb;
  readonly bottom: Rgb;
  readonly star: Rgb; // sun or moon
  readonly cloud: Rgb; // clouds, or small stars
}
const SKIES: Readonly<Record<Light, Sky>> = {
  day: { top: [164, 208, 236], bottom: [206, 230, 242], star: [255, 224, 128], cloud: [246, 251, 254] },
  sunset: { top: [232, 138, 116], bottom: [250, 194, 136], star: [255, 234, 160], cloud: [246, 166, 128] },
  night: { top: [36, 44, 84], bottom: [58, 68, 112], star: [246, 240, 212], cloud: [170, 182, 220] },
};

function drawSky(canvas: Canvas, light: Light, random: RandomStream, horizon: number): void {
  const sky = SKIES[light];
  const { width } = canvas;
  canvas.rectangle(sky.top, 0, 0, width, horizon);
  canvas.rectangle(sky.bottom, 0, horizon * 0.55, width, horizon * 0.45 + 1);
  const side = random.chance(0.5) ? random.integer(20, 56) : random.integer(152, 188);
  if (light === 'sunset') canvas.ellipse(sky.star, side, horizon - 8, 22, 22);
  else canvas.ellipse(sky.star, side, random.integer(22, 34), 13, 13);
  if (light === 'night') {
    canvas.ellipse(sky.top, side + 7, 22, 11, 11); // a crescent
    for (let count = 0; count < 12; count++) canvas.rectangle(sky.cloud, random.integer(4, width - 6), random.integer(4, Math.round(horizon * 0.5)), 2, 2);
  } else {
    for (let count = random.integer(1, 3); count > 0; count--) drawCloud(canvas, sky.cloud, random.integer(10, width - 40), random.integer(16, Math.round(horizon * 0.5)), random.integer(7, 11));
  }
}

function drawCloud(canvas: Canvas, colour: Rgb, x: number, y: number, size: number): void {
  canvas.ellipse(colour, x, y, size * 1.2, size * 0.7);
  canvas.ellipse(colour, x + size * 1.2, y - size * 0.4, size * 1.1, size);
  canvas.ellipse(colour, x + size * 2.4, y, size * 1.3, size * 0.7);
  canvas.rectangle(colour, x - size * 0.5, y, size * 3.4, size * 0.6);
}

/** A ridge of triangles over the whole width. */
function drawRidge(canvas: Canvas, colour: Rgb, base: number, peaks: readonly (readonly [number, number, number])[]): void {
  for (const [x, height, half] of peaks) canvas.polygon(colour, [x - half, base, x, base - height, x + half, base]);
}

type SceneDrawing = (canvas: Canvas, light: Light, random: RandomStream) => Backdrop;

const meadow: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 92);
  canvas.ellipse(under([150, 196, 128]), random.integer(20, 70), 118, 96, 40);
  canvas.ellipse(under([136, 184, 116]), random.integer(140, 190), 120, 100, 36);
  canvas.rectangle(under([118, 172, 102]), 0, 104, 208, 52);
  for (let count = 0; count < 9; count++) {
    const x = random.integer(4, 200);
    const y = random.integer(112, 150);
    canvas.rectangle(under([250, 238, 190]), x, y, 3, 3);
  }
  return { y: 134, shadow: under([92, 144, 86]), front: null };
};

const beach: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 80);
  canvas.rectangle(under([84, 166, 192]), 0, 78, 208, 30);
  for (let count = 0; count < 5; count++) canvas.rectangle(under([150, 206, 216]), random.integer(0, 180), random.integer(82, 98), random.integer(14, 30), 2);
  canvas.ellipse(under([240, 216, 164]), 104, 150, 190, 48);
  canvas.rectangle(under([240, 216, 164]), 0, 122, 208, 34);
  return { y: 136, shadow: under([212, 184, 132]), front: null };
};

const street: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 112);
  const window = light === 'day' ? under([222, 232, 236]) : ([255, 216, 128] as Rgb);
  let x = -random.integer(0, 16);
  for (let index = 0; x < 208; index++) {
    const width = random.integer(30, 46);
    const top = random.integer(26, 62);
    canvas.rectangle(under(index % 2 === 0 ? [176, 164, 178] : [196, 178, 172]), x, top, width, 112 - top);
    for (let y = top + 8; y < 100; y += 16) for (let at = x + 6; at < x + width - 8; at += 13) if (random.chance(0.75)) canvas.rectangle(window, at, y, 6, 8);
    x += width;
  }
  canvas.rectangle(under([206, 202, 200]), 0, 112, 208, 10);
  canvas.rectangle(under([128, 128, 140]), 0, 120, 208, 36);
  for (let at = random.integer(-20, 0); at < 208; at += 46) canvas.rectangle(under([206, 202, 200]), at, 146, 24, 3);
  return { y: 137, shadow: under([100, 100, 114]), front: null };
};

const snow: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 96);
  const far = random.integer(0, 30);
  for (const x of [14 + far, 38 + far, 176 - far, 196 - far]) {
    canvas.polygon(under([92, 132, 124]), [x - 12, 104, x, 68, x + 12, 104]);
    canvas.polygon(under([236, 243, 250]), [x - 5, 82, x, 66, x + 5, 82]);
  }
  canvas.ellipse(under([212, 226, 240]), random.integer(20, 80), 130, 110, 38);
  canvas.ellipse(under([212, 226, 240]), random.integer(140, 200), 128, 90, 32);
  canvas.rectangle(under([226, 236, 246]), 0, 112, 208, 44);
  for (let count = 0; count < 16; count++) canvas.rectangle(under([255, 255, 255]), random.integer(2, 204), random.integer(6, 150), 3, 3);
  return { y: 136, shadow: under([190, 208, 228]), front: null };
};

const mountains: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 108);
  const shift = random.integer(-24, 24);
  const peaks = [[40 + shift, 76, 62], [112 + shift, 62, 56], [176 + shift, 84, 66]] as const;
  drawRidge(canvas, under([112, 138, 186]), 112, peaks);
  for (const [x, height, half] of peaks) canvas.polygon(under([240, 245, 250]), [x - half * 0.25, 112 - height * 0.75, x, 112 - height, x + half * 0.25, 112 - height * 0.75, x + half * 0.08, 112 - height * 0.8, x - half * 0.06, 112 - height * 0.7]);
  drawRidge(canvas, under([84, 112, 160]), 112, [[10 + shift, 40, 50], [90 + shift, 34, 54], [150 + shift, 44, 48], [216 + shift, 40, 46]]);
  canvas.rectangle(under([156, 178, 136]), 0, 110, 208, 46);
  canvas.ellipse(under([142, 166, 124]), random.integer(40, 160), 156, 120, 26);
  return { y: 136, shadow: under([122, 146, 112]), front: null };
};

const lake: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 76);
  drawRidge(canvas, under([128, 158, 168]), 80, [[30, 34, 60], [96, 24, 50], [170, 40, 70]]);
  canvas.rectangle(under([106, 176, 198]), 0, 78, 208, 78);
  canvas.rectangle(under([126, 190, 208]), 0, 78, 208, 12);
  return {
    y: 112, shadow: under([88, 156, 182]),
    front: () => {
      for (const [y, gap] of [[111, 4], [124, 18], [138, 30]] as const) for (let count = 0; count < 3; count++) canvas.rectangle(under([172, 216, 226]), random.integer(8, 180 - gap), y, random.integer(20, 44), 2);
    },
  };
};

const waves: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 82);
  const row = (colour: Rgb, y: number): void => {
    canvas.rectangle(colour, 0, y, 208, 156 - y);
    for (let x = -random.integer(0, 30); x < 230; x += 32) canvas.ellipse(colour, x, y + 2, 19, 9);
  };
  row(under([88, 150, 178]), 88);
  row(under([66, 128, 164]), 104);
  return {
    y: 114, shadow: null,
    front: () => {
      row(under([48, 106, 148]), 120);
      row(under([38, 90, 132]), 140);
      for (let count = 0; count < 6; count++) canvas.rectangle(under([214, 232, 238]), random.integer(4, 190), random.integer(124, 148), 10, 2);
    },
  };
};

const hills: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 130);
  canvas.ellipse(under([150, 196, 128]), random.integer(30, 60), 156, 90, 40);
  canvas.ellipse(under([126, 178, 108]), random.integer(140, 180), 160, 100, 38);
  canvas.ellipse(under([104, 158, 94]), random.integer(80, 110), 172, 110, 32);
  for (let count = 0; count < 6; count++) {
    const x = random.integer(10, 196);
    canvas.ellipse(under([76, 126, 82]), x, 146, 6, 7);
  }
  return { y: 112, shadow: null, front: null };
};

const shore: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 124);
  canvas.rectangle(under([74, 148, 184]), 0, 122, 208, 34);
  for (let count = 0; count < 8; count++) canvas.rectangle(under([156, 206, 220]), random.integer(0, 186), random.integer(126, 152), random.integer(10, 26), 2);
  const x = random.integer(20, 170);
  canvas.polygon(under([236, 236, 230]), [x, 121, x + 10, 104, x + 10, 121]);
  canvas.polygon(under([142, 98, 80]), [x - 4, 122, x + 16, 122, x + 12, 128, x, 128]);
  return { y: 112, shadow: null, front: null };
};

const roofs: SceneDrawing = (canvas, light, random) => {
  const under = (colour: Rgb): Rgb => groundUnder(light, colour);
  drawSky(canvas, light, random, 140);
  const window = light === 'day' ? under([222, 232, 236]) : ([255, 216, 128] as Rgb);
  let x = -random.integer(0, 20);
  for (let index = 0; x < 208; index++) {
    const width = random.integer(34, 50);
    const top = random.integer(126, 136);
    canvas.rectangle(under([226, 208, 184]), x, top, width, 156 - top);
    canvas.polygon(under(index % 2 === 0 ? [176, 92, 78] : [154, 84, 84]), [x - 2, top, x + width / 2, top - 18, x + width + 2, top]);
    canvas.rectangle(window, x + width / 2 - 4, top + 8, 8, 9);
    x += width;
  }
  return { y: 108, shadow: null, front: null };
};

const room: SceneDrawing = (canvas, _light, random) => {
  canvas.rectangle([238, 226, 208], 0, 0, 208, 120);
  for (let x = random.integer(-12, 0); x < 208; x += 24) canvas.rectangle([228, 212, 192], x, 0, 12, 120);
  const x = random.chance(0.5) ? 14 : 152;
  canvas.rectangle([152, 110, 80], x, 22, 42, 34); // a framed landscape
  canvas.rectangle(GLASS, x + 4, 26, 34, 26);
  canvas.polygon([134, 172, 140], [x + 4, 52, x + 18, 34, x + 38, 52]);
  canvas.rectangle(PAPER, 0, 116, 208, 6);
  canvas.rectangle([190, 142, 104], 0, 122, 208, 34);
  canvas.rectangle([174, 128, 92], 0, 137, 208, 2);
  return { y: 138, shadow: [158, 114, 82], front: null };
};

const wall: SceneDrawing = (canvas) => {
  canvas.rectangle([188, 116, 98], 0, 0, 208, 120);
  for (let row = 0; row * 12 < 120; row++) {
    canvas.rectangle([206, 144, 124], 0, row * 12 + 10, 208, 2);
    for (let x = row % 2 === 0 ? 8 : 22; x < 208; x += 28) canvas.rectangle([206, 144, 124], x, row * 12, 2, 11);
  }
  canvas.rectangle([176, 172, 170], 0, 120, 208, 36);
  canvas.rectangle([196, 192, 188], 0, 120, 208, 5);
  return { y: 138, shadow: [144, 140, 142], front: null };
};

const table: SceneDrawing = (canvas, _light, random) => {
  canvas.rectangle([212, 226, 220], 0, 0, 208, 104);
  canvas.rectangle([198, 214, 208], 0, 66, 208, 38);
  const x = random.chance(0.5) ? 30 : 178;
  canvas.line([120, 116, 120], x, 0, x, 22, 2); // a lamp
  canvas.polygon([238, 184, 96], [x - 6, 22, x + 6, 22, x + 18, 40, x - 18, 40]);
  canvas.rectangle([182, 130, 90], 0, 102, 208, 54);
  canvas.rectangle([200, 148, 106], 0, 102, 208, 6);
  for (const y of [120, 138]) canvas.rectangle([166, 116, 80], 0, y, 208, 2);
  return { y: 128, shadow: [148, 102, 70], front: null };
};

const cloth: SceneDrawing = (canvas) => {
  canvas.rectangle([244, 232, 206], 0, 0, 208, 100);
  canvas.rectangle([232, 216, 186], 0, 70, 208, 30);
  canvas.rectangle(PAPER, 0, 100, 208, 56);
  for (let row = 0; row < 4; row++) for (let x = row % 2 === 0 ? 0 : 16; x < 208; x += 32) canvas.rectangle([214, 106, 98], x, 100 + row * 14, 16, 14);
  for (let row = 0; row < 4; row++) for (let x = row % 2 === 0 ? 16 : 0; x < 208; x += 32) canvas.rectangle([240, 190, 182], x, 100 + row * 14, 16, 14);
  return { y: 130, shadow: [186, 128, 120], front: null };
};

const sill: SceneDrawing = (canvas, _light, random) => {
  canvas.rectangle([232, 220, 214], 0, 0, 208, 156);
  canvas.rectangle(PAPER, 20, 4, 168, 114);
  canvas.rectangle(SKIES.day.top, 28, 12, 152, 106);
  canvas.ellipse(SKIES.day.star, random.integer(44, 80), 34, 11, 11);
  drawCloud(canvas, SKIES.day.cloud, random.integer(100, 140), random.integer(26, 44), 8);
  canvas.ellipse([150, 196, 128], random.integer(70, 140), 126, 60, 30);
  for (const [x, width] of [[0, 28], [180, 28]] as const) canvas.rectangle(mix([232, 220, 214], [208, 120, 110], 0.35), x, 0, width, 116);
  canvas.rectangle(PAPER, 101, 4, 6, 112);
  canvas.rectangle(PAPER, 0, 116, 208, 26);
  canvas.rectangle([214, 204, 192], 0, 138, 208, 18);
  return { y: 130, shadow: [226, 216, 202], front: null };
};

export const SCENE_DRAWINGS: Readonly<Record<SceneName, SceneDrawing>> = { meadow, beach, street, snow, mountains, lake, waves, hills, shore, roofs, room, wall, table, cloth, sill };
