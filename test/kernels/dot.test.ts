import { Random } from '../../src/base/random.ts';
import { dot } from '../../src/kernels/dot/dot.ts';
import { conv } from '../reference/conv.ts';
import { channelRange, concat, normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { type Case, check } from './support.ts';

const random = new Random(1, 'dot tests');

function product(batch: number, size: number, channels: readonly number[]): Case {
  const inputs = channels.map((c) => normal(random, [batch, size, size, c]));
  const total = channels.reduce((a, b) => a + b);
  const weight = normal(random, [1, total, 1, 1], 1 / Math.sqrt(total));
  const bias = normal(random, [1]);
  const { out, backward } = conv(inputs.reduce(concat), weight, { bias });
  const names = channels.map((_, i) => `x${i}`);
  return {
    batch,
    maps: Object.fromEntries(names.map((name, i) => [name, inputs[i]])),
    weights: { weight, bias },
    build(g, t) {
      const maps = names.map((name) => t[name]);
      const out = dot(g, 'out', maps, t.weight, t.bias);
      const wrt = Object.fromEntries(names.map((name) => [name, t[name]]));
      return { outs: { out }, wrt: { ...wrt, weight: t.weight, bias: t.bias } };
    },
    reference: {
      outs: { out },
      backward(dOuts) {
        const { x, ...rest } = backward(dOuts.out);
        let at = 0;
        const parts = channels.map((c, i) => {
          const part = channelRange(x, at, at + c);
          at += c;
          return [names[i], part];
        });
        return { ...rest, ...Object.fromEntries(parts) };
      },
    },
    forms: ['tile'],
  };
}

for (const [batch, size, channels] of [
  [3, 1, [8]],
  [1, 1, [2048]],
  [3, 1, [728, 40]],
  [3, 7, [40]],
  [1, 109, [4]],
  [1, 55, [8]],
  [3, 15, [4, 8, 184]],
] as [number, number, number[]][]) {
  test(`${batch}x${size}x${size} of ${channels.join(' and ')}`, () =>
    check('dot', product(batch, size, channels)));
}

test('adds to gradients', () => check('dot', { ...product(3, 7, [8, 4]), prior: ['x0', 'x1'] }));

// 8x8 positions are 256 bytes of the output.
test('in slices', () => check('dot', { ...product(5, 8, [16, 4]), limit: 2 * 8 * 8 * 16 * 4 }));
