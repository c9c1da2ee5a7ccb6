/** Where the time of a training step or of an inference goes, dispatch by dispatch. */
import { loadConfig } from '../node/files/config.ts';
import { openTunedGpu } from '../node/gpu/tuned.ts';
import { describeGpu, type Gpu } from '../src/gpu/device.ts';
import type { DispatchTime, Plan } from '../src/graph/replay.ts';
import { byKernel, type KernelShare, sumOf } from './by-kernel.ts';
import { type Ceiling, Ceilings } from './ceilings.ts';
import { describeMachine, type Machine } from './machine.ts';
import { type PreparedNetwork, prepareNetwork } from './networks.ts';
import { headText, kernelText, line, short } from './print.ts';

export interface ProfileOptions {
  of: 'step' | 'inference';
  /** A preset or a file: the network (default `paper`). */
  config?: string;
  /** Images a run (default: the config's batch; 2 on a software driver, which takes seconds for each). */
  batch?: number;
  /** How feature maps are stored (default: the config's). */
  precision?: 'f32' | 'f16';
  toggles?: readonly string[];
  quick?: boolean;
  json?: boolean;
}

/** What `--profile --json` prints. */
export interface Profile {
  machine: Machine;
  of: 'step' | 'inference';
  config: string;
  batch: number;
  precision: 'f32' | 'f16';
  width: number;
  size: number;
  ceiling: Ceiling;
  /** Milliseconds of a dispatch that does nothing, among a thousand of them. */
  noop: number;
  buildMilliseconds: number;
  /** The first run, in which the driver compiles. */
  firstMilliseconds: number;
  /** A run among others, two at a time: what training takes where nothing else holds it up. */
  milliseconds: number;
  /** Of it, what this process needs to queue a run. */
  encodeMilliseconds: number;
  /** Of all dispatches, each timed alone: the rest of a run is between them. */
  sumMilliseconds: number;
  flops: number;
  planBytes: number;
  paramBytes: number;
  /** Losses after the runs above, of a step on noise: equal adapters have equal ones. */
  losses?: Record<string, number | string>;
  kernels: KernelShare[];
  dispatches: DispatchTime[];
}

/**
 * Profiles one network and prints where its time goes.
 * @throws LlsmError when the GPU fails, does not time its work, or has no room
 */
export async function profile(options: ProfileOptions): Promise<void> {
  const { of, quick = false, json = false } = options;
  const name = options.config ?? 'paper';
  const config = loadConfig(name);
  const gpu = await openTunedGpu(
    (note) => console.error(note),
    ['-timestamp_quantization', ...(options.toggles ?? [])],
  );
  console.error(describeGpu(gpu));
  const machine = describeMachine(gpu);
  const batch = options.batch ?? (gpu.software ? 2 : config.train.batch);
  const precision = options.precision ?? config.train.precision;
  const ceilings = await Ceilings.build(gpu);
  const noop = await ceilings.noop(1000, {
    samples: 5,
    sampleMilliseconds: 0,
    mostMilliseconds: 1000,
  });
  const made = await prepareNetwork(gpu, config, { train: of === 'step', batch, precision });
  const timed = await timeRuns(gpu, made, quick ? 2 : 20);
  const losses = await made.losses?.();
  const dispatches = await leastOf(made.plan, quick ? 1 : 5);
  const result: Profile = {
    machine,
    of,
    config: name,
    batch,
    precision,
    width: config.width,
    size: config.size,
    ceiling: ceilings.here(),
    noop: noop.milliseconds / 1000,
    buildMilliseconds: made.buildMilliseconds,
    ...timed,
    sumMilliseconds: sumOf(dispatches),
    flops: made.flops,
    planBytes: made.plan.memory.bytes,
    paramBytes: made.params.bytes,
    ...(losses && { losses: { ...losses } }),
    kernels: byKernel(dispatches),
    dispatches,
  };
  made.destroy();
  ceilings.destroy();
  console.log(json ? JSON.stringify(result) : profileText(result));
}

/** Runs, two at a time as in training. */
async function timeRuns(gpu: Gpu, { run }: PreparedNetwork, runs: number) {
  const done = (): Promise<unknown> => gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  await done();
  let start = performance.now();
  run();
  await done();
  const firstMilliseconds = performance.now() - start;
  // The second is measured by what cuts runs into submits.
  for (let i = 0; i < 2; i++) {
    run();
    await done();
  }
  let encode = 0;
  start = performance.now();
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    run();
    encode += performance.now() - began;
    if (i % 2 === 1) await done();
  }
  await done();
  gpu.check();
  return {
    firstMilliseconds,
    milliseconds: (performance.now() - start) / runs,
    encodeMilliseconds: encode / runs,
  };
}

/** The least time of each dispatch over some runs. */
async function leastOf(plan: Plan, rounds: number): Promise<DispatchTime[]> {
  let least = await plan.profile();
  for (let round = 1; round < rounds; round++) {
    const again = await plan.profile();
    least = least.map((it, i) => (again[i].milliseconds < it.milliseconds ? again[i] : it));
  }
  return least;
}

/** A profile as a table: kernels, and the dearest dispatches. */
export function profileText(it: Profile): string {
  const { of, width, size, batch, precision, milliseconds, sumMilliseconds, flops } = it;
  const dearest = [...it.dispatches.entries()]
    .sort(([, a], [, b]) => b.milliseconds - a.milliseconds)
    .slice(0, 25);
  return [
    headText(it.machine, it.ceiling),
    line(
      `${of === 'step' ? 'training step' : 'inference'}, width ${width}, ${size}x${size}, b${batch}, ${precision}`,
      short(milliseconds),
      `${short(flops / milliseconds / 1e6)} GFLOP/s`,
      ((100 * flops) / milliseconds / 1e6 / it.ceiling.gflops).toFixed(0),
    ),
    `    ${short((batch * 1000) / milliseconds)} images/s; built in ${short(it.buildMilliseconds)} ms, first run ` +
      `${short(it.firstMilliseconds)} ms; queued in ${short(it.encodeMilliseconds)} ms`,
    `    ${it.dispatches.length} dispatches of ${short(sumMilliseconds)} ms in all; a dispatch of nothing ` +
      `${short(it.noop * 1000)} us`,
    ...(it.losses ? [`    losses ${JSON.stringify(it.losses)}`] : []),
    '',
    line('kernel (dispatches)', 'ms', 'rate', '% of their sum'),
    ...it.kernels.map(kernelText),
    '',
    line('dearest dispatches', 'ms', 'rate', 'workgroups'),
    ...dearest.map(([at, { kernel, makes, milliseconds: ms, flops: work, bytes, workgroups }]) =>
      line(
        `    #${at} ${kernel}: ${makes}`,
        short(ms),
        [
          work > 0 && ms > 0 ? `${short(work / ms / 1e6)} GFLOP/s` : '',
          ms > 0 ? `${short(bytes / ms / 1e6)} GB/s` : '',
        ]
          .join(' ')
          .trim(),
        String(workgroups),
      ),
    ),
  ].join('\n');
}
