import { Random } from '../src/base/random.ts';
import { type Config, parseConfig } from '../src/config/config.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { Graph } from '../src/graph/record.ts';
import type { Plan } from '../src/graph/replay.ts';
import type { ParamStore } from '../src/graph/store.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import { uploadCheckpoint } from '../src/model/llsm/bind.ts';
import { forward, planOf } from '../src/model/llsm/forward.ts';
import { initParams } from '../src/model/llsm/init.ts';
import { type StepLosses, TrainingStep } from '../src/model/llsm/step.ts';
import { byKernel, type KernelShare } from './by-kernel.ts';
import type { Ceilings } from './ceilings.ts';
import type { RowOptions } from './rows.ts';
import { oneByOne, type Timing, time } from './time.ts';

/** A whole network's run: inference, or a training step (losses, gradients, Adam). */
export interface NetworkRow extends Timing {
  name: string;
  plain: boolean;
  batch: number;
  /** Of the products and depthwise convolutions, which is nearly all. */
  flops: number;
  dispatches: number;
  pipelines: number;
  /** From the config to the plan: shaders checked, buffers made. */
  buildMilliseconds: number;
  /** Planned: activations, gradients and inputs at their peak; and Params beside them. */
  planBytes: number;
  paramBytes: number;
  /** Every kernel, dearest first, by timestamps of another run; empty where there are none. */
  kernels: KernelShare[];
  /** The least time that the multiply-add ceilings beside it allow, over the time that it took. */
  share: number;
}

/** A network to be timed, in inference or in a training step. */
export interface NetworkSpec {
  train: boolean;
  width: number;
  size: number;
  batch: number;
  /** How feature maps are stored (default f32). */
  precision?: Dtype;
}

/** `slow`: not in a quick run. `large`: on GPUs alone, unless it is asked for by name. */
const specs: readonly (NetworkSpec & { slow?: boolean; large?: boolean })[] = [
  { train: false, width: 0.25, size: 112, batch: 8 },
  { train: false, width: 1, size: 224, batch: 1 },
  { train: false, width: 0.25, size: 112, batch: 8, precision: 'f16', slow: true },
  { train: false, width: 1, size: 224, batch: 1, precision: 'f16', slow: true },
  { train: true, width: 0.25, size: 112, batch: 8 },
  { train: true, width: 0.25, size: 112, batch: 32, slow: true },
  { train: true, width: 0.125, size: 224, batch: 16, slow: true },
  { train: true, width: 1, size: 224, batch: 8, slow: true },
  { train: true, width: 1, size: 224, batch: 32, slow: true, large: true },
];

/** Measures every wanted network, and where asked its portable form. */
export async function* networkRows(
  gpu: Gpu,
  ceilings: Ceilings,
  options: RowOptions,
): AsyncGenerator<NetworkRow> {
  const forms = options.plain && gpu.subgroupSize > 0 ? [gpu.subgroupSize, 0] : [gpu.subgroupSize];
  for (const own of specs) {
    const spec = { ...own, batch: options.batch ?? own.batch };
    const { train, width, size, batch, slow, large, precision } = spec;
    if (precision === 'f16' && !gpu.device.features.has('shader-f16')) continue;
    const what = train ? 'training step' : precision === 'f16' ? 'inference in f16' : 'inference';
    const name = `${what}, width ${width}, ${size}x${size}, b${batch}`;
    if ((slow && !options.slow) || !options.matches(name)) continue;
    if (large && gpu.software && !options.named) continue;
    for (const subgroupSize of forms) {
      const made = await measure({ ...gpu, subgroupSize }, spec, ceilings, options);
      yield { name, plain: subgroupSize !== gpu.subgroupSize, batch, ...made };
    }
  }
}

/** A network of random weights, ready to run on noise. */
export interface PreparedNetwork {
  graph: Graph;
  plan: Plan;
  params: ParamStore;
  /** Queues a run: inference, or a training step. */
  run(): void;
  /** The losses of a training step's last run; absent in inference. */
  losses?(): Promise<StepLosses>;
  /** Of the products and depthwise convolutions, which is nearly all. */
  flops: number;
  /** From the config to the plan: shaders checked, buffers made. */
  buildMilliseconds: number;
  destroy(): void;
}

