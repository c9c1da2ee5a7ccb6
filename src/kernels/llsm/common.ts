import { gradientTensor } from '../../graph/gradients.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { axis, unpack } from '../matrix.ts';
import type { Features, PairHead, Side } from './features.ts';

/** Inputs of a loss over all pairs. */
export interface LossInputs {
  /** The pooled mask [B, H, W, 1]. */
  target: Tensor;
  /** Weight [B] of each item in the loss. */
  share: Tensor;
  /** Weight of a pair in its item's loss (`pairShare`), and in the gradients of features and weights. */
  pairShare: number;
  gradientShare: number;
  /** Factor of the gradients; without `grad` there are none. */
  scale: number;
  grad: boolean;
}

/** Flags of a shader for a head. */
export const headFlags = (head: PairHead) => ({
  LINEAR: head === 'linear',
  MLP: head === 'mlp',
  ABSDIFF: head === 'absdiff',
  BILINEAR: head === 'bilinear',
});

/** Flags of a shader for how a side is read; a bare ReLU masks the gradient. */
export const readFlags = ({ affine, relu }: Side) => ({
  AFFINE: affine !== undefined,
  RELU: relu,
  MASK: relu && !affine,
});

/** Factor of the pairs' products: 1 / sqrt(D) for `bilinear`, else 1. */
export const depthScale = ({ head, depth }: Features): number =>
  head === 'bilinear' ? 1 / Math.sqrt(depth) : 1;

/** Channels behind a side that pad the tensor; where they are the other side's, that one comes later. */
export function paddingOf({ tensor, at }: Side, depth: number): number {
  const behind = tensor.shape[3] - at - depth;
  return behind < 4 ? behind : 0;
}

/** Operations of a launch over all pairs, for the benchmark's rates. */
export function pairFlops(g: Graph, { height, width, depth }: Features, grad: boolean): number {
  return 3 * (grad ? 2 : 1) * g.batch * (height * width) ** 2 * depth;
}

/** The gradients that a pair loss begins from, each tensor made when it is first asked for. */
export class PairSeeds {
  readonly seeds = new Map<Tensor, Tensor>();

  /** Tensor that the gradient of a side goes to. */
  of({ value }: Side): Tensor {
    const gradient = this.seeds.get(value) ?? gradientTensor(value);
    this.seeds.set(value, gradient);
    return gradient;
  }

  /** The gradient of a parameter: `scale` times the sums over `rows` of its columns `from` on. */
  sumTo(g: Graph, parameter: Tensor, rows: Tensor, from: number, scale = 1): void {
    const gradient = gradientTensor(parameter);
    this.seeds.set(parameter, gradient);
    const view = { rows: axis(1, 0), columns: axis(parameter.size, 1), base: 0 };
    unpack(g, rows, gradient, view, { scale, from });
  }
}
