import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { type ParamSpec, ParamStore } from '../../src/graph/store.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import { forward, planOf } from '../../src/model/llsm/forward.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { noiseBatch } from '../support/faces.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const specs: ParamSpec[] = [
  { name: 'a', shape: [65], kind: 'weight' },
  { name: 's', shape: [3], kind: 'state' },
  { name: 'b', shape: [2, 3], kind: 'weight' },
];

/** The adapter, with memory for buffers of up to so many bytes; what was destroyed is noted. */
function withRoomFor(bytes: number, destroyed: string[] = []): Gpu {
  const { device } = gpu;
  let refused = false;
  const poor = new Proxy(device, {
    get(_, key: keyof GPUDevice) {
      if (key === 'createBuffer') {
        return (descriptor: GPUBufferDescriptor) => {
          refused ||= descriptor.size > bytes;
          const buffer = device.createBuffer(descriptor);
          const { destroy } = buffer;
          buffer.destroy = () => {
            destroyed.push(descriptor.label ?? '');
            return destroy.call(buffer);
          };
          return buffer;
        };
      }
      if (key === 'popErrorScope') {
        return async () => {
          const error =
            (await device.popErrorScope()) ?? (refused ? { message: 'out of memory' } : null);
          refused = false;
          return error;
        };
      }
      const value = device[key];
      return typeof value === 'function' ? value.bind(device) : value;
    },
  });
  return { ...gpu, device: poor };
}

test('a value of the flat buffers has the name of its weight', () => {
  const store = new ParamStore(gpu, specs);
  assert.equal(
    [0, 64, 127, 128, 133].map((value) => store.weightAt(value)),
    ['a', 'a', 'a', 'b', 'b'],
  );
});

test('parameters that the GPU has no room for are an error when a plan is built', async () => {
  const graphOf = (store: ParamStore): Graph => {
    const g = new Graph({ batch: 1, training: true, traits: gpu });
    fill(g, store.flat('adamM'), 0);
    return g;
  };
  const rich = withRoomFor(1024);
  const store = new ParamStore(rich, specs);
  store.write('b', new Float32Array(6));
  (await Plan.build(rich, graphOf(store), store)).destroy();
  store.destroy();

  const destroyed: string[] = [];
  const poor = withRoomFor(767, destroyed);
  const large = new ParamStore(poor, specs);
  const error = await Plan.build(poor, graphOf(large), large).catch((reason) => reason);
  assert.instance(error, LlsmError);
  assert.match(error.message, /no room for the network's parameters \(768 bytes.*768 for adamM/);
  assert.equal(destroyed, ['uniforms'], 'nothing stays of the plan');
  large.destroy();
});

test('a plan that releases its parameters computes the same, and takes their memory no more', async () => {
  const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 } }, 'test');
  const checkpoint = initParams(config, 3);
  const { image } = noiseBatch(2, config.size);
  const built = async (release: boolean) => {
    const store = uploadCheckpoint(gpu, checkpoint);
    const g = new Graph({ batch: 2, training: false, traits: gpu, inference: true });
    const pass = forward(g, config, store);
    const plan = await planOf(gpu, pass, { release });
    const run = async (): Promise<number[]> => {
      plan.write(pass.image, image);
      plan.run();
      return [
        ...(await plan.read(pass.logit.tensor)),
        ...(await plan.read(pass.mask?.tensor as Tensor)),
      ];
    };
    return { store, plan, run };
  };
  const kept = await built(false);
  const released = await built(true);
  const expected = await kept.run();
  assert.equal(await released.run(), expected);
  assert.equal(await released.run(), expected, 'nothing is prepared again');

  assert.ok(kept.store.bytes > 100_000);
  assert.is(released.store.bytes, 0);
  assert.equal([...kept.plan.memory.homes].sort(), ['state', 'weights']);
  assert.equal([...released.plan.memory.homes], []);
  const own = released.plan.memory.bytes - kept.plan.memory.bytes;
  assert.ok(own > 0 && own < kept.store.bytes, `${own} bytes of what runs read as it is`);
  const [name, { data }] = [...checkpoint.tensors][0];
  assert.throws(
    () => released.store.write(name, data),
    /weights was given up when the network was prepared/,
  );
  assert.equal(await released.run(), expected);
  // Where they are kept, weights may change.
  kept.store.write(
    name,
    data.map((value) => value * 2),
  );
  assert.not.equal(await kept.run(), expected);
  for (const { plan, store } of [kept, released]) {
    plan.destroy();
    store.destroy();
  }
});

test('a plan that trains does not release its parameters', async () => {
  const g = new Graph({ batch: 1, training: true, traits: gpu });
  const store = new ParamStore(gpu, specs);
  fill(g, store.flat('adamM'), 0);
  const error = await Plan.build(gpu, g, store, undefined, { release: true }).catch((it) => it);
  assert.match(error.message, /Only a graph in inference/);
  store.destroy();
});
