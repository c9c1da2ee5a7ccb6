import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { decodeImage } from '../../src/image/codecs.ts';
import { heat, legend, overlay, panel, similarityPicture, viridis } from '../../src/image/draw.ts';
import { drawText } from '../../src/image/font.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = (image: { width: number; data: Uint8ClampedArray }, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];

test('overlay: 0 leaves the photograph, 1 is mostly the palette, NaN is 0', () => {
  const photo = drawnPicture(4, 1);
  const result = overlay(photo, [0, 1, 0.5, Number.NaN], { alpha: 1 });
  assert.equal(pixel(result, 0, 0), pixel(photo, 0, 0));
  assert.equal(pixel(result, 1, 0), [...heat[2]]);
  const half = heat[1].map((v, c) => Math.round((v + photo.data[6 + c]) / 2));
  pixel(result, 2, 0).forEach((v, c) => {
    assert.ok(Math.abs(v - half[c]) <= 1);
  });
  assert.equal(pixel(result, 3, 0), pixel(photo, 3, 0));
  assert.throws(() => overlay(photo, [0, 1]), /2 values for 4 x 1/);
});

test('similarity picture: a fixed scale, row i down and column j across', () => {
  const picture = similarityPicture([0, 1, 0.5, 0], 2, 3);
  assert.equal([picture.width, picture.height], [6, 6]);
  assert.equal(pixel(picture, 0, 0), [...viridis[0]]);
  assert.equal(pixel(picture, 5, 0), [...viridis[10]]);
  assert.equal(pixel(picture, 2, 5), [...viridis[5]]);
});

test('panel: pictures lie where they belong, and survive PNG', async () => {
  const [a, b] = [drawnPicture(20, 10, 1), drawnPicture(8, 30, 2)];
  const result = panel([[{ image: a, label: 'a' }, { image: b }], [{ image: b }]], 4);
  assert.equal([result.width, result.height], [20 + 8 + 12, 9 + 30 + 30 + 12]);
  assert.equal(pixel(result, 4, 4 + 9), pixel(a, 0, 0));
  assert.equal(pixel(result, 4 + 20 + 4 + 7, 4 + 9 + 29), pixel(b, 7, 29));
  assert.equal(pixel(result, 4, 4 + 39 + 4), pixel(b, 0, 0));
  assert.equal((await decodeImage(encodePng(result), 'panel')).data, result.data);
});

test('text: letters are drawn as they look, cut at the border', () => {
  const rows = (text: string, width: number) => {
    const image = { width, height: 7, data: new Uint8ClampedArray(width * 7 * 3) };
    drawText(image, text, 0, 0);
    return Array.from({ length: 7 }, (_, y) =>
      Array.from({ length: width }, (_, x) => (image.data[(y * width + x) * 3] ? '#' : '.')).join(
        '',
      ),
    );
  };
  assert.equal(rows('T', 5), ['#####', '..#..', '..#..', '..#..', '..#..', '..#..', '..#..']);
  assert.equal(rows('z', 5), ['.....', '.....', '#####', '...#.', '..#..', '.#...', '#####']);
  assert.equal(rows('TT', 7)[0], '#####.#');
  assert.equal(rows('\u{1F600}', 5), rows('?', 5));
});

test('legend: the palette from its first to its last colour', () => {
  const bar = legend(viridis, '0', '1', 100);
  const colours = Array.from({ length: bar.width }, (_, x) => pixel(bar, x, 5).join());
  assert.ok(colours.indexOf(viridis[0].join()) >= 0);
  assert.ok(colours.indexOf(viridis[10].join()) > colours.indexOf(viridis[0].join()));
});
