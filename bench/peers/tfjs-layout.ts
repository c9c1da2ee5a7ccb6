/** Weights between PyTorch's layout and that of TensorFlow.js. */
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from '../../src/model/safetensors.ts';

type Shape4D = [number, number, number, number];

/**
 * A filter [N, C, KH, KW] as [KH, KW, C, N], and a depthwise one [C, 1, KH, KW] as [KH, KW, C, 1];
 * tensors of other ranks as they are.
 */
export function fromTorch({ data, shape }: HostTensor): tf.Tensor {
  if (shape.length !== 4) return tf.tensor(data, shape);
  const [n, c, ...kernel] = shape;
  const known = (c === 1 ? [1, n, ...kernel] : shape) as Shape4D;
  return tf.tidy(() => tf.transpose(tf.tensor4d(data, known), [2, 3, 1, 0]));
}

/** The other way round, but for the two axes of a depthwise filter that do not move a value. */
export const toTorch = (weight: tf.Tensor): tf.Tensor =>
  weight.rank === 4 ? tf.transpose(weight, [3, 2, 0, 1]) : weight;
