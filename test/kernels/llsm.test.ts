import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/errors.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { read, Tensor } from '../../src/graph/tensor.ts';
import type { Loss } from '../../src/kernels/bce/bce.ts';
import type { Features } from '../../src/kernels/llsm/features.ts';
import { llsmFeatures, llsmLoss, llsmMap } from '../../src/kernels/llsm/llsm.ts';
import {
  drawPairs,
  llsmSampledLoss,
  type PairInputs,
  type PairInputsData,
  pairInputs,
} from '../../src/kernels/llsm/sampled.ts';
import { Random } from '../../src/random.ts';
import { conv } from '../reference/conv.ts';
import { checkDifferences } from '../reference/differences.ts';
import { type Head, pairLogits, pairLoss } from '../reference/llsm.ts';
import {
  add,
  channelRange,
  concat,
  map,
  normal,
  sizeOf,
  type Values,
  valuesOf,
  zeros,
} from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, formsHere, gpu } from './support.ts';

const heads: Head[] = ['linear', 'mlp', 'absdiff', 'bilinear'];
const random = new Random(1, 'llsm tests');

/** Subgroups of 4 (SwiftShader's) are half filled ones here, where there are subgroups of 8. */
const subgroupSizes = !formsHere.includes('lanes')
  ? [0]
  : gpu.subgroupSize === 8
    ? [0, 4, 8]
    : [0, 4];

/** Values in sixteenths, so that some differences are 0.5 exactly, and the GPU's are the same. */
const masks = (batch: number, h: number, w: number): Values =>
  map(zeros([batch, h, w, 1]), () => random.int(17) / 16);

/** A head's sides as the features op gives them: in one tensor or two, padded to four channels. */
interface Sides {
  tensors: Values[];
  depth: number;
  left: Values;
  right: Values;
  weight: Values;
  bias: Values;
}

function sidesOf(head: Head, batch: number, h: number, w: number, d: number): Sides {
  const depth = head === 'linear' ? 1 : d;
  const side = (): Values => normal(random, [batch, h, w, depth]);
  const left = side();
  const right = head === 'absdiff' ? left : side();
  const weight = normal(random, [depth], 2 / Math.sqrt(depth));
  const bias = normal(random, [1]);
  const padded = (x: Values): Values => channelRange(x, 0, Math.ceil(x.shape[3] / 4) * 4);
  const tensors =
    head === 'absdiff'
      ? [left]
      : head === 'bilinear'
        ? [padded(left), padded(right)]
        : [padded(concat(left, right))];
  return { tensors, depth, left, right, weight, bias };
}

function featuresOf(head: Head, it: Sides, tensors: Tensor[], weight: Tensor, bias: Tensor) {
  const [, height, width] = it.left.shape;
  const both = head === 'linear' || head === 'mlp';
  const left = { tensor: tensors[0], at: 0 };
  const right =
    head === 'absdiff' ? left : { tensor: tensors[both ? 0 : 1], at: both ? it.depth : 0 };
  const weighted = head === 'mlp' || head === 'absdiff';
  const features: Features = {
    head,
    height,
    width,
    depth: it.depth,
    left,
    right,
    weight: weighted ? weight : undefined,
    bias,
  };
  return features;
}

/** The gradients of `tensors`, the weight and the bias, and logits and loss. */
function expected(
  head: Head,
  it: Sides,
  mask: Values,
  share: Values,
  scale: number,
  counts?: Values,
) {
  const logits = pairLogits(head, it.left, it.right, it.weight, it.bias);
  const loss = pairLoss(logits.out, mask, share, counts);
  const d = logits.backward(loss.backward(valuesOf([1], [scale])).z);
  const channels = it.tensors[0].shape[3];
  const tensors =
    head === 'absdiff'
      ? [add(d.left, d.right)]
      : head === 'bilinear'
        ? [channelRange(d.left, 0, channels), channelRange(d.right, 0, channels)]
        : [channelRange(concat(d.left, d.right), 0, channels)];
  return { z: logits.out, loss: loss.out, tensors, weight: d.weight, bias: d.bias };
}

interface Case {
  head: Head;
  batch?: number;
  h: number;
  w: number;
  d?: number;
  share?: readonly number[];
  scale?: number;
  /** Drawn pairs in place of all. */
  pairs?: { data: PairInputsData; counts: Values };
  map?: boolean;
  limit?: number;
}

