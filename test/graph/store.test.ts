import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { type ParamSpec, ParamStore } from '../../src/graph/store.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
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
