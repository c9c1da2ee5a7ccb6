/**
 * How an operation is compared with its f64 reference: a graph of it is run on the GPU, forward and
 * backward from a random gradient, and outputs and gradients are compared.
 */
import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { type Read, Tensor } from '../../src/graph/tensor.ts';
import { add, map, normal, type Values } from '../reference/values.ts';

export const gpu: Gpu = await openNodeGpu();

type Named<T> = Record<string, T>;

export interface Case {
  batch?: number;
  /** Which statistics batch norm takes. */
  training?: boolean;
  /** Inputs with a batch axis. */
  maps?: Named<Values>;
  /** Inputs without: weights, statistics. */
  weights?: Named<Values>;
  /** Records the operation. `wrt` are differentiated; `also` is compared but has no gradient. */
  build(
    g: Graph,
    t: Named<Tensor>,
  ): { outs: Named<Tensor>; wrt?: Named<Tensor>; also?: Named<Tensor> };
  /** The same by the references; `backward` gets the outputs' gradients. */
  reference: {
    outs: Named<Values>;
    also?: Named<Values>;
    backward?(dOuts: Named<Values>): Named<Values>;
  };
  /** Those of `wrt` that have a gradient already, to which the operation adds. */
  prior?: readonly string[];
  /** Bytes that a binding may have: cuts the batch into slices. Checked that it does. */
  limit?: number;
  /** Largest difference, relative to the reference's largest magnitude. */
  tolerance?: { forward?: number; gradient?: number };
  /** Kernel forms to run; all that the adapter has, if not said. */
  forms?: readonly ('lanes' | 'tile')[];
  /** The name of one form of several, where an operation has a menu. */
  tuned?: string;
}

/** The kernel forms that this adapter can run. */
export const formsHere: readonly ('lanes' | 'tile')[] =
  gpu.subgroupSize === 4 || gpu.subgroupSize === 8 ? ['lanes', 'tile'] : ['tile'];

/** Checks a case in every form. @throws with the worst value of the first tensor that is off. */
export async function check(name: string, it: Case): Promise<void> {
  const forms = it.forms?.filter((form) => formsHere.includes(form)) ?? formsHere;
  for (const form of forms) await checkForm(`${name} (${form})`, it, form);
}

async function checkForm(name: string, it: Case, form: 'lanes' | 'tile'): Promise<void> {
  const subgroupSize = form === 'lanes' ? gpu.subgroupSize : 0;
  // Where a case names no form, the plain one: a software driver compiles the others for seconds.
  const tuned = it.tuned ?? (form === 'tile' ? 'tile 32x32' : undefined);
  const traits = { subgroupSize, tuned: { get: () => tuned } };
  const g = new Graph({ batch: it.batch ?? 1, training: it.training ?? true, traits });
  const random = new Random(7, name);
  const feeds = new Map<Tensor, Float32Array>();
  const tensors: Named<Tensor> = {};
  for (const [key, values] of Object.entries(it.maps ?? {})) {
    tensors[key] = g.input(key, values.shape.slice(1));
    feeds.set(tensors[key], Float32Array.from(values.data));
  }
  for (const [key, values] of Object.entries(it.weights ?? {})) {
    tensors[key] = new Tensor(key, [...values.shape], { home: 'input' });
    feeds.set(tensors[key], Float32Array.from(values.data));
  }
  const { outs, wrt = {}, also = {} } = it.build(g, tensors);
  const expected = new Map<string, { tensor: Tensor; values: Values; tolerance: number }>();
  const { forward = 1e-5, gradient = 1e-4 } = it.tolerance ?? {};
  for (const [key, tensor] of Object.entries(outs)) {
    expected.set(key, { tensor, values: it.reference.outs[key], tolerance: forward });
  }
  for (const [key, tensor] of Object.entries(also)) {
    const values = it.reference.also?.[key];
    if (!values) throw new Error(`${name}: no reference for ${key}`);
    expected.set(key, { tensor, values, tolerance: forward });
  }

  const names = Object.keys(wrt);
  if (names.length) {
    const seeds = new Map<Tensor, Tensor>();
    const given: Named<Values> = {};
    const seed = (tensor: Tensor, values: Values): void => {
      const input = g.input(`d ${tensor.name}`, tensor.shape.slice(1));
      feeds.set(input, Float32Array.from(values.data));
      seeds.set(tensor, input);
    };
    for (const [key, tensor] of Object.entries(outs)) {
      given[key] = normal(random, tensor.shape);
      seed(tensor, given[key]);
    }
    if (!it.reference.backward) throw new Error(`${name}: no reference gradients`);
    const gradients = it.reference.backward(given);
    for (const key of it.prior ?? []) {
      const before = normal(random, wrt[key].shape);
      seed(wrt[key], before);
      gradients[key] = add(gradients[key], before);
    }
    const made = backward(g, seeds, Object.values(wrt));
    for (const key of names) {
      const tensor = made.of(wrt[key]);
      if (!tensor || !gradients[key]) throw new Error(`${name}: no gradient of ${key}`);
      expected.set(`d ${key}`, { tensor, values: gradients[key], tolerance: gradient });
    }
  }
  for (const { tensor } of expected.values()) tensor.keep = true;

  const limits = {
    maxStorageBufferBindingSize: it.limit ?? gpu.device.limits.maxStorageBufferBindingSize,
    maxBufferSize: gpu.device.limits.maxBufferSize,
    minStorageBufferOffsetAlignment: gpu.device.limits.minStorageBufferOffsetAlignment,
  };
  const plan = await Plan.build(gpu, g, undefined, limits);
  try {
    if (it.limit) {
      assert.ok(plan.memory.dispatches.length > g.launches.length, `${name}: nothing was sliced`);
    }
    // A gradient that is only passed on is bound by no launch.
    const bound = new Set(plan.memory.inputs);
    const runOnce = async (): Promise<Float32Array[]> => {
      for (const [tensor, data] of feeds) if (bound.has(tensor)) plan.write(tensor, data);
      plan.run();
      const results: Float32Array[] = [];
      for (const { tensor } of expected.values()) {
        const unbound = bound.has(tensor) ? undefined : feeds.get(tensor);
        results.push(unbound ?? (await plan.read(tensor)));
      }
      return results;
    };
    const first = await runOnce();
    [...expected].forEach(([key, { values, tolerance }], i) => {
      compare(`${name}: ${key}`, first[i], values, tolerance);
    });
    const second = await runOnce();
    [...expected.keys()].forEach((key, i) => {
      const same = Buffer.from(first[i].buffer).equals(Buffer.from(second[i].buffer));
      assert.ok(same, `${name}: ${key} differs between two runs`);
    });
  } finally {
    plan.destroy();
  }
}

