/** Both methods that lay one person's features over another's. */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { forgingOf } from '../../src/config/forge-schema.ts';
import { apply, pointsOf, type Similarity, type Subject } from '../../src/forge/face.ts';
import type { Point } from '../../src/forge/mask.ts';
import { parts, swap } from '../../src/forge/transplant.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture, failure, samePixels } from '../support/pictures.ts';
import { suite } from '../support/run.ts';

const forging = forgingOf({});
/** What is laid over keeps its sharpness. */
const plain = forgingOf({ traces: 0, transfer: [0, 0] });

const face: Subject = { image: drawnPicture(96, 112, 1), landmarks: null };
const donor: Subject = { image: drawnPicture(120, 130, 2), landmarks: null };

/** A grey picture with white dots. */
function dotted(width: number, height: number, dots: readonly Point[]): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    const texture = 110 + 6 * Math.sin(x) * Math.cos(0.7 * y);
    const near = dots.some(([u, v]) => Math.hypot(u - x, v - y) < 2.5);
    data.fill(near ? 250 : texture, i * 3, i * 3 + 3);
  }
  return { width, height, data };
}

/** The mean place of what is much lighter than the rest, within some pixels of a point. */
function lightAt({ width, height, data }: RgbImage, [u, v]: Point): Point | null {
  let [sum, sx, sy] = [0, 0, 0];
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    const value = data[i * 3] - 150;
    if (value <= 0 || Math.hypot(x - u, y - v) > 6) continue;
    sum += value;
    sx += value * x;
    sy += value * y;
  }
  return sum > 0 ? [sx / sum, sy / sum] : null;
}

for (const [name, forge] of Object.entries({ swap, parts })) {
  const test = suite(name);

  test('a forgery is its real picture outside of the mask, and another inside', () => {
    const sums = new Float32Array(96 * 112);
    for (let n = 0; n < 24; n++) {
      const { image, mask, real } = forge(face, donor, new Random(7, 'test', n), forging);
      assert.ok(samePixels(real, face.image));
      assert.equal([image.width, image.height, mask.width, mask.height], [96, 112, 96, 112]);
      let [inside, pixels] = [0, 0];
      for (let i = 0; i < mask.data.length; i++) {
        sums[i] += mask.data[i] / 255 / 24;
        let difference = 0;
        for (let c = i * 3; c < i * 3 + 3; c++) {
          difference += Math.abs(image.data[c] - real.data[c]);
        }
        if (mask.data[i] === 0) assert.is(difference, 0);
        if (mask.data[i] > 127) {
          inside += difference;
          pixels++;
        }
      }
      assert.ok(pixels > 0.004 * mask.data.length, `${pixels}`);
      assert.ok(Math.max(...mask.data) > 250);
      assert.ok(inside / pixels > 6, `${inside / pixels} a pixel`);
    }
    assert.ok(Math.max(...sums) > 0.2 && sums[0] < 0.1, 'altered in the middle');
  });

  test('the same numbers give the same forgery, others another; both faces stay as they are', () => {
    const before = [face.image.data.slice(), donor.image.data.slice()];
    const [a, b, c] = [1, 1, 2].map((n) => forge(face, donor, new Random(5, 'f', n), forging));
    assert.equal(a, b);
    assert.not.equal(c.mask.data, a.mask.data);
    assert.equal([face.image.data, donor.image.data], before);
  });

  test('landmarks bring features onto features, however the other face is turned', () => {
    const expected = pointsOf({ image: dotted(128, 128, []), landmarks: null });
    const turned: Similarity = { a: 0.9, b: 0.35, x0: 30, y0: -15 };
    const there = expected.map((point) => apply(turned, point));
    const other = { image: dotted(150, 150, there), landmarks: there as never };
    const here = { image: dotted(128, 128, []), landmarks: expected as never };
    let found = 0;
    for (let n = 0; n < 20; n++) {
      const { image, mask } = forge(here, other, new Random(3, 'dots', n), plain);
      for (const point of expected) {
        const at = Math.floor(point[1]) * 128 + Math.floor(point[0]);
        const inside = [0, -5, 5, -5 * 128, 5 * 128].every((by) => mask.data[at + by] > 240);
        if (!inside) continue;
        const light = lightAt(image, point);
        assert.ok(light, `nothing at ${point}`);
        const away = Math.hypot(light[0] - point[0], light[1] - point[1]);
        assert.ok(away < 0.5, `${away} pixels away`);
        found++;
      }
    }
    assert.ok(found >= 10, `${found}`);
  });

  test('a face too small, and landmarks that are no face, are refused', async () => {
    const random = () => new Random(0, 'x');
    const small = { image: drawnPicture(20, 40), landmarks: null };
    const error = await failure(() => forge(small, donor, random(), forging));
    assert.match(error.message, /20 x 40 pixels is too small/);
    const far = pointsOf(face).map(([x, y]) => [x + 500, y]) as never;
    const outside = await failure(() =>
      forge({ ...face, landmarks: far }, donor, random(), forging),
    );
    assert.match(outside.message, /landmarks may be wrong/);
  });
}
