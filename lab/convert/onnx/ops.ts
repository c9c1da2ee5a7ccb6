/** The operations that the network is made of, as ONNX nodes. Shapes are [C, H, W] behind the batch. */
import { LlsmError } from '../../../src/base/errors.ts';
import { sizeOf } from '../../../src/model/llsm/params.ts';
import type { Constant, OnnxGraph, Value } from './graph.ts';

export interface ConvOptions {
  stride?: 1 | 2;
  /** Zeros on each side. */
  padding?: number;
  /** As many as channels: a depthwise convolution. */
  groups?: number;
  bias?: Constant;
}

/** Convolution by a weight [N, C / groups, KH, KW], PyTorch's layout. */
export function conv(
  g: OnnxGraph,
  name: string,
  x: Value,
  weight: Constant,
  { stride = 1, padding = 0, groups = 1, bias }: ConvOptions = {},
): Value {
  const [, height, width] = x.shape;
  const [n, , kh, kw] = weight.dims;
  const side = (size: number, k: number) => Math.floor((size + 2 * padding - k) / stride) + 1;
  return g.node(
    'Conv',
    name,
    [x, weight, ...(bias ? [bias] : [])],
    [n, side(height, kh), side(width, kw)],
    {
      kernel_shape: [kh, kw],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      group: groups,
    },
  );
}

export interface NormParams {
  weight: Constant;
  bias: Constant;
  runningMean: Constant;
  runningVar: Constant;
}

/** Batch norm by its running statistics; runtimes fold it into the convolution before it. */
export function batchNorm(
  g: OnnxGraph,
  name: string,
  x: Value,
  { weight, bias, runningMean, runningVar }: NormParams,
  eps: number,
): Value {
  const inputs = [x, weight, bias, runningMean, runningVar];
  return g.node('BatchNormalization', name, inputs, x.shape, { epsilon: { float: eps } });
}

export const relu = (g: OnnxGraph, name: string, x: Value): Value =>
  g.node('Relu', name, [x], x.shape);

/** An operation of two tensors, value by value; lengths of 1 are repeated, the batch excepted. */
export function elementwise(
  g: OnnxGraph,
  operator: 'Add' | 'Sub' | 'Mul',
  name: string,
  a: Value,
  b: Value,
): Value {
  const shape = a.shape.map((n, i) => Math.max(n, b.shape[i]));
  return g.node(operator, name, [a, b], shape);
}

/** Max pool 3x3 with stride 2 to half the size, rounded up; `poolPad` as in the config. */
export function maxPool(g: OnnxGraph, name: string, x: Value, poolPad: 'torch' | 'tf'): Value {
  const [channels, height, width] = x.shape;
  const before = (size: number) => (poolPad === 'tf' && size % 2 === 0 ? 0 : 1);
  return g.node('MaxPool', name, [x], [channels, Math.ceil(height / 2), Math.ceil(width / 2)], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [before(height), before(width), 1, 1],
  });
}

/**
 * Bilinear, as PyTorch's `interpolate` with align_corners = false and no antialiasing. By factors:
 * sizes would hold the batch's too, and onnxruntime mistakes them where they come with axes.
 */
