/**
 * The operations at the network's own shapes, with what each must compute and move: sizes in
 * values, 4 bytes each; a tensor counts once for each time that the operation as a whole must read
 * or write it, however often its kernels do.
 */
import type { Gpu } from '../src/gpu/device.ts';
import { ParamStore } from '../src/graph/params.ts';
import type { Graph } from '../src/graph/record.ts';
import { type Read, Tensor } from '../src/graph/tensor.ts';
import { adam } from '../src/kernels/adam/adam.ts';
import { adaptivePool } from '../src/kernels/adaptive_pool/adaptive_pool.ts';
import { batchNorm } from '../src/kernels/batch_norm/batch_norm.ts';
import { conv } from '../src/kernels/conv/conv.ts';
import { depthwise } from '../src/kernels/depthwise/depthwise.ts';
import { gate } from '../src/kernels/gate/gate.ts';
import type { PairHead } from '../src/kernels/llsm/features.ts';
import { type Features, llsmLoss, llsmMap } from '../src/kernels/llsm/llsm.ts';
import { pad4 } from '../src/kernels/matrix.ts';
import { poolAdd } from '../src/kernels/pool_add/pool_add.ts';
import { residualAdd } from '../src/kernels/residual_add/residual_add.ts';
import { resize } from '../src/kernels/resize/resize.ts';

/** The least that an operation must do. */
export interface Work {
  flops: number;
  bytes: number;
}

/** What an operation makes, and what dX and dW take its gradient to. */
export interface Recorded {
  out?: Tensor;
  dX?: readonly Tensor[];
  dW?: readonly Tensor[];
}

/** `whole` is forward and backward of an operation that makes its gradients at once. */
export type Part = 'forward' | 'dX' | 'dW' | 'whole';

export interface Case {
  name: string;
  batch: number;
  /** Too long for `--quick`. */
  slow?: boolean;
  /** Buffers that outlive a plan, where the operation works on them. */
  params?(gpu: Gpu): ParamStore;
  record(g: Graph, part: Part, params: ParamStore | undefined): Recorded;
  work: Partial<Record<Part, Work>>;
}

const work = (flops: number, values: number): Work => ({ flops, bytes: values * 4 });

const given = (name: string, shape: number[]): Tensor => new Tensor(name, shape, { home: 'input' });

/** x as the network reads it behind a batch norm, or behind a bare ReLU. */
function reading(g: Graph, shape: readonly number[], through: 'norm' | 'norm relu' | 'relu'): Read {
  const x = g.input('x', shape);
  if (through === 'relu') return { tensor: x, relu: true, value: x };
  const c = shape[shape.length - 1];
  return {
    tensor: x,
    affine: given('affine', [2, c]),
    relu: through === 'norm relu',
    value: new Tensor('read x', x.shape, { batched: true }),
  };
}

/**
 * A convolution as the network has it in training: without bias, with the statistics of its output.
 * GEMM of [b * outH * outW, k * k * cin] by [k * k * cin, n]: 2 * M * K * N operations in each of
 * the three products, which read two of x, W and out's gradient and write the third.
 */
function convCase(
  label: string,
  batch: number,
  it: { size: number; cin: number; n: number; kernel?: 1 | 3; stride?: 1 | 2; slow?: boolean },
): Case {
  const { size, cin, n, kernel = 1, stride = 1, slow } = it;
  const out = Math.floor((size - kernel) / stride) + 1;
  const [m, k] = [batch * out * out, kernel ** 2 * cin];
  const product = work(2 * m * k * n, batch * size ** 2 * cin + k * n + m * n);
  return {
    name: `${label} ${cin} to ${n}, ${size}x${size}, b${batch}`,
    batch,
    slow,
    record(g) {
      const x = g.input('x', [size, size, cin]);
      const weight = given('weight', [n, cin, kernel, kernel]);
      const { out } = conv(g, 'out', x, weight, { stride, stats: true });
      return { out, dX: [x], dW: [weight] };
    },
    work: { forward: product, dX: product, dW: product },
  };
}

/** 9 multiply-adds an output, in each of the three. dX of a bare ReLU reads x for its mask. */
function depthwiseCase(
  batch: number,
  size: number,
  c: number,
  through: 'relu' | 'norm relu',
): Case {
  const map = batch * size ** 2 * c;
  const mask = through === 'relu' ? map : 0;
  return {
    name: `depthwise 3x3 ${c}, ${size}x${size}, b${batch}, of ${through}`,
    batch,
    record(g) {
      const x = reading(g, [size, size, c], through);
      const weight = given('weight', [c, 1, 3, 3]);
      return { out: depthwise(g, 'out', [x], weight), dX: [x.value], dW: [weight] };
    },
    work: {
      forward: work(18 * map, 2 * map),
      dX: work(18 * map, 2 * map + mask),
      dW: work(18 * map, 2 * map),
    },
  };
}

