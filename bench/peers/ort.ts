/** ONNX Runtime as a peer: `node ort.js webgpu|cpu probe|FOLDER`. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { OnnxGraph } from '../../lab/convert/onnx/graph.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import { type Assignment, type Prepared, serve } from './serve.ts';

const provider = process.argv[2] as 'webgpu' | 'cpu';

/** Sizes are fixed, so that the session can plan its memory once. */
function open(model: Uint8Array, batch: number, outputs: 'cpu' | 'gpu-buffer') {
  return ort.InferenceSession.create(model, {
    executionProviders: [provider],
    intraOpNumThreads: availableParallelism(),
    freeDimensionOverrides: { B: batch },
    preferredOutputLocation: outputs,
    logSeverityLevel: 3,
  });
}

/** A model of one value, that passes it on: whoever reads the result has waited for the queue. */
function identity(shape: readonly number[]): Uint8Array {
  const g = new OnnxGraph('identity');
  g.output(g.node('Identity', 'y', [g.input('x', shape)], shape));
  return g.serialise();
}

const onCpu = ({ data, shape }: HostTensor) => new ort.Tensor('float32', data, shape);

/** The tensor in the device's memory. */
async function onGpu(tensor: HostTensor): Promise<ort.Tensor> {
  const [batch, ...shape] = tensor.shape;
  const session = await open(identity(shape), batch, 'gpu-buffer');
  return (await session.run({ x: onCpu(tensor) })).y as ort.Tensor;
}

/** Everything stays where it is computed: in the device's memory between runs, or in main memory. */
async function prepare({ task, folder, input }: Assignment): Promise<Prepared> {
  const nchw = provider === 'cpu' && task.kind !== 'network';
  const model = readFileSync(join(folder, `model-${nchw ? 'nchw' : 'nhwc'}.onnx`));
  const name = task.kind === 'network' ? 'image' : 'x';
  const given = input.get(name) as HostTensor;
  const x = nchw ? toNchw(given) : given;

  const reading = await open(model, task.batch, 'cpu');
  const outputs = new Map<string, HostTensor>();
  for (const [key, { data, dims }] of Object.entries(await reading.run({ [name]: onCpu(x) }))) {
    const tensor = { shape: [...dims], data: data as Float32Array };
    outputs.set(key, nchw ? toNhwc(tensor) : tensor);
  }
  await reading.release();

  const gpu = provider === 'webgpu';
  const session = await open(model, task.batch, gpu ? 'gpu-buffer' : 'cpu');
  const feeds = { [name]: gpu ? await onGpu(x) : onCpu(x) };
  const last = await open(identity([]), 1, 'cpu');
  const one = new ort.Tensor('float32', Float32Array.of(1), [1]);
  const run = async (repeats: number): Promise<void> => {
    for (let i = 0; i < repeats; i++) {
      for (const made of Object.values(await session.run(feeds))) made.dispose();
    }
    if (gpu) await last.run({ x: one });
  };
  await run(1);
  return { outputs, run };
}

function toNchw({ shape: [b, h, w, c], data }: HostTensor): HostTensor {
  return { shape: [b, c, h, w], data: swapped(data, b, h * w, c) };
}

function toNhwc({ shape: [b, c, h, w], data }: HostTensor): HostTensor {
  return { shape: [b, h, w, c], data: swapped(data, b, c, h * w) };
}

/** Every [rows, columns] as [columns, rows]. */
function swapped(data: Float32Array, batch: number, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let at = 0; at < batch * rows * columns; at += rows * columns) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) out[at + c * rows + r] = data[at + r * columns + c];
    }
  }
  return out;
}

await serve(
  `ort-${provider}`,
  async () => {
    const session = await open(identity([]), 1, 'cpu');
    await session.run({ x: new ort.Tensor('float32', Float32Array.of(1), [1]) });
    return { version: ort.env.versions.common };
  },
  prepare,
);