export function resize(g: OnnxGraph, name: string, x: Value, height: number, width: number): Value {
  const [channels, inH, inW] = x.shape;
  const factors = Float32Array.of(1, 1, factor(inH, height), factor(inW, width));
  const scales = g.constant(`${name}.scales`, [4], factors);
  return g.node('Resize', name, [x, undefined, scales], [channels, height, width], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
}

/** `to` / `from` as an f32 that is not below it, so that ONNX, which rounds sizes down, gets `to`. */
function factor(from: number, to: number): number {
  const near = Math.fround(to / from);
  return near * from >= to ? near : Math.fround(near * (1 + 2 ** -23));
}

/**
 * Adaptive average pool to [C, size, size] with torch's bins: bin i covers floor(i * n / o) up to
 * ceil((i + 1) * n / o). ONNX has no such pool: here it is a product with the bins' shares.
 */
export function adaptivePool(g: OnnxGraph, name: string, x: Value, size: number): Value {
  const [channels, height, width] = x.shape;
  const [rows, columns] = [bins(height, size), bins(width, size)];
  const shares = new Float32Array(height * width * size ** 2);
  rows.forEach(([y0, y1], oy) => {
    columns.forEach(([x0, x1], ox) => {
      for (let y = y0; y < y1; y++) {
        for (let column = x0; column < x1; column++) {
          shares[((y * width + column) * size + oy) * size + ox] = 1 / ((y1 - y0) * (x1 - x0));
        }
      }
    });
  });
  const matrix = g.constant(`${name}.shares`, [height * width, size ** 2], shares);
  const flat = reshape(g, `${name}.flat`, x, [channels, height * width]);
  const pooled = g.node('MatMul', `${name}.product`, [flat, matrix], [channels, size ** 2]);
  return reshape(g, name, pooled, [channels, size, size]);
}

const bins = (n: number, count: number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [
    Math.floor((i * n) / count),
    Math.ceil(((i + 1) * n) / count),
  ]);

/** A square map resized to [height, width], bilinear as `resize` has it. */
export function stretched(
  map: Float32Array,
  side: number,
  height: number,
  width: number,
): Float32Array {
  const out = new Float32Array(height * width);
  const taps = (o: number, size: number) => {
    const at = Math.max(0, ((o + 0.5) * side) / size - 0.5);
    const low = Math.min(side - 1, Math.floor(at));
    return { low, high: Math.min(side - 1, low + 1), share: at - low };
  };
  for (let y = 0; y < height; y++) {
    const row = taps(y, height);
    for (let x = 0; x < width; x++) {
      const column = taps(x, width);
      const along = (line: number) =>
        (1 - column.share) * map[line * side + column.low] +
        column.share * map[line * side + column.high];
      out[y * width + x] = (1 - row.share) * along(row.low) + row.share * along(row.high);
    }
  }
  return out;
}

/** Rows of the three residual kernels, and what each is divided by (residual_channels.wgsl). */
const residualKernels: { divide: number; rows: number[][] }[] = [
  {
    divide: 4 * 0.017,
    rows: [
      [0, 0, 0, 0, 0],
      [0, -1, 2, -1, 0],
      [0, 2, -4, 2, 0],
      [0, -1, 2, -1, 0],
      [0, 0, 0, 0, 0],
    ],
  },
  {
    divide: 12 * 0.018,
    rows: [
      [-1, 2, -2, 2, -1],
      [2, -6, 8, -6, 2],
      [-2, 8, -12, 8, -2],
      [2, -6, 8, -6, 2],
      [-1, 2, -2, 2, -1],
    ],
  },
  {
    divide: 2 * 0.04,
    rows: [
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
      [0, 1, -2, 1, 0],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ],
  },
];

/** The picture [3, H, W] with its three residuals behind it. */
export function residualChannels(g: OnnxGraph, name: string, image: Value): Value {
  const [, height, width] = image.shape;
  const grey = [0.299, 0.587, 0.114];
  const weights = residualKernels.flatMap(({ divide, rows }) =>
    grey.flatMap((share) => rows.flatMap((row) => row.map((value) => (share * value) / divide))),
  );
  const weight = g.constant(`${name}.kernels`, [3, 3, 5, 5], Float32Array.from(weights));
  const pads = integers(g, `${name}.pads`, [0, 0, 2, 2, 0, 0, 2, 2]);
  const padded = g.node('Pad', `${name}.pad`, [image, pads], [3, height + 4, width + 4], {
    mode: 'edge',
  });
  const found = conv(g, `${name}.conv`, padded, weight);
  const [low, high] = [-3, 3].map((limit) =>
    g.constant(`${name}.${limit}`, [], Float32Array.of(limit)),
  );
  const clamped = g.node('Clip', `${name}.clip`, [found, low, high], found.shape);
  return concat(g, name, [image, clamped]);
}

/** [C, H, W] to [C, 1, 1]. */
export const globalPool = (g: OnnxGraph, name: string, x: Value): Value =>
  g.node('GlobalAveragePool', name, [x], [x.shape[0], 1, 1]);

/** One after the other along the channels. */
export function concat(g: OnnxGraph, name: string, values: readonly Value[]): Value {
  const channels = values.reduce((sum, { shape }) => sum + shape[0], 0);
  return g.node('Concat', name, values, [channels, ...values[0].shape.slice(1)], { axis: 1 });
}

/** @param order of the axes behind the batch, from 1 */
export const transpose = (g: OnnxGraph, name: string, x: Value, order: readonly number[]): Value =>
  g.node(
    'Transpose',
    name,
    [x],
    order.map((axis) => x.shape[axis - 1]),
    { perm: [0, ...order] },
  );

export function reshape(g: OnnxGraph, name: string, x: Value, shape: readonly number[]): Value {
  if (sizeOf(shape) !== sizeOf(x.shape)) throw new LlsmError(`${name}: [${x.shape}] as [${shape}]`);
  // 0 stands for the length that is there: the batch.
  const to = integers(g, `${name}.shape`, [0, ...shape]);
  return g.node('Reshape', name, [x, to], shape);
}

const integers = (g: OnnxGraph, name: string, values: readonly number[]): Constant =>
  g.constant(name, [values.length], BigInt64Array.from(values, BigInt));
