import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.ts';
import { test } from '../support/run.ts';

/** Whom the last device offered tells of errors. */
let tell: (event: { error: Error }) => void = () => {};

/** An adapter of this description, as `navigator.gpu` would offer it. */
function offering(info: Partial<GPUAdapterInfo>, features = ['subgroups']): GPU {
  const device = {
    features: new Set(features),
    limits: { maxBufferSize: 2 ** 28 },
    lost: new Promise(() => {}),
    addEventListener: (_: string, listener: typeof tell) => {
      tell = listener;
    },
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

test('the first error that nobody waits for is told at the next check', async () => {
  const gpu = await openGpu(offering({}));
  gpu.check();
  class GPUOutOfMemoryError extends Error {}
  tell({ error: new GPUOutOfMemoryError('staging') });
  tell({ error: new Error('what follows from it') });
  assert.throws(() => gpu.check(), /ran out of memory \(staging\): use a smaller batch/);
  const other = await openGpu(offering({}));
  tell({ error: new Error('a binding is missing') });
  assert.throws(() => other.check(), /reported an error: a binding is missing/);
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
