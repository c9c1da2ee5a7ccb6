/** Resampling and blurring against plain loops over every pixel and tap. */
import * as assert from 'uvu/assert';
import { gaussianBlur } from '../../src/image/blur.ts';
import type { Box } from '../../src/image/pixels.ts';
import { type Filter, resample } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const cubic = (d: number) =>
  d < 1 ? 1.5 * d ** 3 - 2.5 * d ** 2 + 1 : d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;

/** What a source pixel at this distance weighs. */
function weight(filter: Filter, scale: number, d: number): number {
  if (filter === 'cubic') return cubic(d);
  if (filter === 'area' && scale > 1) return Math.min(1, Math.max(0, (scale + 1) / 2 - d));
  const half = filter === 'triangle' ? Math.max(1, scale) : 1;
  return Math.max(0, 1 - d / half);
}

function plainly(
  source: { width: number; height: number; data: ArrayLike<number> },
  channels: number,
  [x, y, w, h]: Box,
  width: number,
  height: number,
  filter: Filter,
): number[] {
  const axis = (length: number, from: number, extent: number, size: number, to: number) => {
    const scale = extent / size;
    const centre = from + (to + 0.5) * scale - 0.5;
    const taps: { index: number; share: number }[] = [];
    for (let i = Math.floor(centre - 2 * scale - 3); i <= centre + 2 * scale + 3; i++) {
      const share = weight(filter, scale, Math.abs(i - centre));
      if (share !== 0) taps.push({ index: Math.min(length - 1, Math.max(0, i)), share });
    }
    const total = taps.reduce((sum, { share }) => sum + share, 0);
    return taps.map(({ index, share }) => ({ index, share: share / total }));
  };
  const out: number[] = [];
  for (let row = 0; row < height; row++) {
    const down = axis(source.height, y, h, height, row);
    for (let column = 0; column < width; column++) {
      const across = axis(source.width, x, w, width, column);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const v of down) {
          for (const u of across) {
            sum +=
              v.share * u.share * source.data[(v.index * source.width + u.index) * channels + c];
          }
        }
        out.push(sum);
      }
    }
  }
  return out;
}

const most = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.is(a.length, b.length);
  return Array.from(a).reduce((far, value, i) => Math.max(far, Math.abs(value - b[i])), 0);
};

test('every filter, up, down and over the border, is the sum that it stands for', () => {
  const picture = drawnPicture(37, 29, 4);
  const grey = { ...picture, data: picture.data.filter((_, i) => i % 3 === 0) };
  const boxes: Box[] = [
    [0, 0, 37, 29],
    [3.3, 2.6, 20.5, 24.2],
    [-4.5, 20, 30, 15.5],
  ];
  for (const filter of ['triangle', 'area', 'linear', 'cubic'] as const) {
    for (const box of boxes) {
      for (const [width, height] of [
        [61, 44],
        [11, 7],
        [37, 13],
      ]) {
        for (const [source, channels] of [
          [picture, 3],
          [grey, 1],
        ] as const) {
          const out = new Float32Array(width * height * channels);
          resample(source, channels, box, width, height, out, filter);
          const wanted = plainly(source, channels, box, width, height, filter);
          assert.ok(most(out, wanted) < 1e-3, `${filter} ${box} ${width} x ${height}`);
        }
      }
    }
  }
});

test('a Gaussian blur of every radius is the sum that it stands for; 8 bits are its rounding', () => {
  const { width, height, data } = drawnPicture(23, 17, 2);
  for (const sigma of [0.2, 0.6, 1, 1.3, 1.6, 2.1, 3]) {
    const radius = Math.ceil(3 * sigma);
    const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
    );
    const total = kernel.reduce((sum, value) => sum + value, 0);
    const at = (x: number, y: number, c: number) =>
      data[
        (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * 3 + c
      ];
    const wanted = Array.from(data, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      let sum = 0;
      for (let v = -radius; v <= radius; v++) {
        for (let u = -radius; u <= radius; u++) {
          sum += kernel[u + radius] * kernel[v + radius] * at(x + u, y + v, i % 3);
        }
      }
      return sum / total ** 2;
    });
    const floats = Float32Array.from(data);
    gaussianBlur(floats, width, height, 3, sigma);
    assert.ok(most(floats, wanted) < 1e-3, `${sigma}: ${most(floats, wanted)}`);
    const bytes = data.slice();
    gaussianBlur(bytes, width, height, 3, sigma);
    assert.ok(most(bytes, wanted) < 0.5 + 1e-3, `${sigma}, 8 bits`);
  }
});