async function check(it: Case): Promise<void> {
  const { head, batch = 1, h, w, d = 8, scale = 1 } = it;
  const sides = sidesOf(head, batch, h, w, d);
  const mask = masks(batch, h, w);
  const share = valuesOf([batch], it.share ?? Array(batch).fill(1 / batch));
  const exact = expected(head, sides, mask, share, scale, it.pairs?.counts);
  for (const subgroupSize of subgroupSizes) {
    const g = new Graph(batch, true, { subgroupSize });
    const fixed = (name: string, x: Values) => new Tensor(name, [...x.shape], { home: 'input' });
    const tensors = sides.tensors.map((x, i) => g.input(`x${i}`, x.shape.slice(1)));
    const weight = fixed('weight', sides.weight);
    const bias = fixed('bias', sides.bias);
    const target = g.input('target', [h, w, 1]);
    const shares = g.input('share', []);
    const features = featuresOf(head, sides, tensors, weight, bias);
    const z = it.map === false ? undefined : llsmMap(g, features);
    let pairs: PairInputs | undefined;
    const lossOf = (grad: boolean): Loss => {
      const options = { scale, grad };
      if (!it.pairs) return llsmLoss(g, features, target, shares, options);
      pairs ??= pairInputs(g, features, it.pairs.data.first.length / batch);
      return llsmSampledLoss(g, features, target, shares, pairs, options);
    };
    const loss = lossOf(true);
    const alone = lossOf(false);
    assert.is(alone.seeds.size, 0);
    const seedOf = (of: Tensor): Tensor => {
      const gradient = loss.seeds.get(of);
      if (!gradient) throw new Error(`no gradient of ${of.name}`);
      return gradient;
    };
    const gradients: [string, Tensor, Values][] = [
      ...tensors.map((x, i): [string, Tensor, Values] => [x.name, seedOf(x), exact.tensors[i]]),
      ['bias', seedOf(bias), exact.bias],
    ];
    if (features.weight) gradients.push(['weight', seedOf(weight), exact.weight]);
    assert.is(loss.seeds.size, gradients.length);
    for (const [, tensor] of gradients) tensor.keep = true;
    loss.partial.keep = alone.partial.keep = true;
    if (z) z.keep = true;

    const { limits } = gpu.device;
    const plan = await Plan.build(gpu, g, undefined, {
      maxStorageBufferBindingSize: it.limit ?? limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    });
    try {
      if (it.limit) assert.ok(plan.memory.dispatches.length > g.launches.length, 'nothing sliced');
      const feed = (tensor: Tensor, x: Values): void => {
        if (plan.memory.inputs.includes(tensor)) plan.write(tensor, Float32Array.from(x.data));
      };
      tensors.forEach((tensor, i) => {
        feed(tensor, sides.tensors[i]);
      });
      feed(weight, sides.weight);
      feed(bias, sides.bias);
      feed(target, mask);
      feed(shares, share);
      for (const key of pairs ? (Object.keys(pairs) as (keyof PairInputs)[]) : []) {
        const tensor = (pairs as PairInputs)[key];
        if (it.pairs && plan.memory.inputs.includes(tensor)) plan.write(tensor, it.pairs.data[key]);
      }
      const name = `${head} ${batch}x${h}x${w}x${d}, subgroups of ${subgroupSize}`;
      const results = async (): Promise<Float32Array[]> => {
        plan.run();
        const kept = [loss.partial, alone.partial, ...gradients.map(([, tensor]) => tensor)];
        const values: Float32Array[] = [];
        for (const tensor of kept) values.push(await plan.read(tensor));
        return values;
      };
      const first = await results();
      const [partial, partialAlone, ...made] = first;
      for (const [rows, [, width]] of [
        [partial, loss.partial.shape],
        [partialAlone, alone.partial.shape],
      ] as [Float32Array, number[]][]) {
        const sum = rows.filter((_, i) => i % width === 0).reduce((a, b) => a + b, 0);
        compare(`${name}: loss`, Float32Array.of(sum), exact.loss, 1e-5);
      }
      gradients.forEach(([key, , values], i) => {
        compare(`${name}: d ${key}`, made[i], values, 1e-4);
      });
      if (z) compare(`${name}: map`, await plan.read(z), exact.z, 1e-5);
      (await results()).forEach((values, i) => {
        const same = Buffer.from(values.buffer).equals(Buffer.from(first[i].buffer));
        assert.ok(same, `${name}: result ${i} differs between two runs`);
      });
    } finally {
      plan.destroy();
    }
  }
}

