/** The values that a row's contestants are all given. */

import { Random } from '../../src/base/random.ts';
import { parseConfig } from '../../src/config/config.ts';
import { valueOfByte } from '../../src/gpu/storage8.ts';
import { type Checkpoint, checkpointToSafetensors } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { sizeOf } from '../../src/model/llsm/params.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import { randomBatch } from '../networks.ts';
import type { ConvolutionTask, NetworkTask, PairsTask, Task } from './task.ts';

/** Inputs by name, in NHWC and PyTorch's layouts of weights, and a network's weights. */
export interface Given {
  input: Map<string, HostTensor>;
  checkpoint?: Checkpoint;
}

export function give(task: Task): Given {
  switch (task.kind) {
    case 'network':
      return giveNetwork(task);
    case 'pairs':
      return { input: pairs(task) };
    default:
      return { input: convolution(task) };
  }
}

/** The parts of `weights.safetensors`. */
export const checkpointParts = (checkpoint: Checkpoint): Uint8Array[] =>
  checkpointToSafetensors(checkpoint);

function uniform(name: string, shape: number[], low: number, high: number): [string, HostTensor] {
  const random = new Random(1, `peers ${name}`);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high));
  return [name, { shape, data }];
}

function convolution({ kind, batch, size, channels }: ConvolutionTask) {
  const map = [batch, size, size, channels];
  const weight = kind === 'pointwise' ? [channels, channels, 1, 1] : [channels, 1, 3, 3];
  return new Map([
    uniform('x', map, -1, 1),
    uniform('weight', weight, -1, 1),
    uniform('d out', map, -1, 1),
  ]);
}

/** Both sides of the pairs lie in one tensor, the left one's channels first. */
function pairs({ batch, size, depth }: PairsTask) {
  return new Map([
    uniform('pair', [batch, size, size, 2 * depth], -1, 1),
    uniform('weight', [depth], -0.5, 0.5),
    uniform('bias', [1], -0.5, 0.5),
    uniform('truth', [batch, size, size, 1], 0, 1),
    ['share', { shape: [batch], data: new Float32Array(batch).fill(1 / batch) }] as const,
  ]);
}

/** Noise as images, and weights of which every one matters to the outputs. */
function giveNetwork({ batch, width, size }: NetworkTask): Given {
  const checkpoint = initParams(parseConfig({ width, size }, 'benchmark'), 1);
  // A separable convolution as it is initialised doubles the variance of what it reads; the norms
  // keep activations in range and gates open, as a trained network's do.
  const ranges = {
    running_mean: [-0.2, 0.2],
    running_var: [1.5, 3],
    weight: [0.5, 1.5],
    bias: [-0.3, 0.3],
  };
  for (const name of [...checkpoint.tensors.keys()]) {
    const [, norm, field] = /^(.*)\.(\w+)$/.exec(name) ?? [];
    const range = ranges[field as keyof typeof ranges];
    if (!range || !checkpoint.tensors.has(`${norm}.running_var`)) continue;
    const { shape } = checkpoint.tensors.get(name) as HostTensor;
    checkpoint.tensors.set(...uniform(name, shape, range[0], range[1]));
  }
  const { image, label, mask } = randomBatch(batch, size);
  const input = new Map<string, HostTensor>([
    ['image', { shape: [batch, size, size, 3], data: Float32Array.from(image, valueOfByte) }],
    ['label', { shape: [batch], data: label }],
    ['mask', { shape: [batch, size, size, 1], data: mask }],
  ]);
  return { input, checkpoint };
}
