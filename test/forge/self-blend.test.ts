import * as assert from 'uvu/assert';
import { finish } from '../../src/forge/finish.ts';
import { drawMask } from '../../src/forge/mask.ts';
import { selfBlend } from '../../src/forge/self-blend.ts';
import '../../node/files/image.ts';
import { Random } from '../../src/base/random.ts';
import { drawnPicture, failure, samePixels } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const face = drawnPicture(96, 128);

test('masks are soft, reach 1, are never nearly empty or nearly everything, and keep off the edge', () => {
  const sums = new Float32Array(96 * 128);
  let soft = 0;
  const count = 60;
  for (let n = 0; n < count; n++) {
    const mask = drawMask(96, 128, new Random(1, 'mask', n));
    const core = mask.filter((value) => value > 0.5).length / mask.length;
    assert.ok(core > 0.01 && core < 0.7, `${core}`);
    assert.is(Math.max(...mask), 1);
    assert.ok(Math.min(...mask) >= 0);
    soft += mask.filter((value) => value > 0.05 && value < 0.95).length / count;
    for (const [i, value] of mask.entries()) sums[i] += value / count;
    assert.ok(mask[0] < 0.05 && mask[mask.length - 1] < 0.05);
  }
  assert.ok(soft > 100, `${soft} soft pixels a mask`);
  // No place is nearly always altered: the place of the mask alone must not be the answer.
  assert.ok(Math.max(...sums) < 0.85, `${Math.max(...sums)}`);
});

test('most masks are of a whole face, without which little is learned; some are smaller', () => {
  let whole = 0;
  const count = 200;
  for (let n = 0; n < count; n++) {
    const mask = drawMask(64, 64, new Random(3, 'mask', n));
    const core = mask.filter((value) => value > 0.5).length / mask.length;
    if (core > 0.2) whole++;
  }
  assert.ok(whole > 0.5 * count && whole < 0.8 * count, `${whole} of ${count}`);
});

test('a forgery is its real picture outside of the mask, and another inside', () => {
  let changed = 0;
  for (let n = 0; n < 30; n++) {
    const { image, mask, real } = selfBlend(face, new Random(7, 'test', n));
    assert.equal([mask.width, mask.height, image.data.length], [96, 128, face.data.length]);
    let [inside, pixels] = [0, 0];
    for (let i = 0; i < image.data.length; i++) {
      const difference = Math.abs(image.data[i] - real.data[i]);
      const value = mask.data[Math.floor(i / 3)];
      if (value === 0) assert.ok(difference <= 1, `${difference} at ${i}`);
      if (value > 127) {
        inside += difference;
        pixels++;
      }
    }
    assert.ok(pixels > 0);
    if (inside / pixels > 1) changed++;
  }
  assert.ok(changed >= 28, `${changed} of 30 show a change`);
});

test('the real picture is changed as often as the forgery is: in half of the pairs', () => {
  let untouched = 0;
  for (let n = 0; n < 60; n++) {
    const { real } = selfBlend(face, new Random(2, 'test', n));
    if (samePixels(real, face)) untouched++;
  }
  assert.ok(untouched >= 18 && untouched <= 42, `${untouched} of 60`);
});

test('the same numbers give the same forgery, others another; the face stays as it is', () => {
  const before = face.data.slice();
  const [a, b] = [selfBlend(face, new Random(5, 'f', 1)), selfBlend(face, new Random(5, 'f', 1))];
  assert.equal(a, b);
  assert.not.equal(selfBlend(face, new Random(5, 'f', 2)).image, a.image);
  assert.equal(face.data, before);
});

test('a face too small is refused', async () => {
  const error = await failure(() => selfBlend(drawnPicture(20, 40), new Random(0, 'x')));
  assert.match(error.message, /20 x 40 pixels is too small/);
});

test('finishing treats any two pictures given equal streams alike', async () => {
  const other = drawnPicture(96, 128, 9);
  for (let n = 0; n < 12; n++) {
    const [a, b] = [new Random(1, 'end', n), new Random(1, 'end', n)];
    const results = [await finish(face, a), await finish(other, b)];
    assert.is(a.bits(), b.bits());
    const same = [face, other].map((from, i) => samePixels(from, results[i]));
    assert.is(same[0], same[1]);
  }
});
