/** What the network needs and TensorFlow.js has no operation or no right gradient for. */
import * as tf from '@tensorflow/tfjs-core';

type Map4 = tf.Tensor4D;

/** Products of a map [B, H, W, C] with a matrix for its rows [H', H] and one for its columns. */
function separable(x: Map4, rows: tf.Tensor2D, columns: tf.Tensor2D): Map4 {
  const [b, h, w, c] = x.shape;
  const [height, width] = [rows.shape[0], columns.shape[0]];
  const vertical = tf.matMul(tf.expandDims(rows, 0), tf.reshape(x, [b, h, w * c]));
  const lines = tf.reshape(vertical, [b * height, w, c]);
  return tf.reshape(tf.matMul(tf.expandDims(columns, 0), lines), [b, height, width, c]);
}

const kept = new Map<string, tf.Tensor2D>();

/** A constant matrix [to, from], made once. */
function matrix(name: string, from: number, to: number, fill: (put: Put) => void): tf.Tensor2D {
  const key = `${name} ${from} ${to}`;
  const known = kept.get(key);
  if (known) return known;
  const values = new Float32Array(to * from);
  fill((row, column, value) => {
    values[row * from + column] += value;
  });
  const made = tf.keep(tf.tensor2d(values, [to, from]));
  kept.set(key, made);
  return made;
}

type Put = (row: number, column: number, value: number) => void;

/** Shares of an adaptive average pool with PyTorch's bins. */
const poolMatrix = (from: number, to: number): tf.Tensor2D =>
  matrix('pool', from, to, (put) => {
    for (let i = 0; i < to; i++) {
      const [first, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
      for (let at = first; at < end; at++) put(i, at, 1 / (end - first));
    }
  });

/** Weights of bilinear resizing with half-pixel centres. */
const resizeMatrix = (from: number, to: number): tf.Tensor2D =>
  matrix('resize', from, to, (put) => {
    for (let i = 0; i < to; i++) {
      const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
      const low = Math.floor(at);
      put(i, Math.min(from - 1, low), 1 - (at - low));
      put(i, Math.min(from - 1, low + 1), at - low);
    }
  });

/** Adaptive average pool to [B, size, size, C]. */
export const pooled = (x: Map4, size: number): Map4 =>
  separable(x, poolMatrix(x.shape[1], size), poolMatrix(x.shape[2], size));

/**
 * Bilinear resizing. The gradient of tfjs' own operation leaves the half-pixel centres out, so it
 * has one of products here.
 */
export function resize(x: Map4, height: number, width: number): Map4 {
  const [, h, w] = x.shape;
  const [rows, columns] = [resizeMatrix(h, height), resizeMatrix(w, width)];
  const operation = tf.customGrad((map) => ({
    value: tf.image.resizeBilinear(map as Map4, [height, width], false, true),
    gradFunc: (dOut: tf.Tensor) =>
      separable(dOut as Map4, tf.transpose(rows), tf.transpose(columns)),
  }));
  return operation(x) as Map4;
}

interface PairWeights {
  /** [2, 1, C, K] and [K]. */
  pair: tf.Tensor;
  pairBias: tf.Tensor;
  /** [1, 1, K, 1] and [1]. */
  out: tf.Tensor;
  outBias: tf.Tensor;
}

/** Logits of all pairs [B, HW, HW] of a map's positions, with the tensor of pairs [B, HW, HW, K]. */
export function pairLogits(
  features: Map4,
  { pair, pairBias, out, outBias }: PairWeights,
): tf.Tensor3D {
  const [b, h, w, c] = features.shape;
  const depth = pair.shape[3] as number;
  const flat = tf.reshape(features, [b * h * w, c]);
  const [first, second] = tf.unstack(tf.reshape(pair, [2, c, depth])) as tf.Tensor2D[];
  const rows = tf.reshape(tf.add(tf.matMul(flat, first), pairBias), [b, h * w, 1, depth]);
  const columns = tf.reshape(tf.matMul(flat, second), [b, 1, h * w, depth]);
  const hidden = tf.reshape(tf.relu(tf.add(rows, columns)), [b * (h * w) ** 2, depth]);
  const logits = tf.add(tf.matMul(hidden, tf.reshape(out, [depth, 1])), outBias);
  return tf.reshape(logits, [b, h * w, h * w]);
}

/** [B, S, S, 1] to [B, HW, HW]: 1 where the mask's means over the positions differ by over 0.5. */
export function pairTargets(mask: Map4, size: number): tf.Tensor3D {
  const [b] = mask.shape;
  const means = tf.reshape(pooled(mask, size), [b, size * size]);
  const differences = tf.abs(tf.sub(tf.expandDims(means, 2), tf.expandDims(means, 1)));
  return tf.cast(tf.greater(differences, 0.5), 'float32') as tf.Tensor3D;
}

/** Mean binary cross-entropy with logits: softplus(z) - z t. */
export const crossEntropy = (logits: tf.Tensor, truth: tf.Tensor): tf.Scalar =>
  tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, truth))) as tf.Scalar;
