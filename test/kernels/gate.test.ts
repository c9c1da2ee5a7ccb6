import { Random } from '../../src/base/random.ts';
import { gate } from '../../src/kernels/gate/gate.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { relu as bareRelu, gate as reference } from '../reference/elementwise.ts';
import { map, normal, type Values } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'gate tests');

function gated(batch: number, size: number, c: number, spread = 2, bare = false): Case {
  const affine = bare ? undefined : randomAffine(random, c);
  const a = awayFromKinks(normal(random, [batch, size, size, c]), affine);
  const z = normal(random, [batch, 1, 1, c], spread);
  const direct = affine ? undefined : bareRelu(a);
  const { out, backward } = reference(direct?.out ?? referenceRead(a, affine as Values, true), z);
  return {
    batch,
    maps: { a, z },
    weights: affine ? { affine } : {},
    build(g, t) {
      const read = readThrough(t.a, t.affine, true);
      return { outs: { out: gate(g, 'out', read, t.z) }, wrt: { a: read.value, z: t.z } };
    },
    reference: {
      outs: { out },
      backward(d) {
        const { a: dA, z: dZ } = backward(d.out);
        return { a: direct ? direct.backward(dA).x : dA, z: dZ };
      },
    },
    forms: ['tile'],
  };
}

for (const [batch, size, c] of [
  [3, 7, 40],
  [1, 14, 184],
  [3, 15, 8],
  [1, 55, 8],
  [1, 109, 4],
]) {
  test(`${batch}x${size}x${size}x${c}`, () => check('gate', gated(batch, size, c)));
}

test('reads through a bare ReLU', () => check('gate', gated(3, 7, 40, 2, true)));

test('gates wide open and shut', async () => {
  const it = gated(1, 7, 8);
  const extremes = map(normal(random, [1, 1, 1, 8]), (_, i) => [-200, -90, -30, 0, 30, 90][i % 6]);
  const affine = it.weights?.affine;
  const a = it.maps?.a;
  if (!affine || !a) throw new Error('no inputs');
  const { out, backward } = reference(referenceRead(a, affine, true), extremes);
  await check('gate', {
    ...it,
    maps: { a, z: extremes },
    reference: { outs: { out }, backward: (d) => backward(d.out) },
  });
});

test('adds to a gradient', () => check('gate', { ...gated(3, 15, 8), prior: ['a'] }));

// 64 channels, so that the gate's own item is 256 bytes; partial rows over 256 pixels.
test('in slices', () => check('gate', { ...gated(5, 16, 64), limit: 2 * 16 * 16 * 64 * 4 }));
