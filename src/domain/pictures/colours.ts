// The colours of the demo's pictures, and how the light of a scene changes them.
import type { Rgb } from './canvas.ts';
import type { ColourName, Light } from './pictureSubjects.ts';

const NAMED: Readonly<Record<ColourName, Rgb>> = {
  red: [212, 66, 60], orange: [236, 136, 48], yellow: [245, 202, 68], green: [92, 164, 92], blue: [66, 122, 198], purple: [140, 98, 182],
  pink: [238, 142, 172], white: [252, 249, 240], brown: [146, 100, 68], grey: [148, 154, 164], black: [62, 60, 68],
};

/** Fixed colours of parts that a caption does not name. */
export const INK: Rgb = [58, 52, 62];
export const PAPER: Rgb = [252, 248, 238];
export const WOOD: Rgb = [158, 112, 76];
export const METAL: Rgb = [176, 182, 192];
export const GOLD: Rgb = [244, 198, 84];
export const SKIN: Rgb = [240, 196, 162];
export const GLASS: Rgb = [190, 222, 234];
export const CHERRY: Rgb = [208, 58, 72];
export const LEAF: Rgb = [66, 128, 92];
export const DEEP_LEAF: Rgb = [50, 104, 78];
export const BEAK: Rgb = [238, 150, 56];
export const ROOF: Rgb = [122, 80, 78];
export const COFFEE: Rgb = [98, 64, 48];

/** The colour a caption names, with a darker and a lighter one for edges and lights. */
export interface Shades {
  readonly main: Rgb;
  readonly dark: Rgb;
  readonly light: Rgb;
}

export function shadesOf(name: ColourName): Shades {
  const main = NAMED[name];
  return { main, dark: mix(main, [44, 36, 60], 0.26), light: mix(main, [255, 252, 244], name === 'black' ? 0.3 : 0.42) };
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (a: number, b: number): number => Math.round(a + (b - a) * share);
  return [part(from[0], to[0]), part(from[1], to[1]), part(from[2], to[2])];
}

const EVENING_SUN: Rgb = [236, 128, 84];
const NIGHT: Rgb = [30, 36, 78];

/** The ground of a scene under `light`. */
export function groundUnder(light: Light, colour: Rgb): Rgb {
  return light === 'day' ? colour : light === 'sunset' ? mix(colour, EVENING_SUN, 0.24) : mix(colour, NIGHT, 0.6);
}

/** What stands in it: less changed, so that its colour can still be told. */
export function subjectUnder(light: Light, colour: Rgb): Rgb {
  return light === 'day' ? colour : light === 'sunset' ? mix(colour, EVENING_SUN, 0.1) : mix(colour, NIGHT, 0.22);
}