/**
 * Batch norm's backward with the ReLU behind it: x and dOut are read twice (sums, then apply) and
 * dX written once; about 16 operations a value. Its forward stores nothing of x's size.
 */
function batchNormCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `batch norm, relu ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [size, size, c]);
      const stats = given('statistics', [Math.ceil((batch * size ** 2) / 32), 3 * c]);
      const weight = given('weight', [c]);
      const bias = given('bias', [c]);
      const running = { runningMean: given('mean', [c]), runningVar: given('variance', [c]) };
      const read = batchNorm(g, x, stats, { weight, bias, ...running }, { eps: 1e-5, relu: true });
      return { out: read.value, dX: [x, weight, bias] };
    },
    work: { dX: work(16 * map, 5 * map) },
  };
}

/**
 * Max pool of the main branch plus the skip: 9 comparisons and 2 batch norms an output. Forward
 * reads both, writes out and a quarter as many winners; backward reads dOut and winners and writes
 * the main branch's gradient (the skip's is dOut itself).
 */
function poolAddCase(batch: number, size: number, c: number): Case {
  const half = Math.ceil(size / 2);
  const [inside, out] = [batch * size ** 2 * c, batch * half ** 2 * c];
  return {
    name: `pool + skip ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const main = reading(g, [size, size, c], 'norm');
      const skip = reading(g, [half, half, c], 'norm');
      return { out: poolAdd(g, 'out', main, skip, 'torch'), dX: [main.value] };
    },
    work: {
      forward: work(30 * out, inside + 2.25 * out),
      dX: work(inside, inside + 1.25 * out),
    },
  };
}

/** 3 operations a value; two maps in, one out. Its backward copies nothing. */
function residualCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `residual sum ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const main = reading(g, [size, size, c], 'norm');
      return { out: residualAdd(g, 'out', main, g.input('skip', [size, size, c])) };
    },
    work: { forward: work(3 * map, 3 * map) },
  };
}

/** 4 multiply-adds an output value in both directions; each map once. */
function resizeCase(batch: number, from: number, to: number, c: number): Case {
  const [small, large] = [batch * from ** 2 * c, batch * to ** 2 * c];
  const both = work(8 * large, small + large);
  return {
    name: `resize ${from} to ${to}, ${c}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [from, from, c]);
      return { out: resize(g, 'out', x, to, to), dX: [x] };
    },
    work: { forward: both, dX: both },
  };
}

/** 4 operations a value forward (norm, relu, gate); backward reads x and dOut and writes dA. */
function gateCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `gate ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const a = reading(g, [size, size, c], 'norm relu');
      const logit = g.input('logit', [1, 1, c]);
      return { out: gate(g, 'out', a, logit), dX: [a.value, logit] };
    },
    work: { forward: work(4 * map, 2 * map), dX: work(6 * map, 3 * map) },
  };
}

/** One addition a value; the map is read, or in the backward written, once. */
function adaptivePoolCase(batch: number, from: number, to: number, c: number): Case {
  const [map, bins] = [batch * from ** 2 * c, batch * to ** 2 * c];
  return {
    name: `adaptive pool ${from} to ${to}, ${c}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [from, from, c]);
      return { out: adaptivePool(g, 'out', x, to), dX: [x] };
    },
    work: { forward: work(map, map + bins), dX: work(map, map + bins) },
  };
}

/** Operations of a pair and channel: for the logit z, and for a side's sum in the backward. */
const pairOperations: Record<PairHead, { logit: number; sum: number }> = {
  linear: { logit: 2, sum: 1 },
  mlp: { logit: 4, sum: 3 },
  absdiff: { logit: 4, sum: 4 },
  bilinear: { logit: 2, sum: 2 },
};

/** The sides of the pairs, as `llsmFeatures` gives them. */
function features(g: Graph, head: PairHead, size: number, depth: number): Features {
  const place = { head, height: size, width: size, depth, bias: given('bias', [1]) };
  const side = (name: string, channels: number, at = 0) => ({
    tensor: g.input(name, [size, size, channels]),
    at,
  });
  if (head === 'bilinear') {
    return { ...place, left: side('theta', depth), right: side('phi', depth) };
  }
  const weight = head === 'linear' ? undefined : given('weight', [depth]);
  if (head === 'absdiff') {
    const tap = side('tap', depth);
    return { ...place, left: tap, right: tap, weight };
  }
  const left = side('pair', pad4(2 * depth));
  return { ...place, left, right: { ...left, at: depth }, weight };
}