test('the references, by finite differences', () => {
  for (const head of heads) {
    const it = sidesOf(head, 2, 2, 3, 3);
    const { left, right, weight, bias } = it;
    const f = (x: Record<'left' | 'right' | 'weight' | 'bias', Values>) =>
      pairLogits(head, x.left, x.right, x.weight, x.bias);
    if (head === 'absdiff') {
      checkDifferences(random, { x: left, weight, bias }, (x) => {
        const both = f({ left: x.x, right: x.x, weight: x.weight, bias: x.bias });
        return {
          out: both.out,
          backward: (dOut) => {
            const d = both.backward(dOut);
            return { x: add(d.left, d.right), weight: d.weight, bias: d.bias };
          },
        };
      });
    } else checkDifferences(random, { left, right, weight, bias }, f);
  }
  const z = normal(random, [2, 6, 6], 3);
  const mask = masks(2, 2, 3);
  checkDifferences(random, { z }, (x) => pairLoss(x.z, mask, valuesOf([2], [0.25, 0.75])));
  const counts = valuesOf(
    [2, 6, 6],
    Array.from({ length: 72 }, (_, i) => (i * 7) % 3),
  );
  checkDifferences(random, { z }, (x) => pairLoss(x.z, mask, valuesOf([2], [0.25, 0.75]), counts));
});

test('the reference by hand', () => {
  // Two positions, one channel: rows are i, columns j.
  const left = valuesOf([1, 1, 2, 1], [1, -2]);
  const right = valuesOf([1, 1, 2, 1], [3, 0]);
  const logits = (head: Head): number[] => [
    ...pairLogits(head, left, right, valuesOf([1], [10]), valuesOf([1], [0.5])).out.data,
  ];
  assert.equal(logits('linear'), [4.5, 1.5, 1.5, -1.5]);
  assert.equal(logits('mlp'), [40.5, 10.5, 10.5, 0.5]);
  assert.equal(logits('absdiff'), [20.5, 10.5, 50.5, 20.5]);
  assert.equal(logits('bilinear'), [3.5, 0.5, -5.5, 0.5]);
  const half = pairLoss(zeros([1, 2, 2]), valuesOf([1, 1, 2, 1], [0, 1]), valuesOf([1], [1]));
  assert.ok(Math.abs(half.out.data[0] - Math.LN2) < 1e-12);
  assert.equal([...half.backward(valuesOf([1], [8])).z.data], [1, -1, -1, 1]);
});

for (const head of heads) {
  test(`${head}: one image, sizes that divide by four and that do not`, async () => {
    await check({ head, h: 3, w: 5 });
    await check({ head, h: 7, w: 7, d: head === 'absdiff' ? 40 : 64 });
    await check({ head, h: 14, w: 14, d: 8, scale: 0.5 });
    await check({ head, h: 1, w: 1 });
  });

  test(`${head}: three images, one without a mask`, () =>
    check({ head, batch: 3, h: 10, w: 10, share: [0.5, 0, 0.5] }));
}

test('mlp: depths that are not multiples of four', async () => {
  await check({ head: 'mlp', h: 5, w: 4, d: 5 });
  await check({ head: 'mlp', batch: 2, h: 4, w: 4, d: 3 });
});

test('mlp with 64 kernels on 14 x 14', () => check({ head: 'mlp', h: 14, w: 14, d: 64 }));

test('absdiff on 728 channels', () => check({ head: 'absdiff', batch: 2, h: 5, w: 5, d: 728 }));

// The share of an item is 4 bytes: slices begin at every 64th.
test('in slices', () =>
  check({
    head: 'mlp',
    batch: 70,
    h: 4,
    w: 4,
    d: 4,
    share: Array.from({ length: 70 }, (_, i) => (i % 3) / 70),
    limit: 65 * 512,
    map: false,
  }));

