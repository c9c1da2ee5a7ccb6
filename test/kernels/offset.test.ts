import { Random } from '../../src/base/random.ts';
import { offset } from '../../src/kernels/offset/offset.ts';
import { resize } from '../reference/resize.ts';
import { map, normal, reshape } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { check } from './support.ts';

const random = new Random(1, 'offset tests');

for (const [batch, [height, width], [h, w]] of [
  [1, [7, 5], [4, 4]],
  [3, [56, 57], [8, 4]],
  [2, [4, 4], [4, 4]],
  [2, [5, 6], [12, 16]],
] as [number, [number, number], [number, number]][]) {
  test(`${batch}x${height}x${width} plus a map of ${h}x${w}`, () => {
    const x = normal(random, [batch, height, width, 1]);
    const fixed = normal(random, [1, 1, h, w]);
    const resized = resize(reshape(fixed, [1, h, w, 1]), height, width).out;
    return check('offset', {
      batch,
      maps: { x },
      weights: { fixed },
      build: (g, t) => ({ outs: { out: offset(g, 'out', t.x, t.fixed) }, wrt: { x: t.x } }),
      reference: {
        outs: { out: map(x, (value, i) => value + resized.data[i % (height * width)]) },
        backward: ({ out }) => ({ x: out }),
      },
      tolerance: { forward: 5e-5 },
      forms: ['tile'],
    });
  });
}
