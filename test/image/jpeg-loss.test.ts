import * as assert from 'uvu/assert';
import '../../node/files/image.ts';
import { throughJpeg } from '../../src/image/codecs.ts';
import { loseToJpeg } from '../../src/image/jpeg-loss.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

/** Root of the mean squared difference in grey levels. */
const away = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum / a.length);
};

test('the picture becomes about what an encoder and a decoder give back, of any size', async () => {
  for (const [width, height] of [
    [64, 64],
    [75, 53],
  ]) {
    for (const quality of [30, 60, 90]) {
      const picture = drawnPicture(width, height, 3);
      const lost = { ...picture, data: picture.data.slice() };
      loseToJpeg(lost, quality);
      const coded = await throughJpeg(picture, quality);
      const [ours, theirs] = [lost, coded].map(({ data }) => away(data, picture.data));
      // mozjpeg's trellis leaves out what costs many bits, so that it loses a little more.
      assert.ok(ours > 0.6 * theirs && ours < 1.1 * theirs, `${quality}: ${ours} ${theirs}`);
      assert.ok(away(lost.data, coded.data) < theirs, `${quality}: apart`);
    }
  }
});

test('a trip of the same quality again changes next to nothing; a lower one loses more', () => {
  const picture = drawnPicture(64, 64, 1);
  const grey = { ...picture, data: picture.data.map((_, i) => picture.data[i - (i % 3)]) };
  const once = { ...grey, data: grey.data.slice() };
  loseToJpeg(once, 70);
  const twice = { ...once, data: once.data.slice() };
  loseToJpeg(twice, 70);
  assert.ok(away(twice.data, once.data) < 0.35 * away(once.data, grey.data));
  const low = { ...grey, data: grey.data.slice() };
  loseToJpeg(low, 20);
  assert.ok(away(low.data, grey.data) > 1.5 * away(once.data, grey.data));
});

test('a part of a larger picture loses what it loses there: blocks begin where the corner says', () => {
  const large = drawnPicture(96, 80, 5);
  const [left, top, width, height] = [21, 6, 40, 48];
  const part = new Uint8ClampedArray(width * height * 3);
  const take = (from: typeof large) => {
    for (let y = 0; y < height; y++) {
      const row = ((y + top) * 96 + left) * 3;
      part.set(from.data.subarray(row, row + width * 3), y * width * 3);
    }
    return { width, height, data: part.slice() };
  };
  const ours = take(large);
  loseToJpeg(ours, 60, [left % 16, top]);
  const whole = { ...large, data: large.data.slice() };
  loseToJpeg(whole, 60);
  const theirs = take(whole);
  // Blocks that lie inside of the part are the same; 32 is the first border past its corner.
  for (let y = 16 - top; y < 32 - top; y++) {
    // Chroma is interpolated from a block's neighbours, so one pixel at its borders may differ.
    for (let i = (33 - left) * 3; i < (47 - left) * 3; i++) {
      const at = y * width * 3 + i;
      if (y === 16 - top || y === 31 - top) continue;
      assert.is(ours.data[at], theirs.data[at], `${i} ${y}`);
    }
  }
  const straight = take(large);
  loseToJpeg(straight, 60);
  assert.ok(away(straight.data, theirs.data) > away(ours.data, theirs.data));
});
