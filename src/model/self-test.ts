import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import { relu, Tensor } from '../graph/tensor.ts';
import { conv } from '../kernels/conv/conv.ts';
import { depthwise } from '../kernels/depthwise/depthwise.ts';

/** Side of the map, its channels, and those between the two pointwise convolutions. */
const [side, channels, wide] = [5, 8, 40];

/** `n` values between -1 and 1 in no order, each exact in 16 bits. */
const values = (n: number, step: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => (((i * step) % 61) - 30) / 32);

/**
 * The stored case: an input and the weights of pointwise, depthwise behind a ReLU, pointwise, which is
 * what the networks spend their time in.
 */
export const selfTestCase = {
  x: { shape: [1, side, side, channels], data: values(side * side * channels, 29) },
  expand: { shape: [wide, channels, 1, 1], data: values(wide * channels, 37) },
  bias: { shape: [wide], data: values(wide, 13) },
  each: { shape: [wide, 1, 3, 3], data: values(wide * 9, 41) },
  reduce: { shape: [wide, wide, 1, 1], data: values(wide * wide, 17) },
};

/** Right sums of the case, in f64: for each of the first eight channels of its result, the sum of pixel p's value times p + 1. */
export const selfTestSums: readonly number[] = [
  -1417.584813117981, -834.7643976211548, -71.50626182556152, 17.501452445983887, 1228.839509010315,
  -89.80490398406982, -400.2000789642334, -1256.791784286499,
];

/** Largest difference, relative to the largest sum: far above rounding, far below an error. */
const tolerance = 1e-4;

const checked = new WeakMap<GPUDevice, Promise<void>>();

/**
 * Computes a stored case on the adapter, once a device: some drivers compute wrong numbers without an
 * error.
 * @throws LlsmError with the adapter's name where its numbers are wrong
 */
export function checkNumbers(gpu: Gpu): Promise<void> {
  const known = checked.get(gpu.device) ?? check(gpu);
  checked.set(gpu.device, known);
  return known;
}

/**
 * Makes something ready on the adapter while that computes the stored case, whose shaders compile beside
 * the other ones.
 * @param letGo takes back what was made, where the adapter is refused
 * @throws LlsmError as `checkNumbers`, and what `make` throws
 */
export async function madeWhileChecked<T>(
  gpu: Gpu,
  make: () => Promise<T>,
  letGo: (made: T) => void,
): Promise<T> {
  const checked = checkNumbers(gpu);
  // Told below; what is made may fail before.
  checked.catch(() => {});
  const made = await make();
  try {
    await checked;
  } catch (error) {
    letGo(made);
    throw error;
  }
  return made;
}

async function check(gpu: Gpu): Promise<void> {
  const g = new Graph({ batch: 1, training: false, traits: gpu, inference: true });
  const { x, ...weights } = selfTestCase;
  const input = g.input('self-test', x.shape.slice(1));
  const [expand, bias, each, reduce] = Object.entries(weights).map(
    ([name, { shape }]) => new Tensor(`self-test ${name}`, shape, { home: 'input' }),
  );
  const hidden = conv(g, 'self-test expand', input, expand, { bias }).out;
  const spread = depthwise(g, 'self-test depthwise', [relu(hidden)], each);
  const { out } = conv(g, 'self-test reduce', spread, reduce, { bias });
  out.keep = true;
  const plan = await Plan.build(gpu, g);
  plan.write(input, x.data);
  for (const [i, tensor] of [expand, bias, each, reduce].entries()) {
    plan.write(tensor, Object.values(weights)[i].data);
  }
  plan.run();
  const result = await plan.read(out);
  plan.destroy();
  const sums = selfTestSums.map((_, c) => {
    let sum = 0;
    for (let pixel = 0; pixel < side * side; pixel++) sum += (pixel + 1) * result[pixel * wide + c];
    return sum;
  });
  const scale = Math.max(...selfTestSums.map(Math.abs));
  const off = Math.max(...sums.map((sum, c) => Math.abs(sum - selfTestSums[c])));
  if (off <= tolerance * scale) return;
  throw new LlsmError(
    `The adapter ${gpu.name} computes wrong numbers: a stored case is off by ` +
      `${((100 * off) / scale).toPrecision(2)} %. Update its driver, or use another adapter.`,
  );
}
