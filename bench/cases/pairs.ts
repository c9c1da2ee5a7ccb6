import type { Graph } from '../../src/graph/record.ts';
import { read } from '../../src/graph/tensor.ts';
import type { PairHead } from '../../src/kernels/llsm/features.ts';
import { type Features, llsmLoss, llsmMap } from '../../src/kernels/llsm/llsm.ts';
import { pad4 } from '../../src/kernels/matrix.ts';
import { type Case, given, work } from './case.ts';

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
    ...read(g.input(name, [size, size, channels])),
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
export function pairCase(
  batch: number,
  head: PairHead,
  size: number,
  depth: number,
  slow = false,
): Case {
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
      const { seeds } = llsmLoss(
        g,
        features(g, head, size, depth),
        truth,
        g.input('share', []),
        options,
      );
      return { gradients: [...seeds.values()] };
    },
    work: {
      forward: work(pairs * (logit * depth + 20), sides * positions * depth),
      whole: work(pairs * ((logit + sides * sum) * depth + 20), 2 * sides * positions * depth),
    },
  };
}

/** The map of all logits, which `run` and `detect` write: 4 bytes a pair. */
export function pairMapCase(batch: number, head: PairHead, size: number, depth: number): Case {
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