/** The counts of what was drawn; checks the lists on the way. */
function countsOf(data: PairInputsData, batch: number, positions: number): Values {
  const counts = zeros([batch, positions, positions]);
  const n = data.first.length / batch;
  for (let b = 0; b < batch; b++) {
    const part = (values: Uint32Array, size: number) => values.subarray(b * size, (b + 1) * size);
    const [i, j] = [part(data.first, n), part(data.second, n)];
    i.forEach((_, at) => {
      counts.data[(b * positions + i[at]) * positions + j[at]]++;
    });
    for (const [own, starts, order] of [
      [i, part(data.firstStarts, positions + 1), part(data.firstOrder, n)],
      [j, part(data.secondStarts, positions + 1), part(data.secondOrder, n)],
    ]) {
      assert.is(starts[0], 0);
      assert.is(starts[positions], n);
      assert.equal(
        [...order].sort((a, b) => a - b),
        [...order.keys()],
      );
      for (let p = 0; p < positions; p++) {
        for (let q = starts[p]; q < starts[p + 1]; q++) assert.is(own[order[q]], p);
      }
    }
  }
  return counts;
}

test('pairs are drawn uniformly, from (seed, step, item) alone', () => {
  const n = 5000;
  const [two, second, other, step] = [
    drawPairs(3, 5, 10, 2, 9, n),
    drawPairs(3, 5, 11, 1, 9, n),
    drawPairs(4, 5, 10, 1, 9, n),
    drawPairs(3, 6, 10, 1, 9, n),
  ];
  const counts = countsOf(two, 2, 9);
  assert.equal(two.first.slice(n), second.first);
  assert.equal(two.secondOrder.slice(n), second.secondOrder);
  for (const it of [second, other, step]) assert.not.equal(two.second.slice(0, n), it.second);
  // 81 cells with 61.7 expected: chi-squared of 80 degrees is above 140 once in 40,000 draws.
  for (const item of [counts.data.subarray(0, 81), counts.data.subarray(81)]) {
    const mean = n / 81;
    const chi = item.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    assert.ok(chi < 140, `chi-squared ${chi}`);
  }
});

for (const head of heads) {
  test(`${head}: drawn pairs`, async () => {
    for (const [batch, h, w, n, d] of [
      [1, 3, 5, 7, 8],
      [3, 3, 5, 1000, 8],
      [2, 7, 7, 300, 64],
    ]) {
      const data = drawPairs(1, 2, 3, batch, h * w, n);
      const counts = countsOf(data, batch, h * w);
      const share = batch === 3 ? [0.5, 0, 0.5] : undefined;
      await check({ head, batch, h, w, d, share, scale: 0.5, pairs: { data, counts }, map: false });
    }
  });
}

test('every pair once, in a list, is the loss over all pairs', async () => {
  const [h, w] = [3, 4];
  const n = (h * w) ** 2;
  const at = Array.from({ length: n }, (_, q) => q);
  const starts = Uint32Array.from({ length: h * w + 1 }, (_, p) => p * h * w);
  const first = Uint32Array.from(at, (q) => Math.floor(q / (h * w)));
  const second = Uint32Array.from(at, (q) => q % (h * w));
  const data: PairInputsData = {
    first,
    second,
    firstStarts: starts,
    firstOrder: Uint32Array.from(at),
    secondStarts: starts,
    secondOrder: Uint32Array.from(at, (q) => (q % (h * w)) * h * w + Math.floor(q / (h * w))),
  };
  const counts = countsOf(data, 1, h * w);
  assert.ok(counts.data.every((count) => count === 1));
  for (const head of heads) await check({ head, h, w, pairs: { data, counts }, map: false });
});

/** Runs a loss on given features, and gives its value and the gradients of features and bias. */
async function lossOf(head: Head, x: Values, share: number[], truth: Values, bias = 0) {
  const [batch, h, w, c] = x.shape;
  const results = [];
  for (const subgroupSize of subgroupSizes) {
    const g = new Graph(batch, true, { subgroupSize });
    const tensor = g.input('x', [h, w, c]);
    const b = new Tensor('b', [1], { home: 'input' });
    const [target, shares] = [g.input('target', [h, w, 1]), g.input('share', [])];
    const features: Features = {
      head,
      height: h,
      width: w,
      depth: 1,
      left: { tensor, at: 0 },
      right: { tensor, at: 1 },
      bias: b,
    };
    const { partial, seeds } = llsmLoss(g, features, target, shares, { scale: 1, grad: true });
    const [dX, dB] = [seeds.get(tensor), seeds.get(b)] as [Tensor, Tensor];
    for (const kept of [partial, dX, dB]) kept.keep = true;
    const plan = await Plan.build(gpu, g);
    plan.write(tensor, Float32Array.from(x.data));
    plan.write(b, Float32Array.of(bias));
    plan.write(target, Float32Array.from(truth.data));
    plan.write(shares, Float32Array.from(share));
    plan.run();
    const rows = await plan.read(partial);
    const loss = rows.reduce((sum, v, i) => sum + (i % partial.shape[1] ? 0 : v), 0);
    results.push({ loss, dX: await plan.read(dX), dB: (await plan.read(dB))[0] });
    plan.destroy();
  }
  return results;
}