/** Compares values that a GPU made with their reference, and names the worst one. */
export function compare(
  name: string,
  actual: Float32Array,
  { shape, data }: Values,
  tolerance: number,
): void {
  if (actual.length < data.length) {
    throw new Error(`${name}: ${actual.length} values for [${shape.join(', ')}]`);
  }
  let scale = 1e-30;
  let worst = 0;
  let off = -1;
  for (let i = 0; i < data.length; i++) {
    scale = Math.max(scale, Math.abs(data[i]));
    const difference = Math.abs(actual[i] - data[i]);
    if (!(difference <= off)) {
      worst = i;
      off = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }
  }
  if (off <= tolerance * scale) return;
  const index: number[] = [];
  let rest = worst;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  const wrong = data.reduce(
    (n, v, i) => n + Number(!(Math.abs(actual[i] - v) <= tolerance * scale)),
    0,
  );
  throw new Error(
    `${name} [${shape.join(', ')}]: at [${index.join(', ')}] ${actual[worst]}, expected ` +
      `${data[worst]}: off by ${(off / scale).toExponential(2)} of the largest, allowed ${tolerance}; ` +
      `${wrong} of ${data.length} values are off`,
  );
}

/** A read of `x` through [2, C] `affine`, as batch norm gives it; `value` stands for what is read. */
export function readThrough(x: Tensor, affine: Tensor | undefined, relu: boolean): Read {
  const value = affine ? new Tensor(`read ${x.name}`, x.shape, { batched: true }) : x;
  return { tensor: x, affine, relu, value };
}

/** Scale and shift for `c` channels. */
export function randomAffine(random: Random, c: number): Values {
  return map(normal(random, [2, c], 0.5), (value, i) => (i < c ? Math.fround(value + 1) : value));
}

/**
 * x with the values moved for which x * scale + shift is so near to 0 that f32 may take the other
 * side of a ReLU.
 */
export function awayFromKinks(x: Values, affine?: Values): Values {
  const c = x.shape[x.shape.length - 1];
  return map(x, (value, i) => {
    const scale = affine ? affine.data[i % c] : 1;
    const shift = affine ? affine.data[c + (i % c)] : 0;
    const y = value * scale + shift;
    if (Math.abs(y) > 1e-3) return value;
    return Math.fround(((y < 0 ? -0.01 : 0.01) - shift) / scale);
  });
}
