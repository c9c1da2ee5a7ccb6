/** Pictures as bytes against the same pictures as numbers, in every form: equal to the last bit. */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { valueOfByte } from '../../src/gpu/storage8.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { formsOf } from '../../src/kernels/conv/menu.ts';
import { test } from '../support/run.ts';
import { gpu } from './support.ts';

const random = new Random(7, 'bytes');

/** Output and filter gradient of the first convolution over pictures [3, side, side, 3]. */
async function firstConv(
  side: number,
  n: number,
  traits: { subgroupSize: number; form?: string },
  image: Uint8Array | Float32Array,
  weights: Float32Array,
  limit?: number,
): Promise<Float32Array[]> {
  const tuned = { get: () => traits.form };
  const g = new Graph({ batch: 3, training: true, traits: { ...traits, tuned } });
  const dtype = image instanceof Uint8Array ? 'u8' : 'f32';
  const x = g.input('image', [side, side, 3], dtype);
  const weight = new Tensor('weight', [n, 3, 3, 3], { home: 'input' });
  const { out } = conv(g, 'first', x, weight, { stride: 2 });
  const gradients = backward(g, new Map([[out, out]]), [weight]);
  const dWeight = gradients.of(weight) as Tensor;
  for (const tensor of [out, dWeight]) tensor.keep = true;
  const limits = { ...limitsOf(), ...(limit && { maxStorageBufferBindingSize: limit }) };
  const plan = await Plan.build(gpu, g, undefined, limits);
  if (limit) assert.ok(plan.memory.dispatches.some(({ slice }) => slice.first > 0));
  plan.write(x, image);
  plan.write(weight, weights);
  plan.run();
  const results = [await plan.read(out), await plan.read(dWeight), await plan.read(x)];
  plan.destroy();
  return results;
}

const limitsOf = () => {
  const { maxStorageBufferBindingSize, maxBufferSize, minStorageBufferOffsetAlignment } =
    gpu.device.limits;
  return { maxStorageBufferBindingSize, maxBufferSize, minStorageBufferOffsetAlignment };
};

/** Every byte there is, in no order. */
const pictures = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i < 256 ? i : random.int(256)));

/** The first convolution as a product. */
const shape = (side: number) => {
  const out = Math.floor((side - 3) / 2) + 1;
  return { m: 3 * out ** 2, k: 27, n: 8, cin: 3, kernelSize: 3, stride: 2 };
};

for (const subgroupSize of new Set([gpu.subgroupSize, 0])) {
  const forms = (['product', 'filter'] as const).flatMap((family) =>
    formsOf(family, { subgroupSize }).filter((form) => form.fits(shape(17))),
  );
  // Of the staged forms, which load alike, the one that compiles soonest.
  const staged = forms.find(({ name }) => name.startsWith('staged'));
  const names = forms.map(({ name }) => name);
  for (const form of new Set(
    names.filter((name) => !name.startsWith('staged') || name === staged?.name),
  )) {
    // Pictures of 17 x 17 x 3 bytes end within a word.
    test(`the first convolution reads bytes as numbers, ${form}`, async () => {
      const bytes = pictures(3 * 17 * 17 * 3);
      const values = Float32Array.from(bytes, valueOfByte);
      const weights = Float32Array.from({ length: 8 * 27 }, () => random.normal());
      const traits = { subgroupSize, form };
      const [a, b] = [
        await firstConv(17, 8, traits, bytes, weights),
        await firstConv(17, 8, traits, values, weights),
      ];
      for (const k of a.keys()) {
        const at = a[k].findIndex((value, i) => value !== b[k][i]);
        assert.is(
          at,
          -1,
          `${['output', 'filter gradient', 'picture'][k]}[${at}]: ${a[k][at]}, ${b[k][at]}`,
        );
      }
      assert.ok(a[0].some((value) => value !== 0) && a[1].some((value) => value !== 0));
    });
  }
}

test('bytes in slices of the batch', async () => {
  // An item's 16 x 16 x 3 bytes end where an adapter can bind, and so do the outputs of one.
  const bytes = pictures(3 * 768);
  const weights = Float32Array.from({ length: 64 * 27 }, () => random.normal());
  const traits = { subgroupSize: gpu.subgroupSize };
  const [out] = await firstConv(16, 64, traits, bytes, weights);
  const [cut] = await firstConv(16, 64, traits, bytes, weights, 2 * 7 * 7 * 64 * 4);
  assert.equal(cut, out);
});

test('an input takes what it was made for', async () => {
  const g = new Graph({ batch: 1, training: false, traits: gpu });
  const x = g.input('image', [4, 4, 3], 'u8');
  const weight = new Tensor('weight', [4, 3, 1, 1], { home: 'input' });
  conv(g, 'first', x, weight).out.keep = true;
  const plan = await Plan.build(gpu, g);
  assert.throws(() => plan.write(x, new Float32Array(48)), /image takes bytes, got numbers/);
  assert.throws(() => plan.write(weight, new Uint8Array(12)), /weight takes numbers, got bytes/);
  plan.destroy();
});
