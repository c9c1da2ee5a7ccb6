import { Random } from '../../src/base/random.ts';
import { poolAdd } from '../../src/kernels/pool_add/pool_add.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { maxPool } from '../reference/pool.ts';
import { add, map, normal, type Values, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { checkNorm } from './norm-support.ts';
import { type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'poolAdd tests');

function pooled(main: Values, affine: Values, pad: 'torch' | 'tf'): Case {
  const [batch, size, , c] = main.shape;
  const outSize = Math.ceil(size / 2);
  const skip = normal(random, [batch, outSize, outSize, c]);
  const skipAffine = randomAffine(random, c);
  const pool = maxPool(referenceRead(main, affine, false), pad);
  return {
    batch,
    maps: { main, skip },
    weights: { affine, skipAffine },
    build(g, t) {
      const read = readThrough(t.main, t.affine, false);
      const skipRead = readThrough(t.skip, t.skipAffine, false);
      const out = poolAdd(g, 'out', read, skipRead, pad);
      return { outs: { out }, wrt: { main: read.value, skip: skipRead.value } };
    },
    reference: {
      outs: { out: add(pool.out, referenceRead(skip, skipAffine, false)) },
      backward: (d) => ({ main: pool.backward(d.out).x, skip: d.out }),
    },
    forms: ['tile'],
  };
}

/** Scales of both signs, so that the largest x is not always the maximum. */
const affineOf = (c: number): Values =>
  map(randomAffine(random, c), (value, i) => (i % 3 === 0 && i < c ? -value : value));

for (const pad of ['torch', 'tf'] as const) {
  for (const [batch, size, c] of [
    [3, 7, 40],
    [3, 14, 8],
    [1, 15, 184],
    [1, 28, 728],
    [1, 109, 4],
    [3, 1, 4],
    [3, 2, 4],
  ]) {
    test(`${pad}: ${batch}x${size}x${size}x${c}`, () =>
      check('poolAdd', pooled(normal(random, [batch, size, size, c]), affineOf(c), pad)));
  }

  for (const size of [7, 8]) {
    test(`${pad}: of equal values the first wins, padding never (size ${size})`, () => {
      // Few values, all negative after the affine: ties in most windows, and a zero would show.
      const main = map(zeros([3, size, size, 8]), () => random.int(3) - 3);
      const affine = map(zeros([2, 8]), (_, i) => (i < 8 ? 2 : -1));
      return check('poolAdd', pooled(main, affine, pad));
    });
  }

  test(`${pad}: adds to gradients`, () =>
    check('poolAdd', {
      ...pooled(normal(random, [3, 8, 8, 8]), affineOf(8), pad),
      prior: ['main', 'skip'],
    }));

  test(`${pad}: in slices`, () =>
    check('poolAdd', {
      ...pooled(normal(random, [5, 16, 16, 16]), affineOf(16), pad),
      limit: 2 * 16 * 16 * 16 * 4,
    }));

  test(`${pad}: its gradient goes through a batch norm without being stored`, () =>
    checkNorm(
      (g, read, given) => {
        const affine = given('skip affine', [2, 20], { batched: false });
        const skip = readThrough(given('skip', [16, 16, 20]), affine, false);
        return { outs: [poolAdd(g, 'out', read, skip, pad)], wrt: [] };
      },
      { relu: false, onGpus: true },
    ));
}
