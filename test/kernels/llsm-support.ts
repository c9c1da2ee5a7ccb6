/** How the pair kernels are compared with their f64 reference, over all pairs and over drawn ones. */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { read, Tensor } from '../../src/graph/tensor.ts';
import type { Loss } from '../../src/kernels/bce/bce.ts';
import type { Features } from '../../src/kernels/llsm/features.ts';
import { llsmLoss, llsmMap } from '../../src/kernels/llsm/llsm.ts';
import {
  llsmSampledLoss,
  type PairInputs,
  type PairInputsData,
  pairInputs,
} from '../../src/kernels/llsm/sampled.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { type Head, pairLogits, pairLoss } from '../reference/llsm.ts';
import {
  add,
  channelRange,
  concat,
  map,
  normal,
  type Values,
  valuesOf,
  zeros,
} from '../reference/values.ts';
import { awayFromKinks, compare, formsHere, gpu, randomAffine, readThrough } from './support.ts';

export const heads: Head[] = ['linear', 'mlp', 'absdiff', 'bilinear'];
export const random = new Random(1, 'llsm tests');

/** Subgroups of 4 (SwiftShader's) are half filled ones here, where there are subgroups of 8. */
export const subgroupSizes = !formsHere.includes('lanes')
  ? [0]
  : gpu.subgroupSize === 8
    ? [0, 4, 8]
    : [0, 4];

/** Values in sixteenths, so that some differences are 0.5 exactly, and the GPU's are the same. */
export const masks = (batch: number, h: number, w: number): Values =>
  map(zeros([batch, h, w, 1]), () => random.int(17) / 16);

/** A head's sides as the features op gives them: in one tensor or two, padded to four channels. */
interface Sides {
  tensors: Values[];
  depth: number;
  left: Values;
  right: Values;
  weight: Values;
  bias: Values;
  /** What the one side of `absdiff` is read through. */
  through?: { affine?: Values; relu: boolean };
}

/** `absdiff` through an affine map and a ReLU, or through a ReLU alone. */
function readSide(h: number, w: number, depth: number, batch: number, through: Through): Sides {
  const affine = through === 'affine relu' ? randomAffine(random, depth) : undefined;
  const x = awayFromKinks(normal(random, [batch, h, w, depth]), affine);
  const value = affine ? referenceRead(x, affine, true) : map(x, (v) => Math.max(v, 0));
  return {
    tensors: [x],
    depth,
    left: value,
    right: value,
    weight: normal(random, [depth], 2 / Math.sqrt(depth)),
    bias: normal(random, [1]),
    through: { affine, relu: true },
  };
}

export function sidesOf(head: Head, batch: number, h: number, w: number, d: number): Sides {
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

function featuresOf(
  head: Head,
  it: Sides,
  tensors: Tensor[],
  { weight, bias, affine }: { weight: Tensor; bias: Tensor; affine?: Tensor },
) {
  const [, height, width] = it.left.shape;
  const both = head === 'linear' || head === 'mlp';
  const left = { ...readThrough(tensors[0], affine, it.through?.relu ?? false), at: 0 };
  const right =
    head === 'absdiff' ? left : { ...read(tensors[both ? 0 : 1]), at: both ? it.depth : 0 };
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
  const [x] = it.tensors;
  const masked = it.through?.relu && !it.through.affine;
  const tensors =
    head === 'absdiff'
      ? [map(add(d.left, d.right), (value, i) => (masked && x.data[i] <= 0 ? 0 : value))]
      : head === 'bilinear'
        ? [channelRange(d.left, 0, channels), channelRange(d.right, 0, channels)]
        : [channelRange(concat(d.left, d.right), 0, channels)];
  return { z: logits.out, loss: loss.out, tensors, weight: d.weight, bias: d.bias };
}

type Through = 'affine relu' | 'relu';

interface Case {
  head: Head;
  /** Of `absdiff`. */
  through?: Through;
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

export async function check(it: Case): Promise<void> {
  const { head, batch = 1, h, w, d = 8, scale = 1 } = it;
  const sides = it.through ? readSide(h, w, d, batch, it.through) : sidesOf(head, batch, h, w, d);
  const mask = masks(batch, h, w);
  const share = valuesOf([batch], it.share ?? Array(batch).fill(1 / batch));
  const exact = expected(head, sides, mask, share, scale, it.pairs?.counts);
  for (const subgroupSize of subgroupSizes) {
    const g = new Graph({ batch, training: true, traits: { subgroupSize } });
    const fixed = (name: string, x: Values) => new Tensor(name, [...x.shape], { home: 'input' });
    const tensors = sides.tensors.map((x, i) => g.input(`x${i}`, x.shape.slice(1)));
    const weight = fixed('weight', sides.weight);
    const bias = fixed('bias', sides.bias);
    const affine = sides.through?.affine && fixed('affine', sides.through.affine);
    const target = g.input('target', [h, w, 1]);
    const shares = g.input('share', []);
    const features = featuresOf(head, sides, tensors, { weight, bias, affine });
    const z = it.map === false ? undefined : llsmMap(g, features);
    let pairs: PairInputs | undefined;
    const lossOf = (grad: boolean): Loss => {
      const options = { scale, grad };
      if (!it.pairs) return llsmLoss(g, features, target, shares, options);
      pairs ??= pairInputs(g, features, it.pairs.data.drawn.length / 2 / batch);
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
      ...tensors.map((x, i): [string, Tensor, Values] => [
        x.name,
        seedOf(affine ? features.left.value : x),
        exact.tensors[i],
      ]),
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
      if (affine && sides.through?.affine) feed(affine, sides.through.affine);
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
