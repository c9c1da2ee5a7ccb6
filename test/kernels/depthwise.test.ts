import { Random } from '../../src/base/random.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { depthwise as reference } from '../reference/conv.ts';
import { activation as activate, relu } from '../reference/elementwise.ts';
import { channelRange, concat, normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { checkNorm } from './norm-support.ts';
import { awayFromKinks, type Case, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'depthwise tests');

type Through = 'affine' | 'relu' | 'affine relu' | undefined;

interface Shape {
  batch?: number;
  h: number;
  w?: number;
  /** Channels of each input, and how it is read. */
  parts: readonly (readonly [channels: number, through?: Through])[];
  stride?: 1 | 2;
  pad?: 'torch' | 'tf';
  bias?: boolean;
  activation?: 'relu' | 'relu6' | 'leaky';
}

/** @param wanted what is differentiated, if not the weight and all inputs */
function depthwiseCase(
  { batch = 1, h, w = h, parts, stride = 1, pad = 'torch', bias, activation }: Shape,
  wanted?: string[],
): Case {
  const inputs = parts.map(([c, through]) => {
    const affine = through?.includes('affine') ? randomAffine(random, c) : undefined;
    const x = awayFromKinks(normal(random, [batch, h, w, c]), affine);
    const masked = through?.includes('relu') ?? false;
    const read = affine ? referenceRead(x, affine, masked) : masked ? relu(x).out : x;
    return { c, x, affine, masked, read };
  });
  const channels = inputs.reduce((sum, { c }) => sum + c, 0);
  const weight = normal(random, [channels, 1, 3, 3], 1 / 3);
  const whole = inputs.map(({ read }) => read).reduce(concat);
  const add = bias ? normal(random, [channels], 4) : undefined;
  const { out: sum, backward } = reference(whole, weight, { stride, pad, bias: add });
  const activated = activation && activate(sum, activation);
  const out = activated?.out ?? sum;
  const affines = inputs.flatMap(({ affine }, i) =>
    affine ? [[`affine${i}`, affine] as const] : [],
  );
  return {
    batch,
    maps: Object.fromEntries(inputs.map(({ x }, i) => [`x${i}`, x])),
    weights: { weight, ...(add && { bias: add }), ...Object.fromEntries(affines) },
    build(g, t) {
      const reads = inputs.map(({ masked }, i) => readThrough(t[`x${i}`], t[`affine${i}`], masked));
      const all = reads.map((read, i) => [`x${i}`, read.value] as const);
      const biases = add ? [['bias', t.bias] as const] : [];
      const wrt = [['weight', t.weight] as const, ...biases, ...all].filter(
        ([name]) => !wanted || wanted.includes(name),
      );
      return {
        outs: {
          out: depthwise(g, 'out', reads, t.weight, { stride, pad, bias: t.bias, activation }),
        },
        wrt: Object.fromEntries(wrt),
      };
    },
    reference: {
      outs: { out },
      backward(dOuts) {
        const d = backward(activated?.backward(dOuts.out).x ?? dOuts.out);
        let at = 0;
        const parts = inputs.map(({ c, x, affine, masked }, i) => {
          const dX = channelRange(d.x, at, at + c);
          at += c;
          return [`x${i}`, masked && !affine ? relu(x).backward(dX).x : dX];
        });
        return { weight: d.weight, bias: d.bias, ...Object.fromEntries(parts) };
      },
    },
  };
}

const title = ({ batch = 1, h, w = h, parts, stride = 1, pad, bias, activation }: Shape): string =>
  `${batch}x${h}x${w} of ${parts.map(([c, how]) => (how ? `${c} through ${how}` : c)).join(' and ')}` +
  `${stride > 1 ? ' stride 2' : ''}${pad ? ` ${pad}'s padding` : ''}${bias ? ' + bias' : ''}` +
  `${activation ? ` ${activation}` : ''}`;

const shapes: Shape[] = [
  { batch: 3, h: 7, parts: [[40]] },
  { h: 14, parts: [[728, 'affine relu']] },
  { batch: 3, h: 15, parts: [[184, 'relu']] },
  // As the face finder's networks have them.
  { batch: 3, h: 14, parts: [[40]], stride: 2, pad: 'tf' },
  { batch: 3, h: 15, parts: [[8, 'relu']], stride: 2, pad: 'tf', bias: true },
  { h: 28, parts: [[4, 'affine relu']], stride: 2, pad: 'torch' },
  { batch: 3, h: 7, w: 9, parts: [[8], [4, 'relu']], stride: 2, bias: true, activation: 'leaky' },
  { h: 2, parts: [[4]], stride: 2, pad: 'tf' },
  { h: 1, parts: [[4]], stride: 2, pad: 'tf' },
  { batch: 3, h: 7, parts: [[40]], bias: true, activation: 'relu6' },
  { h: 9, parts: [[8, 'affine'], [4]], pad: 'tf', bias: true, activation: 'relu' },
  { h: 55, parts: [[8, 'affine']] },
  { h: 109, parts: [[4, 'relu']] },
  { h: 1, w: 1, parts: [[8]] },
  { h: 2, w: 5, parts: [[4]] },
  { batch: 3, h: 29, w: 2, parts: [[4]] },
  // The decoder's concatenation: the resized map and a skip, each read in its own way.
  { batch: 3, h: 14, parts: [[8], [40, 'affine relu']] },
  { h: 15, parts: [[40, 'relu'], [4], [8, 'affine']] },
];
for (const shape of shapes) {
  test(title(shape), () => check('depthwise', depthwiseCase(shape)));
}

const concatenated: Shape = { batch: 3, h: 7, parts: [[8, 'relu'], [16]] };
test('adds to gradients', () =>
  check('depthwise', { ...depthwiseCase(concatenated), prior: ['x0', 'x1'] }));

test('adds to gradients at stride 2', () =>
  check('depthwise', { ...depthwiseCase({ ...concatenated, stride: 2 }), prior: ['x0', 'x1'] }));

test('only the weight, only one input', async () => {
  const shape: Shape = { batch: 3, h: 7, parts: [[8, 'relu'], [16, 'affine relu'], [4]] };
  for (const wanted of ['weight', 'x0', 'x1', 'x2']) {
    await check(`depthwise by ${wanted}`, depthwiseCase(shape, [wanted]));
    await check(`strided by ${wanted}`, depthwiseCase({ ...shape, stride: 2 }, [wanted]));
  }
});

test('in slices', async () => {
  const sliced: Shape = { batch: 5, h: 8, parts: [[16, 'affine relu'], [32]] };
  await check('depthwise', { ...depthwiseCase(sliced), limit: 2 * 8 * 8 * 48 * 4 });
  const strided: Shape = { ...sliced, stride: 2, pad: 'tf', bias: true, activation: 'leaky' };
  await check('depthwise', { ...depthwiseCase(strided), limit: 2 * 8 * 8 * 48 * 4 });
  // 1,568 bytes an item: slices begin at every eighth.
  const odd: Shape = { batch: 19, h: 7, parts: [[8, 'relu']] };
  await check('depthwise', { ...depthwiseCase(odd), limit: 9 * 7 * 7 * 8 * 4 });
});

for (const readers of [1, 2]) {
  test(`a batch norm's sums come with its gradient, from ${readers}`, () =>
    checkNorm((g, read, given) => {
      // The second has its channels behind others.
      const before = given('before', [31, 31, 8]);
      const filters = [20, 28]
        .slice(0, readers)
        .map((c, i) => given(`filter ${i}`, [c, 1, 3, 3], { batched: false }));
      const outs = filters.map((filter, i) =>
        depthwise(g, `out ${i}`, i ? [before, read] : [read], filter),
      );
      return { outs, wrt: filters };
    }));
}