test('logits so large that an exponential would overflow', async () => {
  const x = valuesOf([1, 1, 2, 4], [200, 200, 0, 0, -200, -200, 0, 0]);
  // z = 400, 0, 0, -400; t = 0, 1, 1, 0.
  for (const { loss, dX, dB } of await lossOf('linear', x, [1], valuesOf([1, 1, 2, 1], [0, 1]))) {
    assert.ok(Math.abs(loss - (400 + 2 * Math.LN2) / 4) < 1e-4, `loss ${loss}`);
    assert.equal([...dX], [0.125, 0.125, 0, 0, -0.125, -0.125, 0, 0]);
    assert.is(dB, 0);
  }
});

test('a share of 0 hides an item that is not finite', async () => {
  const x = normal(random, [2, 2, 2, 4]);
  x.data.fill(Number.NaN, 16);
  const mask = masks(2, 2, 2);
  const [alone, both] = [
    await lossOf('linear', { shape: [1, 2, 2, 4], data: x.data.slice(0, 16) }, [1], {
      shape: [1, 2, 2, 1],
      data: mask.data.slice(0, 4),
    }),
    await lossOf('linear', x, [1, 0], mask),
  ];
  both.forEach(({ loss, dX, dB }, i) => {
    assert.ok(Math.abs(loss - alone[i].loss) < 1e-6);
    assert.ok(Math.abs(dB - alone[i].dB) < 1e-6);
    assert.equal([...dX], [...alone[i].dX, ...new Array(16).fill(0)]);
  });
});

test('from the tap: features, loss, and back through the convolutions', async () => {
  const [batch, h, w, c, k] = [2, 3, 5, 12, 6];
  const x = normal(random, [batch, h, w, c]);
  const mask = masks(batch, h, w);
  const share = valuesOf([batch], [0.25, 0.75]);
  const scale = 0.5;
  const shapes: Record<Head, Record<string, number[]>> = {
    linear: { 'llsm.pair.weight': [1, c, 2, 1], 'llsm.pair.bias': [1] },
    mlp: {
      'llsm.pair.weight': [k, c, 2, 1],
      'llsm.pair.bias': [k],
      'llsm.out.weight': [1, k, 1, 1],
      'llsm.out.bias': [1],
    },
    absdiff: { 'llsm.diff.weight': [1, c, 1, 1], 'llsm.diff.bias': [1] },
    bilinear: {
      'llsm.theta.weight': [k, c, 1, 1],
      'llsm.phi.weight': [k, c, 1, 1],
      'llsm.bias': [1],
    },
  };
  for (const head of heads) {
    const params = new Map(
      Object.entries(shapes[head]).map(([name, shape]) => [name, normal(random, shape, 0.5)]),
    );
    const exact = chain(head, x, params, (z) => {
      const loss = pairLoss(z, mask, share);
      return { loss: loss.out, dZ: loss.backward(valuesOf([1], [scale])).z };
    });
    for (const subgroupSize of subgroupSizes) {
      const g = new Graph(batch, true, { subgroupSize });
      const input = g.input('x', [h, w, c]);
      const tensors = new Map(
        [...params].map(([name, { shape }]) => [
          name,
          new Tensor(name, [...shape], { home: 'input' }),
        ]),
      );
      const target = g.input('target', [h, w, 1]);
      const shares = g.input('share', []);
      const param = (name: string): Tensor => {
        const tensor = tensors.get(name);
        if (!tensor) throw new Error(`${head} asks for ${name}`);
        return tensor;
      };
      const features = llsmFeatures(g, read(input), { head, hidden: k }, param);
      const z = llsmMap(g, features);
      const loss = llsmLoss(g, features, target, shares, { scale, grad: true });
      const made = backward(g, loss.seeds, [input, ...tensors.values()]);
      const wrt = new Map([['x', input], ...tensors]);
      const gradients = [...wrt].map(
        ([name, tensor]) => [name, made.of(tensor) as Tensor] as const,
      );
      for (const [, tensor] of gradients) tensor.keep = true;
      loss.partial.keep = z.keep = true;
      const plan = await Plan.build(gpu, g);
      plan.write(input, Float32Array.from(x.data));
      for (const [name, tensor] of tensors) {
        plan.write(tensor, Float32Array.from((params.get(name) as Values).data));
      }
      plan.write(target, Float32Array.from(mask.data));
      plan.write(shares, Float32Array.from(share.data));
      plan.run();
      compare(`${head}: map`, await plan.read(z), exact.z, 1e-5);
      for (const [name, tensor] of gradients) {
        const values = exact.gradients.get(name) as Values;
        compare(`${head}: d ${name}`, await plan.read(tensor), values, 1e-4);
      }
      plan.destroy();
    }
  }
});

