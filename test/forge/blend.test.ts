import * as assert from 'uvu/assert';
import { layOver, matchColour } from '../../src/forge/blend.ts';
import type { SoftMask } from '../../src/forge/mask.ts';
import { planeOf, planeOfWhole, sample } from '../../src/forge/plane.ts';
import { floats } from '../../src/forge/scratch.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { held } from '../support/scratch.ts';

const [width, height] = [80, 64];
const target = drawnPicture(width, height, 1);
const still = { a: 1, b: 0, x0: 0, y0: 0 };

/** 1 in a disc, soft at its edge, in a box of its own. */
const mask: SoftMask = {
  box: [18, 10, 44, 44],
  data: Float32Array.from({ length: 44 * 44 }, (_, i) => {
    const away = Math.hypot((i % 44) - 22, Math.floor(i / 44) - 22);
    return Math.min(1, Math.max(0, (20 - away) / 4));
  }),
};

/** The mask in scratch memory. */
function inMemory(): SoftMask {
  const data = floats(mask.data.length);
  data.set(mask.data);
  return { ...mask, data };
}

function moments(data: Float32Array, channel: number) {
  const values = [...mask.data.keys()]
    .filter((i) => mask.data[i] > 0.3)
    .map((i) => data[i * 3 + channel]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, spread: Math.sqrt(variance) };
}

test(
  'moved nowhere a part of a picture is itself; by whole pixels, its neighbours; outside it is mirrored',
  held(() => {
    const same = sample(planeOfWhole(target), still, mask.box);
    const expected = planeOf(target, mask.box).data;
    assert.ok(same.data.every((value, i) => Math.abs(value - expected[i]) < 1e-3));
    const moved = sample(planeOfWhole(target), { ...still, x0: 3, y0: -2 }, [0, 0, width, height]);
    const at = (x: number, y: number) => (y * width + x) * 3;
    for (const [x, y, fromX, fromY] of [
      [10, 10, 13, 8],
      [60, 40, 63, 38],
      [78, 40, 77, 38], // 81 lies as far beyond the last column, 79, as 77 before it
      [10, 0, 13, 2],
    ]) {
      assert.ok(
        Math.abs(moved.data[at(x, y)] - target.data[at(fromX, fromY)]) < 1e-3,
        `${x}, ${y}`,
      );
    }
  }),
);

test(
  'colours: mean and spread under the mask become the target’s; at half strength half of it',
  held(() => {
    const wanted = planeOf(target, mask.box).data;
    for (const strength of [1, 0.5]) {
      const source = planeOf(drawnPicture(width, height, 2), mask.box);
      // Near to grey, where nothing is clipped.
      source.data.forEach((value, i) => {
        source.data[i] = 128 + (value - 128) / 3;
      });
      const before = [0, 1, 2].map((c) => moments(source.data, c));
      matchColour(source, target, inMemory(), strength);
      for (let c = 0; c < 3; c++) {
        const [is, goal] = [moments(source.data, c), moments(wanted, c)];
        const between = before[c].mean + strength * (goal.mean - before[c].mean);
        assert.ok(Math.abs(is.mean - between) < 1, `mean ${is.mean} ${between}`);
        const gain = goal.spread / before[c].spread;
        if (strength === 1 && gain > 0.5 && gain < 2) {
          assert.ok(Math.abs(is.spread / goal.spread - 1) < 0.03, `${is.spread} ${goal.spread}`);
        }
      }
    }
  }),
);

test(
  'what is laid over changes the picture where the mask says so, by its ratio, and nowhere else',
  held(() => {
    const source = planeOf(drawnPicture(width, height, 2), mask.box);
    const before = target.data.slice();
    const [whole, half] = [1, 0.5].map((ratio) => layOver(target, source, inMemory(), ratio));
    assert.equal(target.data, before);
    const [left, top, w, h] = mask.box;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = x >= left && x < left + w && y >= top && y < top + h;
        const i = inside ? (y - top) * w + x - left : -1;
        const weight = inside ? Math.round(mask.data[i] * 255) / 255 : 0;
        for (let c = 0; c < 3; c++) {
          const at = (y * width + x) * 3 + c;
          const over = inside ? source.data[i * 3 + c] : 0;
          const expected = target.data[at] + weight * (over - target.data[at]);
          assert.ok(Math.abs(whole.data[at] - expected) <= 0.5 + 1e-3, `${x}, ${y}`);
          const middle = (expected + target.data[at]) / 2;
          assert.ok(Math.abs(half.data[at] - middle) <= 0.5 + 1e-3, `half at ${x}, ${y}`);
        }
      }
    }
  }),
);
