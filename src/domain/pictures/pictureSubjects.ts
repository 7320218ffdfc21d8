// What the demo's pictures may show, and how a caption says it. A caption follows from the picture and the picture from
// the caption (up to where in the frame things are), so that a captioning model can be judged on them.

export const COLOUR_NAMES = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'white', 'brown', 'grey', 'black'] as const;
export type ColourName = (typeof COLOUR_NAMES)[number];

export const LIGHTS = ['day', 'sunset', 'night'] as const;
export type Light = (typeof LIGHTS)[number];

/** How a caption names the place. Scenes under the sky also have a light. */
export const SCENES = {
  meadow: { phrase: 'in a green meadow', lit: true },
  beach: { phrase: 'on a sandy beach', lit: true },
  street: { phrase: 'on a city street', lit: true },
  snow: { phrase: 'in a snowy field', lit: true },
  mountains: { phrase: 'in front of blue mountains', lit: true },
  lake: { phrase: 'on a calm lake', lit: true },
  waves: { phrase: 'on a rough sea', lit: true },
  hills: { phrase: 'above green hills', lit: true },
  shore: { phrase: 'above the sea', lit: true },
  roofs: { phrase: 'above the rooftops', lit: true },
  room: { phrase: 'in a room with striped wallpaper', lit: false },
  wall: { phrase: 'in front of a brick wall', lit: false },
  table: { phrase: 'on a wooden table', lit: false },
  cloth: { phrase: 'on a checked tablecloth', lit: false },
  sill: { phrase: 'on a window sill', lit: false },
} as const;
export type SceneName = keyof typeof SCENES;

const OUTDOORS: readonly SceneName[] = ['meadow', 'beach', 'street', 'snow', 'mountains'];
const INDOORS: readonly SceneName[] = ['room', 'wall'];
const TABLES: readonly SceneName[] = ['table', 'cloth', 'sill'];
const WATER: readonly SceneName[] = ['lake', 'waves'];
const SKY: readonly SceneName[] = ['hills', 'shore', 'roofs'];

export interface Subject {
  readonly name: string; // as a title or tag names it
  readonly phrase: string; // as a caption names it; * is the colour
  readonly colours: readonly ColourName[];
  readonly scenes: readonly SceneName[];
}

const subject = (name: string, phrase: string, colours: readonly ColourName[], ...scenes: (readonly SceneName[])[]): Subject => ({ name, phrase, colours, scenes: scenes.flat() });
const BRIGHT: readonly ColourName[] = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink'];
const PAINTED: readonly ColourName[] = ['red', 'orange', 'yellow', 'green', 'blue', 'white'];
const FUR: readonly ColourName[] = ['brown', 'white', 'grey', 'black', 'orange'];

/** Three subjects for each category: which one a picture shows is what its score depends on. */
export const SUBJECTS = {
  dress: subject('dress', 'a * dress', BRIGHT, INDOORS),
  hat: subject('hat', 'a * hat', BRIGHT, TABLES),
  handbag: subject('handbag', 'a * handbag', [...BRIGHT, 'brown'], TABLES),
  bicycle: subject('bicycle', 'a * bicycle', PAINTED, OUTDOORS, ['wall']),
  sailboat: subject('sailboat', 'a * sailboat', PAINTED, WATER),
  balloon: subject('balloon', 'a * hot air balloon', BRIGHT, SKY),
  dog: subject('dog', 'a * dog', FUR, OUTDOORS, INDOORS),
  cat: subject('cat', 'a * cat', FUR, INDOORS, ['meadow', 'street']),
  duck: subject('duck', 'a * duck', ['yellow', 'white', 'brown', 'green'], WATER),
  car: subject('car', 'a * car', PAINTED, OUTDOORS),
  bus: subject('bus', 'a * bus', PAINTED, OUTDOORS),
  tower: subject('clock tower', 'a * clock tower', ['brown', 'grey', 'white', 'red'], OUTDOORS),
  cake: subject('cake', 'a * cake', ['pink', 'white', 'brown', 'yellow', 'green'], TABLES),
  icecream: subject('ice cream', 'a glass of * ice cream', ['pink', 'white', 'brown', 'green', 'purple'], TABLES),
  coffee: subject('coffee', 'a * coffee cup', BRIGHT, TABLES),
  house: subject('house', 'a * house', ['red', 'yellow', 'white', 'blue', 'brown'], OUTDOORS),
  teddy: subject('teddy bear', 'a * teddy bear', ['brown', 'pink', 'blue', 'white'], TABLES, INDOORS),
  kite: subject('kite', 'a * kite', BRIGHT, SKY),
  camera: subject('camera', 'a * camera', ['black', 'grey', 'red', 'blue', 'brown'], TABLES),
  robot: subject('robot', 'a * robot', ['grey', 'red', 'blue', 'yellow', 'green'], INDOORS, ['street', 'meadow']),
  radio: subject('radio', 'a * radio', ['red', 'brown', 'green', 'blue', 'white'], TABLES),
  guitar: subject('guitar', 'a * guitar', ['brown', 'red', 'orange', 'blue', 'black'], INDOORS),
  drum: subject('drum', 'a * drum', BRIGHT, INDOORS, ['street']),
  wheel: subject('Ferris wheel', 'a * Ferris wheel', BRIGHT, OUTDOORS),
  pumpkin: subject('pumpkin', 'a * carved pumpkin', ['orange', 'yellow', 'white', 'green'], TABLES, ['meadow', 'street']),
  present: subject('present', 'a * present', BRIGHT, TABLES, INDOORS),
  fir: subject('fir tree', 'a fir tree with * baubles', ['red', 'yellow', 'blue', 'pink', 'white'], ['room', 'snow', 'street']),
  child: subject('child', 'a child in a * coat', BRIGHT, OUTDOORS),
  couple: subject('couple', 'a couple under a * umbrella', BRIGHT, OUTDOORS),
  crowd: subject('crowd', 'a crowd with * flags', BRIGHT, OUTDOORS),
  snowman: subject('snowman', 'a snowman with a * scarf', BRIGHT, ['snow']),
  umbrella: subject('parasol', 'a * parasol', BRIGHT, ['beach', 'meadow', 'street']),
  tree: subject('tree', 'a tree with * leaves', ['green', 'orange', 'yellow', 'red', 'pink', 'brown'], OUTDOORS),
} as const satisfies Record<string, Subject>;
export type SubjectName = keyof typeof SUBJECTS;

/** Everything that a caption says about a picture. */
export interface Picture {
  readonly subject: SubjectName;
  readonly colour: ColourName;
  readonly scene: SceneName;
  readonly light: Light; // 'day' where the scene has none
}

/** 'a red sailboat on a calm lake at sunset'. */
export function describePicture(picture: Picture): string {
  const scene = SCENES[picture.scene];
  const what = SUBJECTS[picture.subject].phrase.replace('*', picture.colour).replace(/\ba (?=[aeiou])/g, 'an ');
  const light = scene.lit && picture.light !== 'day' ? ` at ${picture.light}` : '';
  return `${what} ${scene.phrase}${light}`;
}
