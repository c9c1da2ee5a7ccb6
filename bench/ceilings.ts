import type { Gpu } from '../src/gpu/device.ts';
import { shader } from '../src/gpu/pipeline.ts';
import { Graph } from '../src/graph/record.ts';
import { Plan } from '../src/graph/replay.ts';
import { Tensor } from '../src/graph/tensor.ts';
import { groups64 } from '../src/kernels/grid.ts';
import copySource from './copy.wgsl';
import fmaSource from './fma.wgsl';
import noopSource from './noop.wgsl';
import { type Effort, inOneSubmit, oneByOne, type Timing, time } from './time.ts';

const fmaShader = shader('fma', fmaSource);
const copyShader = shader('copy', copySource);
const noopShader = shader('noop', noopSource);

/** What the adapter does at best, at one moment. */
export interface Ceiling {
  /** Multiply-adds, two operations each. */
  gflops: number;
  /** A copy, bytes read and written. */
  gbs: number;
}

const invocations = 1 << 18;
const copied = 1 << 24;
const effort: Effort = { samples: 3, sampleMilliseconds: 10, mostMilliseconds: 200 };

/** Kernels that measure the adapter itself, made once and run whenever its ceilings are asked. */
export class Ceilings {
  /** What was measured, first to last. */
  readonly all: Ceiling[] = [];
  /** Milliseconds from a submit of nothing until done. */
  latency = 0;

  private constructor(
    private readonly gpu: Gpu,
    private readonly fma: Plan,
    private readonly turns: number,
    private readonly copy: Plan,
    private readonly noops: ReadonlyMap<number, Plan>,
  ) {}

  /** The kernels, and the first measurement. */
  static async build(gpu: Gpu): Promise<Ceilings> {
    // 0.5 GFLOP for a software driver; a GPU needs more to be busy longer than a launch takes.
    const turns = gpu.software ? 2 : 64;
    const fma = new Graph({ batch: 1, training: false, traits: gpu });
    fma.launch({
      kernel: fmaShader(),
      bind: { out: fma.scratch('sums', [invocations, 4]) },
      params: () => ({ count: invocations, turns, factor: 0.999, addend: 0.001 }),
      grid: () => [groups64(invocations)],
    });
    const copy = new Graph({ batch: 1, training: false, traits: gpu });
    copy.launch({
      kernel: copyShader(),
      bind: {
        x: new Tensor('original', [copied], { home: 'input' }),
        out: copy.scratch('copy', [copied]),
      },
      params: () => ({ count: copied / 4 }),
      grid: () => [groups64(copied / 4)],
    });
    const noops = new Map<number, Plan>();
    for (const dispatches of [1, 1000]) noops.set(dispatches, await noopPlan(gpu, dispatches));
    const plans = [await Plan.build(gpu, fma), await Plan.build(gpu, copy)] as const;
    const ceilings = new Ceilings(gpu, plans[0], turns, plans[1], noops);
    ceilings.latency = (await ceilings.noop(1, effort)).milliseconds;
    await ceilings.measure();
    return ceilings;
  }

  /** The better of the last two measurements, those before and after a row. */
  here(): Ceiling {
    const [a, b = a] = this.all.slice(-2);
    return { gflops: Math.max(a.gflops, b.gflops), gbs: Math.max(a.gbs, b.gbs) };
  }

  /** 8 chains, 64 links a turn, 2 operations each; 64 MiB read and 64 MiB written; the best of three. */
  async measure(): Promise<void> {
    const fma = await time(this.gpu, inOneSubmit(this.fma), effort, this.latency);
    const copy = await time(this.gpu, inOneSubmit(this.copy), effort, this.latency);
    this.all.push({
      gflops: (invocations * this.turns * 8 * 64 * 2) / fma.low / 1e6,
      gbs: (copied * 4 * 2) / copy.low / 1e6,
    });
  }

  /** One submit of so many (1, 1000) dispatches that do nothing, until done. */
  noop(dispatches: number, effort: Effort): Promise<Timing> {
    const plan = this.noops.get(dispatches) as Plan;
    // A run a sample: waiting for the device is what is measured.
    return time(
      this.gpu,
      oneByOne(() => plan.run(Number.POSITIVE_INFINITY)),
      {
        ...effort,
        sampleMilliseconds: 0,
      },
    );
  }

  destroy(): void {
    for (const plan of [this.fma, this.copy, ...this.noops.values()]) plan.destroy();
  }
}

/** So many dispatches that do nothing. */
export function noopPlan(gpu: Gpu, dispatches: number): Promise<Plan> {
  const noop = new Graph({ batch: 1, training: false, traits: gpu });
  const out = noop.scratch('nothing', [1]);
  for (let i = 0; i < dispatches; i++) {
    noop.launch({
      kernel: noopShader(),
      bind: { out },
      params: () => ({ count: 0 }),
      grid: () => [1],
    });
  }
  return Plan.build(gpu, noop);
}
