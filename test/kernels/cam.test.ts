import { Random } from '../../src/base/random.ts';
import { cam } from '../../src/kernels/cam/cam.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { relu as bareRelu, cam as reference } from '../reference/elementwise.ts';
import { normal, type Values, valuesOf } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'cam tests');

function mapped(shape: readonly number[], how: string, limit?: number): Case {
  const [batch, , , c] = shape;
  const affine = how.includes('norm') ? randomAffine(random, c) : undefined;
  const relu = how.includes('relu');
  const x = normal(random, shape);
  const w = normal(random, [batch, 1, 1, c]);
  const seen = affine ? referenceRead(x, affine, relu) : relu ? bareRelu(x).out : x;
  return {
    batch,
    maps: { x, w },
    weights: affine ? { affine } : {},
    build: (g, t) => ({
      outs: { out: cam(g, 'out', readThrough(t.x, t.affine, relu), t.w, { scale: 0.25 }) },
    }),
    reference: { outs: { out: reference(seen, w, 0.25) } },
    forms: ['tile'],
    limit,
  };
}

for (const how of ['plain', 'relu', 'norm', 'norm relu']) {
  for (const shape of [
    [3, 7, 5, 40],
    [1, 14, 14, 728],
    [2, 55, 55, 8],
  ]) {
    test(`${shape.join('x')}, ${how}`, () => check('cam', mapped(shape, how)));
  }
}

test('in slices', () => check('cam', mapped([5, 16, 16, 64], 'norm relu', 2 * 16 * 16 * 64 * 4)));

test('weights of the whole batch, from a place among others', () => {
  const x = normal(random, [3, 7, 7, 8]);
  const w = normal(random, [1, 20]);
  const own: Values = valuesOf([1, 8], w.data.subarray(12));
  const each = valuesOf(
    [3, 1, 1, 8],
    [0, 1, 2].flatMap(() => [...own.data]),
  );
  return check('cam', {
    batch: 3,
    maps: { x },
    weights: { w },
    build: (g, t) => ({ outs: { out: cam(g, 'out', t.x, t.w, { at: 12 }) } }),
    reference: { outs: { out: reference(x, each, 1) } },
    forms: ['tile'],
  });
});