/**
 * The pair loss, and with its gradients: B * HW^2 pairs, each its logit over `depth` channels and
 * about 20 operations for target, exp and log; in the backward also a sum for each side (absdiff has
 * one side). Only the sides are moved. What the kernels compute again, they need not: it counts
 * against them.
 */
function pairCase(batch: number, head: PairHead, size: number, depth: number, slow = false): Case {
  const positions = batch * size ** 2;
  const pairs = positions * size ** 2;
  const { logit, sum } = pairOperations[head];
  const sides = head === 'absdiff' ? 1 : 2;
  return {
    name: `llsm ${head}, HW ${size ** 2}, depth ${depth}, b${batch}`,
    batch,
    slow,
    record(g, part) {
      const truth = g.input('truth', [size, size, 1]);
      const options = { scale: 0.5, grad: part === 'whole' };
      llsmLoss(g, features(g, head, size, depth), truth, g.input('share', []), options);
      return {};
    },
    work: {
      forward: work(pairs * (logit * depth + 20), sides * positions * depth),
      whole: work(pairs * ((logit + sides * sum) * depth + 20), 2 * sides * positions * depth),
    },
  };
}

/** The map of all logits, which `run` and `detect` write: 4 bytes a pair. */
function pairMapCase(batch: number, head: PairHead, size: number, depth: number): Case {
  const positions = batch * size ** 2;
  const pairs = positions * size ** 2;
  return {
    name: `llsm map ${head}, HW ${size ** 2}, depth ${depth}, b${batch}`,
    batch,
    record: (g) => ({ out: llsmMap(g, features(g, head, size, depth)) }),
    work: {
      forward: work(pairs * pairOperations[head].logit * depth, 2 * positions * depth + pairs),
    },
  };
}

/** About 12 operations a weight; gradient, both moments and weight read, the last three written. */
function adamCase(values: number): Case {
  return {
    name: `adam, ${(values / 1e6).toFixed(0)}M weights`,
    batch: 1,
    params: (gpu) => new ParamStore(gpu, [{ name: 'w', shape: [values], kind: 'weight' }]),
    record(g, _, params) {
      adam(g, params as ParamStore, given('step', [2]));
      return {};
    },
    work: { forward: work(12 * values, 7 * values) },
  };
}

/** All operations, as the network orders them; `batch` overrides each one's own. */
export function cases(batch?: number): Case[] {
  const b = (own: number): number => batch ?? own;
  return [
    convCase('conv 3x3', b(2), { size: 111, cin: 32, n: 64, kernel: 3 }),
    convCase('conv 1x1', b(2), { size: 109, cin: 64, n: 128 }),
    convCase('conv 1x1 stride 2', b(8), { size: 28, cin: 256, n: 728, stride: 2 }),
    convCase('conv 1x1', b(8), { size: 14, cin: 728, n: 728 }),
    ...(batch ? [] : [convCase('conv 1x1', 32, { size: 14, cin: 728, n: 728, slow: true })]),
    convCase('conv 1x1', b(8), { size: 7, cin: 1024, n: 1536 }),
    depthwiseCase(b(2), 109, 128, 'norm relu'),
    depthwiseCase(b(8), 14, 728, 'relu'),
    batchNormCase(b(2), 109, 128),
    batchNormCase(b(8), 14, 728),
    poolAddCase(b(2), 109, 128),
    residualCase(b(8), 14, 728),
    resizeCase(b(2), 55, 109, 64),
    gateCase(b(2), 109, 32),
    adaptivePoolCase(b(2), 55, 4, 64),
    // The taps block7, block2 and block1 (whose 55 x 55 is made 56 x 56); K and D are 64.
    ...(['mlp', 'linear', 'absdiff', 'bilinear'] as const).flatMap((head) => {
      const depthAt = (channels: number): number =>
        head === 'linear' ? 1 : head === 'absdiff' ? channels : 64;
      return [
        pairCase(b(8), head, 14, depthAt(728)),
        pairCase(b(2), head, 28, depthAt(256), head !== 'mlp'),
        pairCase(b(1), head, 56, depthAt(128), true),
      ];
    }),
    pairMapCase(b(1), 'mlp', 28, 64),
    adamCase(24e6),
  ];
}