/** The network with random weights and inputs of noise, ready to be timed: an inference or a training step. */
export async function prepareNetwork(
  gpu: Gpu,
  config: Config,
  { train, batch, precision }: Pick<NetworkSpec, 'train' | 'batch' | 'precision'>,
): Promise<PreparedNetwork> {
  const params = uploadCheckpoint(gpu, initParams(config, 1));
  const start = performance.now();
  const made = train
    ? await stepOf(gpu, config, params, { batch, precision })
    : await inferenceOf(gpu, config, params, { batch, precision });
  const buildMilliseconds = performance.now() - start;
  return {
    ...made,
    params,
    buildMilliseconds,
    flops: made.graph.launches.reduce((sum, launch) => sum + (launch.flops ?? 0), 0),
    destroy() {
      made.plan.destroy();
      params.destroy();
    },
  };
}

type Made = Pick<PreparedNetwork, 'graph' | 'plan' | 'run' | 'losses'>;
type Size = Pick<NetworkSpec, 'batch' | 'precision'>;

async function stepOf(gpu: Gpu, config: Config, params: ParamStore, size: Size): Promise<Made> {
  const step = await TrainingStep.build(gpu, config, params, { ...size, pixels: 'u8' });
  step.write(randomBatch(size.batch, config.size));
  let t = 0;
  return {
    graph: step.pass.g,
    plan: step.plan,
    run: () => step.run({ lr: 1e-4, t: ++t }),
    losses: () => step.losses(),
  };
}

async function inferenceOf(
  gpu: Gpu,
  config: Config,
  params: ParamStore,
  { batch, precision }: Size,
): Promise<Made> {
  const graph = new Graph({
    batch,
    training: false,
    traits: gpu,
    inference: true,
    storage: precision,
  });
  const pass = forward(graph, config, params, 'u8');
  const plan = await planOf(gpu, pass);
  plan.write(pass.image, randomBatch(batch, config.size).image);
  return { graph, plan, run: () => plan.run() };
}

async function measure(
  gpu: Gpu,
  spec: NetworkSpec,
  ceilings: Ceilings,
  { effort }: RowOptions,
): Promise<Omit<NetworkRow, 'name' | 'plain' | 'batch'>> {
  const { width, size } = spec;
  const made = await prepareNetwork(gpu, parseConfig({ width, size }, 'benchmark'), spec);
  const { plan, graph, params, flops, buildMilliseconds } = made;
  const timing = await time(
    gpu,
    oneByOne(made.run),
    { ...effort, mostMilliseconds: 10_000 },
    ceilings.latency,
  );
  await ceilings.measure();
  const kernels = gpu.device.features.has('timestamp-query') ? byKernel(await plan.profile()) : [];
  const row = {
    ...timing,
    flops,
    share: flops / ceilings.here().gflops / 1e6 / timing.milliseconds,
    dispatches: plan.memory.dispatches.length,
    pipelines: new Set(graph.launches.map(({ kernel }) => kernel)).size,
    buildMilliseconds,
    planBytes: plan.memory.bytes,
    paramBytes: params.bytes,
    kernels,
  };
  made.destroy();
  return row;
}

/**
 * Faces of noise, every other one forged in its upper two fifths: no mean over a region of the mask
 * comes near the 0.5 at which the target of a pair flips.
 */
export function randomBatch(batch: number, size: number) {
  const random = new Random(1, 'benchmark');
  const image = Uint8Array.from({ length: batch * size ** 2 * 3 }, () => random.int(256));
  const label = Float32Array.from({ length: batch }, (_, i) => i % 2);
  const mask = Float32Array.from({ length: batch * size ** 2 }, (_, i) => {
    const upper = i % size ** 2 < Math.round(0.4 * size) * size;
    return Number(upper && label[Math.floor(i / size ** 2)] === 1);
  });
  return { image, label, mask };
}
