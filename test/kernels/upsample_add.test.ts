import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { upsampleAdd } from '../../src/kernels/upsample_add/upsample_add.ts';
import { upsampleAdd as reference } from '../reference/elementwise.ts';
import { normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { type Case, check } from './support.ts';

const random = new Random(1, 'upsampleAdd tests');

function sum(batch: number, h: number, w: number, c: number): Case {
  const small = normal(random, [batch, h, w, c]);
  const base = normal(random, [batch, 2 * h, 2 * w, c]);
  const { out, backward } = reference(small, base);
  return {
    batch,
    maps: { small, base },
    build: (g, t) => ({
      outs: { out: upsampleAdd(g, 'out', t.small, t.base) },
      wrt: { small: t.small, base: t.base },
    }),
    reference: { outs: { out }, backward: (d) => backward(d.out) },
    forms: ['tile'],
  };
}

for (const [batch, h, w, c] of [
  [3, 7, 5, 8],
  [1, 1, 1, 4],
  [1, 20, 20, 64],
]) {
  test(`${batch}x${h}x${w}x${c}`, () => check('upsampleAdd', sum(batch, h, w, c)));
}

test('adds to gradients', async () => {
  for (const prior of [['small'], ['base'], ['small', 'base']]) {
    await check('upsampleAdd', { ...sum(3, 4, 3, 8), prior });
  }
});

test('in slices', () => check('upsampleAdd', { ...sum(5, 4, 4, 16), limit: 2 * 4096 }));

test('a map that is not twice as large is refused', () => {
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  const maps = [g.input('small', [3, 3, 4]), g.input('base', [7, 6, 4])] as const;
  assert.throws(() => upsampleAdd(g, 'up', ...maps), /up: upsampleAdd takes a map twice as large/);
});
