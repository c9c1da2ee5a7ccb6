/**
 * What a benchmark's case is: an operation at one of the network's shapes, with what it must compute
 * and move: sizes in values, 4 bytes each; a tensor counts once for each time that the operation as a
 * whole must read or write it, however often its kernels do.
 */
import type { Gpu } from '../../src/gpu/device.ts';
import type { Graph } from '../../src/graph/record.ts';
import type { ParamStore } from '../../src/graph/store.ts';
import { type Read, read, relu, Tensor } from '../../src/graph/tensor.ts';

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
  /** The gradients of an operation that makes them at once. */
  gradients?: readonly Tensor[];
}

/** `whole` is forward and backward, with all gradients. */
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

export const work = (flops: number, values: number): Work => ({ flops, bytes: values * 4 });

export const given = (name: string, shape: number[]): Tensor =>
  new Tensor(name, shape, { home: 'input' });

/** How an operation reads a map: as it is, behind a batch norm (and ReLU), behind a bare ReLU. */
export type Through = 'nothing' | 'norm' | 'norm relu' | 'relu';

export function reading(g: Graph, shape: readonly number[], through: Through): Read {
  const x = g.input('x', shape);
  if (through === 'nothing') return read(x);
  if (through === 'relu') return relu(x);
  const c = shape[shape.length - 1];
  return {
    tensor: x,
    affine: given('affine', [2, c]),
    relu: through === 'norm relu',
    value: new Tensor('read x', x.shape, { batched: true }),
  };
}
