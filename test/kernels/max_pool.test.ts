import { Random } from '../../src/base/random.ts';
import { maxPool } from '../../src/kernels/max_pool/max_pool.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { relu } from '../reference/elementwise.ts';
import { maxPool2 as reference } from '../reference/pool.ts';
import { map, normal, type Values, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'maxPool tests');

function pooled(x: Values, stride: 1 | 2, masked: boolean, affine?: Values): Case {
  const read = affine ? referenceRead(x, affine, masked) : masked ? relu(x).out : x;
  const pool = reference(read, stride);
  return {
    batch: x.shape[0],
    maps: { x },
    weights: affine ? { affine } : {},
    build(g, t) {
      const through = readThrough(t.x, t.affine, masked);
      return { outs: { out: maxPool(g, 'out', through, stride) }, wrt: { x: through.value } };
    },
    reference: {
      outs: { out: pool.out },
      backward(dOuts) {
        const { x: d } = pool.backward(dOuts.out);
        return { x: masked && !affine ? relu(x).backward(d).x : d };
      },
    },
    forms: ['tile'],
  };
}

for (const stride of [1, 2] as const) {
  for (const [batch, h, w, c] of [
    [3, 7, 7, 40],
    [3, 14, 9, 8],
    [1, 13, 13, 512],
    [1, 207, 207, 4],
    [3, 1, 1, 4],
    [3, 2, 5, 4],
  ]) {
    for (const through of ['', 'affine', 'relu', 'affine relu']) {
      test(`stride ${stride}: ${batch}x${h}x${w}x${c} ${through}`, () => {
        // Scales of both signs, so that the largest x is not always the maximum.
        const affine = through.includes('affine')
          ? map(randomAffine(random, c), (value, i) => (i % 3 === 0 && i < c ? -value : value))
          : undefined;
        const x = awayFromKinks(normal(random, [batch, h, w, c]), affine);
        return check('maxPool', pooled(x, stride, through.includes('relu'), affine));
      });
    }
  }

  for (const size of [7, 8]) {
    test(`stride ${stride}: of equal values the first wins, padding never (size ${size})`, () =>
      check(
        'maxPool',
        pooled(
          map(zeros([3, size, size, 8]), () => random.int(3) - 3),
          stride,
          false,
        ),
      ));
  }

  test(`stride ${stride}: adds to a gradient`, () =>
    check('maxPool', { ...pooled(normal(random, [3, 7, 7, 8]), stride, false), prior: ['x'] }));

  test(`stride ${stride}: in slices`, () =>
    check('maxPool', { ...pooled(normal(random, [5, 8, 8, 16]), stride, true), limit: 2 * 4096 }));
}
