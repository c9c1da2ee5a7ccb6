import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { type Case, given, reading, type Through, work } from './case.ts';

/**
 * A convolution as the network has it in training: without bias, with the statistics of its output,
 * unless `stats` is false.
 * GEMM of [b * outH * outW, k * k * cin] by [k * k * cin, n]: 2 * M * K * N operations in each of
 * the three products, which read two of x, W and out's gradient and write the third.
 */
export function convCase(
  label: string,
  batch: number,
  it: {
    size: number;
    cin: number;
    n: number;
    kernel?: 1 | 3;
    stride?: 1 | 2;
    stats?: boolean;
    slow?: boolean;
  },
): Case {
  const { size, cin, n, kernel = 1, stride = 1, stats = true, slow } = it;
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
      const { out } = conv(g, 'out', x, weight, { stride, stats });
      return { out, dX: [x], dW: [weight] };
    },
    work: { forward: product, dX: product, dW: product },
  };
}

/** 9 multiply-adds an output, in each of the three. dX of a bare ReLU reads x for its mask. */
export function depthwiseCase(batch: number, size: number, c: number, through: Through): Case {
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
