import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { checkNumbers, selfTestCase, selfTestSums } from '../../src/model/self-test.ts';
import { conv, depthwise } from '../reference/conv.ts';
import { relu } from '../reference/elementwise.ts';
import { valuesOf } from '../reference/values.ts';
import { failure } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();

test('the stored sums are those of the reference', () => {
  const [x, expand, bias, each, reduce] = Object.values(selfTestCase).map(({ shape, data }) =>
    valuesOf(shape, data),
  );
  const hidden = relu(conv(x, expand, { bias }).out).out;
  const { out } = conv(depthwise(hidden, each).out, reduce, { bias });
  const sums = selfTestSums.map((_, c) => {
    const pixels = out.data.filter((_, i) => i % out.shape[3] === c);
    return pixels.reduce((sum, value, pixel) => sum + (pixel + 1) * value, 0);
  });
  sums.forEach((sum, c) => {
    assert.ok(Math.abs(sum - selfTestSums[c]) < 1e-6 * Math.abs(sum), `${sums}`);
  });
});

test('this adapter computes right numbers, and is asked once', async () => {
  assert.is(checkNumbers(gpu), checkNumbers(gpu));
  await checkNumbers(gpu);
});

/** The device with another text in its shaders: a driver with a fault. */
function faulty(replace: (code: string) => string): Gpu {
  const device = new Proxy(gpu.device, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key === 'createShaderModule') {
        return (it: GPUShaderModuleDescriptor) =>
          target.createShaderModule({ ...it, code: replace(it.code) });
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...gpu, device, name: 'Some Adapter' };
}

test('wrong numbers are refused with the name of the adapter', async () => {
  const faults: [string, string][] = [
    // A tap of the depthwise convolution, its ReLU, and the last of a pixel's channels.
    ['here0 += v0 * w3', 'here0 += v0 * w4'],
    ['v1 = max(v1, vec4f())', 'v1 = abs(v1)'],
    ['c < p.cin', 'c + 4u < p.cin'],
  ];
  for (const [right, wrong] of faults) {
    let changed = false;
    const adapter = faulty((code) => {
      changed ||= code.includes(right);
      return code.replaceAll(right, wrong);
    });
    const error = await failure(checkNumbers(adapter));
    assert.ok(changed, right);
    assert.instance(error, LlsmError);
    assert.match(
      error.message,
      /The adapter Some Adapter computes wrong numbers: .* off by [\d.e+]+ %/,
    );
  }
});
