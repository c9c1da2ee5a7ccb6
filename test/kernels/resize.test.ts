import { Random } from '../../src/base/random.ts';
import { resize, stored } from '../../src/kernels/resize/resize.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { relu as bareRelu } from '../reference/elementwise.ts';
import { resize as reference } from '../reference/resize.ts';
import { normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'resize tests');

interface Shape {
  batch?: number;
  c: number;
  from: readonly [h: number, w: number];
  to: readonly [h: number, w: number];
  through?: 'affine' | 'affine relu' | 'relu';
}

function resized({ batch = 1, c, from, to, through }: Shape): Case {
  const affine = through?.includes('affine') ? randomAffine(random, c) : undefined;
  const masked = through?.includes('relu') ?? false;
  const x = awayFromKinks(normal(random, [batch, ...from, c]), affine);
  const bare = masked && !affine ? bareRelu(x) : undefined;
  const read = bare?.out ?? (affine ? referenceRead(x, affine, masked) : x);
  const { out, backward } = reference(read, ...to);
  return {
    batch,
    maps: { x },
    weights: affine ? { affine } : {},
    build(g, t) {
      const through = readThrough(t.x, t.affine, masked);
      return { outs: { out: resize(g, 'out', through, ...to) }, wrt: { x: through.value } };
    },
    reference: {
      outs: { out },
      // Behind a batch norm the gradient is that of the value read; a bare ReLU is masked here.
      backward: (d) => (bare ? bare.backward(backward(d.out).x) : backward(d.out)),
    },
    // Positions are computed in f32, so that a tap's share is off by up to the size times 2^-23.
    tolerance: { forward: 5e-5 },
    forms: ['tile'],
  };
}

const title = ({ batch = 1, c, from, to, through }: Shape): string =>
  `${batch}x${from.join('x')}x${c} to ${to.join('x')}${through ? ` through ${through}` : ''}`;

const shapes: Shape[] = [
  { batch: 3, c: 40, from: [7, 7], to: [14, 14] },
  { c: 728, from: [7, 7], to: [14, 14], through: 'affine relu' },
  { c: 8, from: [28, 28], to: [55, 55] },
  { c: 4, from: [55, 55], to: [109, 109], through: 'affine' },
  { batch: 3, c: 1, from: [14, 14], to: [28, 28] },
  { c: 1, from: [109, 109], to: [224, 224] },
  { c: 3, from: [15, 15], to: [7, 14] },
  { batch: 3, c: 8, from: [7, 7], to: [14, 15], through: 'relu' },
  { c: 3, from: [5, 7], to: [9, 4], through: 'relu' },
  { c: 4, from: [55, 7], to: [14, 15] },
  { c: 4, from: [1, 3], to: [4, 1] },
  { batch: 3, c: 8, from: [5, 5], to: [5, 5] },
];
for (const shape of shapes) test(title(shape), () => check('resize', resized(shape)));

for (const masked of [true, false]) {
  for (const prior of [[], ['x']]) {
    test(`stores what is read${masked ? ' through ReLU' : ''}${prior.length ? ', adding' : ''}`, () => {
      const affine = randomAffine(random, 40);
      const x = awayFromKinks(normal(random, [3, 7, 7, 40]), affine);
      return check('stored', {
        batch: 3,
        maps: { x },
        weights: { affine },
        build(g, t) {
          const read = readThrough(t.x, t.affine, masked);
          return { outs: { out: stored(g, 'out', read) }, wrt: { x: read.value } };
        },
        // The gradient is that of the value read: batch norm masks it and takes it further.
        reference: {
          outs: { out: referenceRead(x, affine, masked) },
          backward: (d) => ({ x: d.out }),
        },
        tolerance: { forward: 2 ** -22, gradient: prior.length ? 2 ** -23 : 0 },
        prior,
        forms: ['tile'],
      });
    });
  }
}

test('adds to a gradient', () =>
  check('resize', { ...resized({ batch: 3, c: 8, from: [7, 7], to: [14, 15] }), prior: ['x'] }));

test('in slices', async () => {
  const sliced: Shape = { batch: 5, c: 16, from: [4, 4], to: [8, 8], through: 'affine relu' };
  await check('resize', { ...resized(sliced), limit: 2 * 8 * 8 * 16 * 4 });
});
