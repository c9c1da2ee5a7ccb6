import * as assert from 'uvu/assert';
import type { Plane } from '../../src/forge/plane.ts';
import { planeOf } from '../../src/forge/plane.ts';
import { bilateral, median } from '../../src/forge/traces.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { held } from '../support/scratch.ts';

const picture = (): Plane => planeOf(drawnPicture(24, 19, 6), [0, 0, 24, 19]);

test(
  'the bilateral filter is its weighted mean over 13 pixels, those inside of the picture',
  held(() => {
    const plane = picture();
    const { width, height, data } = plane;
    const [colour, space] = [15, 1.7];
    const out = bilateral(plane, colour, space).data;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const sums = [0, 0, 0];
        let total = 0;
        for (let v = y - 2; v <= y + 2; v++) {
          for (let u = x - 2; u <= x + 2; u++) {
            const far = (u - x) ** 2 + (v - y) ** 2;
            if (far > 4 || u < 0 || v < 0 || u >= width || v >= height) continue;
            const [i, at] = [(v * width + u) * 3, (y * width + x) * 3];
            const away = [0, 1, 2].reduce(
              (sum, c) => sum + Math.abs(data[i + c] - data[at + c]),
              0,
            );
            const weight = Math.exp(-far / (2 * space ** 2) - away ** 2 / (2 * colour ** 2));
            total += weight;
            for (let c = 0; c < 3; c++) sums[c] += weight * data[i + c];
          }
        }
        for (let c = 0; c < 3; c++) {
          const value = out[(y * width + x) * 3 + c];
          assert.ok(Math.abs(value - sums[c] / total) < 1e-3, `${x} ${y}: ${value}`);
        }
      }
    }
  }),
);

test(
  'the median is the fifth of nine values; the border stays',
  held(() => {
    const plane = picture();
    const { width, height, data } = plane;
    const out = median(plane).data;
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < width * 3; i++) {
        const at = y * width * 3 + i;
        const inside = y > 0 && y < height - 1 && i >= 3 && i < (width - 1) * 3;
        const around = [-1, 0, 1].flatMap((v) =>
          [-3, 0, 3].map((u) => data[at + v * width * 3 + u]),
        );
        assert.is(out[at], inside ? around.sort((a, b) => a - b)[4] : data[at]);
      }
    }
  }),
);
