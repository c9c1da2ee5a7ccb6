import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.ts';
import { test } from '../support/run.ts';

/** An adapter of this description, as `navigator.gpu` would offer it. */
function offering(info: Partial<GPUAdapterInfo>, features = ['subgroups']): GPU {
  const device = {
    features: new Set(features),
    lost: new Promise(() => {}),
    addEventListener: () => {},
  };
  const adapter = {
    info: { vendor: '', architecture: '', device: '', description: '', ...info },
    features: new Set(features),
    limits: {},
    requestDevice: async () => device,
  };
  return { requestAdapter: async () => adapter } as unknown as GPU;
}

const subgroupSizeOf = async (
  info: Partial<GPUAdapterInfo>,
  features?: string[],
): Promise<number> => (await openGpu(offering(info, features))).subgroupSize;

test('how long a submit may take is said when the device is opened', async () => {
  assert.is((await openGpu(offering({}))).longestSubmit, 250);
  assert.is((await openGpu(offering({}), { longestSubmit: 8 })).longestSubmit, 8);
});

test("kernels for subgroups are a software driver's alone", async () => {
  const sizes = (subgroupMinSize: number, subgroupMaxSize = subgroupMinSize) => ({
    subgroupMinSize,
    subgroupMaxSize,
  });
  const lavapipe = { description: 'llvmpipe (LLVM 15.0.6, 256 bits)', ...sizes(8) };
  assert.is(await subgroupSizeOf(lavapipe), 8);
  assert.is(await subgroupSizeOf({ description: 'SwiftShader Device', ...sizes(4) }), 4);
  assert.is(await subgroupSizeOf({ description: 'Any', isFallbackAdapter: true, ...sizes(4) }), 4);
  assert.is(await subgroupSizeOf({ ...lavapipe, ...sizes(4, 8) }), 0, 'the size is not fixed');
  assert.is(await subgroupSizeOf(lavapipe, []), 0, 'there are no subgroups');
  // GPUs of these sizes: registers that a lane of a software driver has, an invocation of theirs has not.
  assert.is(await subgroupSizeOf({ vendor: 'arm', device: 'Mali-G52', ...sizes(8) }), 0);
  assert.is(await subgroupSizeOf({ vendor: 'arm', device: 'Mali-G31', ...sizes(4) }), 0);
  assert.is(await subgroupSizeOf({ vendor: 'nvidia', ...sizes(32) }), 0);
});
