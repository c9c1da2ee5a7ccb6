import { Random } from '../../src/base/random.ts';
import { adaptivePool } from '../../src/kernels/adaptive_pool/adaptive_pool.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { relu } from '../reference/elementwise.ts';
import { adaptivePool as reference } from '../reference/pool.ts';
import { normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'adaptive pool tests');

interface Shape {
  batch?: number;
  c: number;
  from: readonly [h: number, w: number];
  size: number;
  through?: 'affine' | 'relu' | 'affine relu';
  flat?: boolean;
}

function pooled({ batch = 1, c, from, size, through, flat }: Shape): Case {
  const affine = through?.includes('affine') ? randomAffine(random, c) : undefined;
  const masked = through?.includes('relu') ?? false;
  const x = awayFromKinks(normal(random, [batch, ...from, c]), affine);
  const read = affine ? referenceRead(x, affine, masked) : masked ? relu(x).out : x;
  const { out, backward } = reference(read, size, size);
  return {
    batch,
    maps: { x },
    weights: affine ? { affine } : {},
    build(g, t) {
      const through = readThrough(t.x, t.affine, masked);
      const out = adaptivePool(g, 'out', through, size, { flat });
      return { outs: { out }, wrt: { x: through.value } };
    },
    reference: {
      outs: { out },
      backward(dOuts) {
        const dX = backward(dOuts.out).x;
        return { x: masked && !affine ? relu(x).backward(dX).x : dX };
      },
    },
    forms: ['tile'],
  };
}

const title = ({ batch = 1, c, from, size, through, flat }: Shape): string =>
  `${batch}x${from.join('x')}x${c} to ${size}x${size}${flat ? ', flat' : ''}` +
  `${through ? ` through ${through}` : ''}`;

const shapes: Shape[] = [
  { batch: 3, c: 40, from: [7, 7], size: 4, flat: true },
  { c: 184, from: [14, 14], size: 4, through: 'affine relu', flat: true },
  { c: 4, from: [109, 109], size: 4 },
  { c: 8, from: [55, 15], size: 4, through: 'affine' },
  // Fewer pixels than bins: bins overlap.
  { batch: 3, c: 8, from: [2, 3], size: 4 },
  { c: 8, from: [1, 4], size: 4 },
  { batch: 3, c: 728, from: [7, 7], size: 1, through: 'affine relu' },
  { c: 8, from: [109, 109], size: 1 },
  { c: 4, from: [15, 14], size: 7, through: 'relu' },
  { c: 1, from: [55, 55], size: 14 },
];
for (const shape of shapes) test(title(shape), () => check('adaptive pool', pooled(shape)));

test('adds to a gradient', () =>
  check('adaptive pool', {
    ...pooled({ batch: 3, c: 8, from: [7, 7], size: 4, through: 'relu' }),
    prior: ['x'],
  }));

test('in slices', async () => {
  await check('adaptive pool', {
    ...pooled({ batch: 5, c: 16, from: [8, 8], size: 4 }),
    limit: 3 * 8 * 8 * 16 * 4,
  });
  // A bin of 1,024 pixels, which is summed in parts.
  await check('adaptive pool', {
    ...pooled({ batch: 3, c: 64, from: [32, 32], size: 1 }),
    limit: 2 * 32 * 32 * 64 * 4,
  });
});
