// Every picture that can be asked for is drawn, is a PNG that another decoder reads, and shows the colour it should.
import assert from 'node:assert/strict';
import { PNG } from 'pngjs';
import { DOCUMENTED_SPREADS, inventPosts } from '../../../src/domain/inventedPosts.ts';
import { Canvas, MAX_COLOURS } from '../../../src/domain/pictures/canvas.ts';
import { shadesOf, subjectUnder } from '../../../src/domain/pictures/colours.ts';
import { drawPicture, PICTURE_HEIGHT, PICTURE_WIDTH } from '../../../src/domain/pictures/drawPicture.ts';
import { LIGHTS, SCENES, SUBJECTS, type Picture, type SubjectName } from '../../../src/domain/pictures/pictureSubjects.ts';
import { encodePng } from '../../../src/sources/encodePng.ts';

/** Red, green, blue of each pixel, as another library decodes the file. */
function decode(file: Buffer): { width: number; height: number; colours: number[] } {
  const { width, height, data } = PNG.sync.read(file);
  return { width, height, colours: Array.from({ length: width * height }, (_, at) => data.readUIntBE(at * 4, 3)) };
}

const coloursOf = (canvas: Canvas): number[] => Array.from(canvas.pixels, (index) => canvas.palette[index]!.reduce((key, part) => key * 256 + part, 0));

function* everyPicture(): Generator<Picture> {
  for (const [subject, { colours, scenes }] of Object.entries(SUBJECTS)) {
    for (const scene of scenes) for (const colour of colours) for (const light of SCENES[scene].lit ? LIGHTS : LIGHTS.slice(0, 1)) yield { subject: subject as SubjectName, colour, scene, light };
  }
}

describe('pictures of the demo', () => {
  it('can all be drawn, in few colours, and show the colour that the caption names', () => {
    let drawn = 0;
    for (const picture of everyPicture()) {
      const canvas = drawPicture(picture, drawn++);
      assert.ok(canvas.palette.length <= MAX_COLOURS);
      const named = subjectUnder(picture.light, shadesOf(picture.colour).main);
      const index = canvas.palette.findIndex((colour) => colour.every((part, at) => part === named[at]));
      const pixels = canvas.pixels.filter((pixel) => pixel === index).length;
      assert.ok(index >= 0 && pixels >= 60, `${JSON.stringify(picture)}: ${pixels} pixels`);
    }
  });

  it('are PNG files that another decoder reads pixel by pixel', () => {
    for (const [subject, { colours, scenes }] of Object.entries(SUBJECTS)) {
      const canvas = drawPicture({ subject: subject as SubjectName, colour: colours[0]!, scene: scenes[0]!, light: 'day' }, 3);
      const { width, height, colours: pixels } = decode(encodePng(canvas));
      assert.deepEqual([width, height], [PICTURE_WIDTH, PICTURE_HEIGHT]);
      assert.deepEqual(pixels, coloursOf(canvas));
    }
  });

  it('take a byte a pixel beyond 16 colours, and may have an odd width', () => {
    for (const colours of [1, 16, 17, 32]) {
      const canvas = new Canvas(33, 2);
      for (let x = 0; x < 33; x++) canvas.rectangle([x % colours, 100, 200], x, 0, 1, 2);
      const { width, colours: pixels } = decode(encodePng(canvas));
      assert.equal(width, 33);
      assert.deepEqual(pixels, coloursOf(canvas));
      assert.equal(canvas.palette.length, colours);
    }
  });

  it('weigh less than 2 kB on average', () => {
    const posts = [...inventPosts({ users: 40, seed: 0, spreads: DOCUMENTED_SPREADS, smallUsers: 0, faults: 0, pictures: true })].flat();
    const bytes = posts.reduce((sum, { picture, pictureSeed }) => sum + encodePng(drawPicture(picture, pictureSeed)).length, 0);
    assert.ok(bytes / posts.length < 2000, `${bytes / posts.length}`);
  });

  it('differ where their captions differ, and move with the seed', () => {
    const picture: Picture = { subject: 'dog', colour: 'brown', scene: 'meadow', light: 'day' };
    const pixels = (changes: Partial<Picture>, seed = 1): number[] => coloursOf(drawPicture({ ...picture, ...changes }, seed));
    assert.deepEqual(pixels({}), pixels({}));
    for (const changes of [{ subject: 'cat' }, { colour: 'grey' }, { scene: 'beach' }, { light: 'night' }] as const) assert.notDeepEqual(pixels(changes), pixels({}));
    assert.notDeepEqual(pixels({}, 2), pixels({}, 1));
  });
});

describe('the canvas', () => {
  it('fills the pixels whose centres a shape covers', () => {
    const canvas = new Canvas(4, 3);
    canvas.rectangle([0, 0, 0], 0, 0, 4, 3);
    canvas.rectangle([9, 9, 9], 1, 1, 2, 1);
    assert.deepEqual([...canvas.pixels], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    canvas.polygon([5, 5, 5], [0, 0, 4, 0, 0, 3]); // centres left of the line from (4, 0) to (0, 3)
    assert.deepEqual([...canvas.pixels], [2, 2, 2, 0, 2, 2, 1, 0, 2, 0, 0, 0]);
  });

  it('clips what lies outside', () => {
    const canvas = new Canvas(3, 3);
    canvas.rectangle([0, 0, 0], 0, 0, 3, 3);
    canvas.ellipse([1, 1, 1], 0, 0, 1.2, 1.2);
    canvas.line([2, 2, 2], -5, 2.5, 9, 2.5, 1);
    assert.deepEqual([...canvas.pixels], [1, 0, 0, 0, 0, 0, 2, 2, 2]);
  });

  it('refuses more colours than a picture should need', () => {
    const canvas = new Canvas(1, 1);
    for (let shade = 0; shade < MAX_COLOURS; shade++) canvas.rectangle([shade, 0, 0], 0, 0, 1, 1);
    assert.throws(() => canvas.rectangle([200, 0, 0], 0, 0, 1, 1), /more than 32 colours/);
  });
});