/** The whole module in f64: conv references, pair logits, and back. */
function chain(
  head: Head,
  x: Values,
  params: Map<string, Values>,
  lossOf: (z: Values) => { loss: Values; dZ: Values },
) {
  const of = (name: string): Values => params.get(name) as Values;
  const ones = valuesOf([1], [1]);
  const gradients = new Map<string, Values>();
  if (head === 'absdiff') {
    const logits = pairLogits(head, x, x, of('llsm.diff.weight'), of('llsm.diff.bias'));
    const d = logits.backward(lossOf(logits.out).dZ);
    gradients.set('x', add(d.left, d.right));
    gradients.set('llsm.diff.weight', d.weight);
    gradients.set('llsm.diff.bias', d.bias);
    return { z: logits.out, gradients };
  }
  /** One position's kernel [K, C, 1, 1] of a pair kernel [K, C, 2, 1]. */
  const half = (weight: Values, side: number): Values =>
    valuesOf(
      [weight.shape[0], weight.shape[1], 1, 1],
      weight.data.filter((_, i) => i % 2 === side),
    );
  const bilinear = head === 'bilinear';
  const mlp = head === 'mlp';
  const pair = bilinear ? undefined : of('llsm.pair.weight');
  const left = conv(x, pair ? half(pair, 0) : of('llsm.theta.weight'), {
    bias: mlp ? of('llsm.pair.bias') : undefined,
  });
  const right = conv(x, pair ? half(pair, 1) : of('llsm.phi.weight'));
  const biasName = mlp ? 'llsm.out.bias' : bilinear ? 'llsm.bias' : 'llsm.pair.bias';
  const weight = mlp ? of('llsm.out.weight') : ones;
  const logits = pairLogits(head, left.out, right.out, weight, of(biasName));
  const d = logits.backward(lossOf(logits.out).dZ);
  const [dLeft, dRight] = [left.backward(d.left), right.backward(d.right)];
  gradients.set('x', add(dLeft.x, dRight.x));
  gradients.set(biasName, d.bias);
  if (mlp) {
    gradients.set('llsm.out.weight', d.weight);
    gradients.set('llsm.pair.bias', dLeft.bias);
  }
  if (pair) {
    const both = zeros(pair.shape);
    for (let i = 0; i < sizeOf(dLeft.weight.shape); i++) {
      both.data[i * 2] = dLeft.weight.data[i];
      both.data[i * 2 + 1] = dRight.weight.data[i];
    }
    gradients.set('llsm.pair.weight', both);
  } else {
    gradients.set('llsm.theta.weight', dLeft.weight);
    gradients.set('llsm.phi.weight', dRight.weight);
  }
  return { z: logits.out, gradients };
}

test('a map of more than 4,096 positions is refused, and says what to do', () => {
  const g = new Graph(1, false, { subgroupSize: 0 });
  const tensor = g.input('x', [65, 64, 4]);
  const side = { tensor, at: 0 };
  const bias = new Tensor('b', [1], { home: 'input' });
  const features = {
    head: 'bilinear',
    height: 65,
    width: 64,
    depth: 4,
    left: side,
    right: side,
    bias,
  };
  assert.throws(
    () => llsmMap(g, features as Features),
    (error: Error) => error instanceof LlsmError && /65 x 64.*llsm\.tap/.test(error.message),
  );
});
