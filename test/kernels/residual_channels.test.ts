import { Random } from '../../src/base/random.ts';
import { residualChannels } from '../../src/kernels/residual_channels/residual_channels.ts';
import { conv } from '../reference/conv.ts';
import { map, normal, type Values, valuesOf, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { check } from './support.ts';

const random = new Random(1, 'residual channel tests');

const kernels = [
  { rows: ['0 0 0 0 0', '0 -1 2 -1 0', '0 2 -4 2 0', '0 -1 2 -1 0', '0 0 0 0 0'], by: 4 * 0.017 },
  {
    rows: ['-1 2 -2 2 -1', '2 -6 8 -6 2', '-2 8 -12 8 -2', '2 -6 8 -6 2', '-1 2 -2 2 -1'],
    by: 12 * 0.018,
  },
  { rows: ['0 0 0 0 0', '0 0 0 0 0', '0 1 -2 1 0', '0 0 0 0 0', '0 0 0 0 0'], by: 2 * 0.04 },
];

/** By a convolution of the grey picture, two pixels larger on each side. */
function reference(image: Values): Values {
  const [batch, height, width] = image.shape;
  const wide = zeros([batch, height + 4, width + 4, 1]);
  wide.data.forEach((_, i) => {
    const [x, y] = [i % (width + 4), Math.floor(i / (width + 4)) % (height + 4)];
    const b = Math.floor(i / ((width + 4) * (height + 4)));
    const column = Math.min(width - 1, Math.max(0, x - 2));
    const row = Math.min(height - 1, Math.max(0, y - 2));
    const at = ((b * height + row) * width + column) * 3;
    const [red, green, blue] = [0, 1, 2].map((c) => image.data[at + c]);
    wide.data[i] = 0.299 * red + 0.587 * green + 0.114 * blue;
  });
  const weights = kernels.flatMap(({ rows, by }) =>
    rows.flatMap((row) => row.split(' ').map((value) => Number(value) / by)),
  );
  const found = conv(wide, valuesOf([3, 1, 5, 5], weights), { stride: 1 }).out;
  const out = zeros([batch, height, width, 6]);
  return map(out, (_, i) => {
    const [pixel, c] = [Math.floor(i / 6), i % 6];
    if (c < 3) return image.data[pixel * 3 + c];
    return Math.min(3, Math.max(-3, found.data[pixel * 3 + c - 3]));
  });
}

for (const [batch, height, width, scale] of [
  [1, 9, 7, 0.03],
  [3, 16, 21, 1],
  [2, 1, 2, 0.1],
]) {
  test(`${batch}x${height}x${width}, values of ${scale}`, () => {
    const image = normal(random, [batch, height, width, 3], scale);
    return check('residual channels', {
      batch,
      maps: { image },
      build: (g, t) => ({ outs: { out: residualChannels(g, 'out', t.image) } }),
      reference: { outs: { out: reference(image) } },
      tolerance: { forward: 2e-5 },
      forms: ['tile'],
    });
  });
}
