/** TensorFlow.js on WebGPU as a peer, on the same Dawn as ours: `node tfjs.js probe|FOLDER`. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { join } from 'node:path';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { conv2DBackpropFilter } from '@tensorflow/tfjs-core/dist/ops/conv2d_backprop_filter';
import { conv2DBackpropInput } from '@tensorflow/tfjs-core/dist/ops/conv2d_backprop_input';
import { depthwiseConv2dNativeBackpropFilter } from '@tensorflow/tfjs-core/dist/ops/depthwise_conv2d_native_backprop_filter';
import { depthwiseConv2dNativeBackpropInput } from '@tensorflow/tfjs-core/dist/ops/depthwise_conv2d_native_backprop_input';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { napping, startDawn } from '../../node/gpu/open.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import { type Assignment, type Prepared, serve } from './serve.ts';
import type { ConvolutionTask } from './task.ts';
import { fromTorch, toTorch } from './tfjs-layout.ts';
import { TfjsNetwork } from './tfjs-network.ts';

/** tfjs polls as any user of Dawn in Node; it is spared that as we are. */
const wait = napping();

async function start(): Promise<WebGPUBackend> {
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu: startDawn(), userAgent: 'Node' },
    configurable: true,
  });
  // It looks for navigator.gpu as it is loaded.
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('its WebGPU backend did not start');
  return tf.backend() as WebGPUBackend;
}

/** Makes what it returns, as tensors by name; everything else that it makes is freed. */
type Work = () => tf.NamedTensorMap;

async function prepare({ task, folder, input }: Assignment): Promise<Prepared> {
  const backend = await start();
  let problem: string | undefined;
  backend.device.addEventListener('uncapturederror', ({ error }) => {
    problem ??= error.message;
  });
  let work: Work;
  if (task.kind === 'pairs') throw new Error('not measured');
  if (task.kind === 'network') {
    const checkpoint = readCheckpoint(join(folder, 'weights.safetensors'));
    work = new TfjsNetwork(checkpoint, input)[task.part];
  } else {
    work = convolution(task, input);
  }
  const outputs = new Map<string, HostTensor>();
  for (const [name, tensor] of Object.entries(tf.tidy(work))) {
    const weight = name === 'd weight' || name.startsWith('grad.');
    const data = await wait((weight ? tf.tidy(() => toTorch(tensor)) : tensor).data());
    outputs.set(name, { shape: tensor.shape, data: data as Float32Array });
    tensor.dispose();
  }
  const run = async (repeats: number): Promise<void> => {
    for (let i = 0; i < repeats; i++) tf.dispose(tf.tidy(work));
    // What is recorded and not submitted yet; tfjs submits by itself every 15 dispatches.
    backend.endComputePassEncoder();
    backend.submitQueue();
    await wait(backend.queue.onSubmittedWorkDone());
    if (problem) throw new Error(problem);
  };
  return { outputs, run };
}

/** tfjs' convolutions, and what their gradients call. */
function convolution({ kind, part }: ConvolutionTask, input: Assignment['input']): Work {
  const kept = (name: string): tf.Tensor4D => {
    const { data, shape } = input.get(name) as HostTensor;
    return tf.keep(tf.tensor4d(data, shape as tf.Tensor4D['shape']));
  };
  const [x, dOut] = [kept('x'), kept('d out')];
  const weight = tf.keep(fromTorch(input.get('weight') as HostTensor)) as tf.Tensor4D;
  const pointwise = kind === 'pointwise';
  const forward = () =>
    pointwise ? tf.conv2d(x, weight, 1, 'same') : tf.depthwiseConv2d(x, weight, 1, 'same');
  const dX = () =>
    pointwise
      ? conv2DBackpropInput(x.shape, dOut, weight, 1, 'same')
      : depthwiseConv2dNativeBackpropInput(x.shape, dOut, weight, 1, 'same');
  const dW = () =>
    pointwise
      ? conv2DBackpropFilter(x, dOut, weight.shape, 1, 'same')
      : depthwiseConv2dNativeBackpropFilter(x, dOut, weight.shape, 1, 'same');
  switch (part) {
    case 'forward':
      return () => ({ out: forward() });
    case 'dX':
      return () => ({ 'd x': dX() });
    case 'dW':
      return () => ({ 'd weight': dW() });
    case 'whole':
      return () => ({ out: forward(), 'd x': dX(), 'd weight': dW() });
  }
}

await serve(
  'tfjs',
  async () => {
    const { device } = await start();
    return { version: tf.version_core, device: device.adapterInfo.description };
  },
  prepare,
);
