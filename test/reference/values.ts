import type { Random } from '../../src/base/random.ts';

/** A tensor in f64: what the references compute with. Feature maps are [B, H, W, C]. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What a reference gives: its result, and its gradients for a gradient of the result. */
export interface Result<Input extends string> {
  out: Values;
  backward(dOut: Values): Record<Input, Values>;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function zeros(shape: readonly number[]): Values {
  return { shape: [...shape], data: new Float64Array(sizeOf(shape)) };
}

export function valuesOf(shape: readonly number[], data: ArrayLike<number>): Values {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} values for [${shape}]`);
  return { shape: [...shape], data: Float64Array.from(data) };
}

/** Normal values that are exact in f32, so that the GPU sees the same ones. */
export function normal(random: Random, shape: readonly number[], scale = 1, mean = 0): Values {
  const { data } = zeros(shape);
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(mean + scale * random.normal());
  return { shape: [...shape], data };
}

export function map(x: Values, f: (value: number, i: number) => number): Values {
  return { shape: x.shape, data: x.data.map(f) };
}

export const add = (a: Values, b: Values): Values => map(a, (value, i) => value + b.data[i]);

export const reshape = (x: Values, shape: readonly number[]): Values => valuesOf(shape, x.data);

export const channelsOf = (x: Values): number => x.shape[x.shape.length - 1];

/** Channels `from` to `to` of x; zeros where x has none. */
export function channelRange(x: Values, from: number, to: number): Values {
  const channels = channelsOf(x);
  const out = zeros([...x.shape.slice(0, -1), to - from]);
  const rows = x.data.length / channels;
  for (let row = 0; row < rows; row++) {
    for (let c = from; c < Math.min(to, channels); c++) {
      out.data[row * (to - from) + c - from] = x.data[row * channels + c];
    }
  }
  return out;
}

export function concat(a: Values, b: Values): Values {
  const [ca, cb] = [channelsOf(a), channelsOf(b)];
  const out = zeros([...a.shape.slice(0, -1), ca + cb]);
  const rows = a.data.length / ca;
  for (let row = 0; row < rows; row++) {
    out.data.set(a.data.subarray(row * ca, (row + 1) * ca), row * (ca + cb));
    out.data.set(b.data.subarray(row * cb, (row + 1) * cb), row * (ca + cb) + ca);
  }
  return out;
}
