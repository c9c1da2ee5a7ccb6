import { Random } from '../../src/base/random.ts';
import { relu } from '../../src/graph/tensor.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { residualAdd } from '../../src/kernels/residual_add/residual_add.ts';
import {
  batchNorm as referenceNorm,
  readThrough as referenceRead,
} from '../reference/batch_norm.ts';
import { conv as referenceConv, depthwise as referenceDepthwise } from '../reference/conv.ts';
import { relu as referenceRelu } from '../reference/elementwise.ts';
import { add, normal, type Values } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'residualAdd tests');

function sum(batch: number, size: number, c: number, plain = false): Case {
  const main = normal(random, [batch, size, size, c]);
  const skip = normal(random, main.shape);
  const affine = plain ? undefined : randomAffine(random, c);
  return {
    batch,
    maps: { main, skip },
    weights: affine ? { affine } : {},
    build(g, t) {
      const read = readThrough(t.main, t.affine, false);
      const out = residualAdd(g, 'out', read, t.skip);
      return { outs: { out }, wrt: { main: read.value, skip: t.skip } };
    },
    reference: {
      outs: { out: add(affine ? referenceRead(main, affine, false) : main, skip) },
      backward: (d) => ({ main: d.out, skip: d.out }),
    },
    forms: ['tile'],
  };
}

for (const [batch, size, c] of [
  [3, 7, 40],
  [1, 14, 728],
  [1, 55, 4],
]) {
  test(`${batch}x${size}x${size}x${c}`, () => check('residualAdd', sum(batch, size, c)));
}

test('without a batch norm', async () => {
  await check('residualAdd', sum(3, 7, 8, true));
  for (const prior of [['main'], ['skip'], ['main', 'skip']]) {
    await check(`residualAdd to ${prior}`, { ...sum(3, 7, 8, true), prior });
  }
});

test('adds to a gradient of the skip', () =>
  check('residualAdd', { ...sum(3, 7, 8), prior: ['skip'] }));

test('in slices', () => check('residualAdd', { ...sum(5, 8, 16), limit: 3 * 4096 }));

// x is read three times and its gradient is passed on without a copy, then added to in place.
for (const [limit, middle] of [
  [undefined, false],
  [3 * 8 * 8 * 16 * 4, false],
  // Asked for, so that it is copied before the first block adds to it.
  [undefined, true],
] as const) {
  const how = `${limit ? ', sliced' : ''}${middle ? ', by the map between them too' : ''}`;
  test(`two identity blocks${how}`, async () => {
    const shape = [5, 8, 8, 16];
    const x = awayFromKinks(normal(random, shape));
    const weights: Record<string, Values> = {};
    for (const i of [0, 1]) {
      weights[`depthwise${i}`] = normal(random, [16, 1, 3, 3], 1 / 3);
      weights[`pointwise${i}`] = normal(random, [16, 16, 1, 1], 1 / 4);
      weights[`gamma${i}`] = normal(random, [16], 0.5, 1);
      weights[`beta${i}`] = normal(random, [16]);
      weights[`mean${i}`] = normal(random, [16]);
      weights[`variance${i}`] = normal(random, [16], 0.1, 2);
    }
    const blocks = (input: Values, i: number) => {
      const active = referenceRelu(input);
      const deep = referenceDepthwise(active.out, weights[`depthwise${i}`]);
      const point = referenceConv(deep.out, weights[`pointwise${i}`]);
      const norm = referenceNorm(point.out, weights[`gamma${i}`], weights[`beta${i}`], 1e-5);
      return {
        out: add(norm.out, input),
        backward(d: Values) {
          const dNorm = norm.backward(d);
          const dPoint = point.backward(dNorm.x);
          const dDeep = deep.backward(dPoint.x);
          return {
            x: add(d, active.backward(dDeep.x).x),
            [`depthwise${i}`]: dDeep.weight,
            [`pointwise${i}`]: dPoint.weight,
            [`gamma${i}`]: dNorm.gamma,
            [`beta${i}`]: dNorm.beta,
          };
        },
      };
    };
    const first = blocks(x, 0);
    const second = blocks(first.out, 1);
    await check('identity blocks', {
      batch: 5,
      maps: { x },
      weights,
      build(g, t) {
        const wrt: Record<string, typeof t.x> = { x: t.x };
        let from = t.x;
        for (const i of [0, 1]) {
          const deep = depthwise(g, `deep${i}`, [relu(from)], t[`depthwise${i}`]);
          const point = conv(g, `point${i}`, deep, t[`pointwise${i}`], { stats: true });
          const params = {
            weight: t[`gamma${i}`],
            bias: t[`beta${i}`],
            runningMean: t[`mean${i}`],
            runningVar: t[`variance${i}`],
          };
          const read = batchNorm(g, point.out, point.stats, params, { eps: 1e-5, relu: false });
          from = residualAdd(g, `block${i}`, read, from);
          if (i === 0 && middle) wrt.middle = from;
          for (const key of ['depthwise', 'pointwise', 'gamma', 'beta']) {
            wrt[`${key}${i}`] = t[`${key}${i}`];
          }
        }
        return { outs: { out: from }, wrt };
      },
      reference: {
        outs: { out: second.out },
        backward(dOuts) {
          const d2 = second.backward(dOuts.out);
          const d1 = first.backward(d2.x);
          return { ...d2, ...d1, middle: d2.x };
        },
      },
      limit,
    });
  });
}
