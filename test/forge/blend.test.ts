import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import {
  drawCare,
  layOver,
  matchColour,
  matchEdge,
  matchSharpness,
  toYcc,
  warp,
} from '../../src/forge/blend.ts';
import { gaussianBlur } from '../../src/image/pixels.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const [width, height] = [80, 64];
const target = drawnPicture(width, height, 1);
const still = { a: 1, b: 0, x0: 0, y0: 0 };

const yccOf = ({ data }: RgbImage) => {
  const ycc = Float32Array.from(data);
  toYcc(ycc);
  return ycc;
};

/** 1 in a disc, soft at its edge. */
const disc = Float32Array.from({ length: width * height }, (_, i) => {
  const away = Math.hypot((i % width) - 40, Math.floor(i / width) - 32);
  return Math.min(1, Math.max(0, (20 - away) / 4));
});

function moments(data: Float32Array, channel: number) {
  let [total, mean, variance] = [0, 0, 0];
  for (const weight of disc) total += weight;
  for (const [i, weight] of disc.entries()) mean += (weight * data[i * 3 + channel]) / total;
  for (const [i, weight] of disc.entries())
    variance += (weight * (data[i * 3 + channel] - mean) ** 2) / total;
  return { mean, spread: Math.sqrt(variance) };
}

test('moved nowhere a picture is itself; by whole pixels, its neighbours; outside is told', () => {
  const same = warp(target, still, width, height);
  const expected = yccOf(target);
  assert.ok(same.data.every((value, i) => Math.abs(value - expected[i]) < 1e-3));
  assert.ok(same.inside.every((value) => value === 1));
  const moved = warp(target, { ...still, x0: 3, y0: -2 }, width, height);
  for (const [x, y] of [
    [10, 10],
    [60, 40],
  ]) {
    const [to, from] = [(y * width + x) * 3, ((y - 2) * width + x + 3) * 3];
    assert.ok(Math.abs(moved.data[to] - expected[from]) < 1e-3);
  }
  assert.is(moved.inside[width - 1 + 20 * width], 0);
  assert.is(moved.inside[5 + width], 0);
  assert.is(moved.inside[5 + 2 * width], 1);
});

test('colours: mean and spread under the mask become the target’s', () => {
  const other = yccOf(drawnPicture(width, height, 2));
  const wanted = yccOf(target);
  // Within what is matched: 1.8 times in Y, 1.35 times in colour.
  const gains = [1.7, 0.8, 1.3].map(
    (gain, c) => moments(wanted, c).spread / moments(other, c).spread / gain,
  );
  const source = other.map((value, i) => value * gains[i % 3]);
  matchColour(source, wanted, disc, 1);
  for (let c = 0; c < 3; c++) {
    const [is, goal] = [moments(source, c), moments(wanted, c)];
    assert.ok(Math.abs(is.mean - goal.mean) < 0.01, `mean ${is.mean} ${goal.mean}`);
    assert.ok(Math.abs(is.spread / goal.spread - 1) < 0.01, `spread ${is.spread} ${goal.spread}`);
  }
});

test('sharpness: what was blurred comes nearer, what is too sharp too', () => {
  const wanted = yccOf(target);
  const blurred: RgbImage = { width, height, data: target.data.slice() };
  gaussianBlur(blurred.data, width, height, 3, 0.6);
  const detail = (ycc: Float32Array) => {
    let sum = 0;
    for (const [i, weight] of disc.entries()) {
      if (weight > 0) sum += weight * Math.abs(2 * ycc[i * 3] - ycc[i * 3 - 3] - ycc[i * 3 + 3]);
    }
    return sum;
  };
  const [sharp, soft] = [yccOf(target), yccOf(blurred)];
  const before = [detail(sharp), detail(soft)];
  assert.ok(before[1] < 0.9 * before[0], `${before}`);
  matchSharpness(soft, wanted, disc, width, height);
  matchSharpness(sharp, yccOf(blurred), disc, width, height);
  assert.ok(detail(soft) > before[1] + 0.15 * (before[0] - before[1]));
  assert.ok(detail(sharp) < before[0] - 0.15 * (before[0] - before[1]));
});

test('the smooth correction takes away a cast that covers the mask and its surroundings', () => {
  const wanted = yccOf(target);
  const source = wanted.map((value, i) => value + (i % 3 === 0 ? 30 : -8));
  matchEdge(source, wanted, disc, width, height);
  let worst = 0;
  for (const [i, weight] of disc.entries()) {
    if (weight > 0) worst = Math.max(worst, Math.abs(source[i * 3] - wanted[i * 3]));
  }
  assert.ok(worst < 1, `${worst}`);
});

test('what is laid over changes the picture where the mask says so, and nowhere else', () => {
  for (let n = 0; n < 12; n++) {
    const picture = { ...target, data: target.data.slice() };
    const source = yccOf(drawnPicture(width, height, 2));
    const mask = layOver(picture, source, disc, drawCare(new Random(1, 'care', n)));
    let changed = 0;
    for (let i = 0; i < mask.length; i++) {
      const same = [0, 1, 2].every((c) => picture.data[i * 3 + c] === target.data[i * 3 + c]);
      if (mask[i] === 0) assert.ok(same);
      if (mask[i] === 255 && !same) changed++;
      assert.is(mask[i], Math.round(disc[i] * 255));
    }
    assert.ok(changed > 500, `${changed}`);
  }
});
