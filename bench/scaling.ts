import { openNodeGpu } from '../node/gpu/open.ts';
import { checkFolderOf, writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError } from '../src/base/errors.ts';
import { parseConfig } from '../src/config/config.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { describeGpu } from '../src/gpu/device.ts';
import { type AlternateEffort, alternate, type Contestant } from './alternate.ts';
import { pairCase } from './cases/pairs.ts';
import { noopPlan } from './ceilings.ts';
import { describeMachine } from './machine.ts';
import { type NetworkSpec, prepareNetwork } from './networks.ts';
import { prepare } from './prepare.ts';
import { short } from './print.ts';
import {
  type ScalingPoint,
  type ScalingResult,
  type ScalingSeries,
  scalingPlot,
} from './scaling-plot.ts';
import { oneByOne, sample } from './time.ts';

export interface ScalingOptions {
  quick?: boolean;
  json?: boolean;
  /** An SVG file to draw. */
  plot?: string;
}

/** The exponent that is aimed at. */
const aim = { low: 0.9, high: 1.1 };

interface Sweep {
  name: string;
  along: ScalingSeries['along'];
  points: readonly { at: number; open(gpu: Gpu): Promise<Opened> }[];
}

/** Ready to run; the arithmetic and dispatches of a run. */
interface Opened {
  flops: number;
  dispatches: number;
  run(): void;
  destroy(): void;
}

function networkSweep(
  along: 'batch' | 'size',
  train: boolean,
  values: readonly number[],
  fixed: Omit<NetworkSpec, 'train'>,
): Sweep {
  const rest = along === 'batch' ? `${fixed.size} px` : `b${fixed.batch}`;
  return {
    name: `${train ? 'training step' : 'inference'}, width ${fixed.width}, ${rest}`,
    along,
    points: values.map((at) => ({
      at,
      async open(gpu) {
        const size = along === 'size' ? at : fixed.size;
        const batch = along === 'batch' ? at : fixed.batch;
        const config = parseConfig({ width: fixed.width, size }, 'benchmark');
        const made = await prepareNetwork(gpu, config, { train, batch });
        return { ...made, dispatches: made.plan.memory.dispatches.length };
      },
    })),
  };
}

/** The pair loss with gradients, K = 64, over maps of so many positions a side. */
function pairSweep(sides: readonly number[]): Sweep {
  return {
    name: 'pair loss with gradients, K 64',
    along: 'positions',
    points: sides.map((side) => ({
      at: side ** 2,
      async open(gpu) {
        const it = pairCase(1, 'mlp', side, 64);
        const { plan, destroy } = await prepare(gpu, it, 'whole', gpu.subgroupSize);
        const flops = it.work.whole?.flops as number;
        return { flops, dispatches: plan.memory.dispatches.length, run: () => plan.run(), destroy };
      },
    })),
  };
}

function sweeps(quick: boolean): Sweep[] {
  const batches = quick ? [1, 2, 4] : [1, 2, 4, 8, 16, 32, 64];
  const sides = quick ? [14, 28] : [14, 28, 56, 112];
  const sizes = quick ? [128, 192] : [128, 192, 256, 384, 512];
  const at112 = { width: 0.25, size: 112, batch: 1 };
  return [
    networkSweep('batch', false, batches, at112),
    networkSweep('batch', true, batches, at112),
    pairSweep(sides),
    networkSweep('size', false, sizes, at112),
    networkSweep('size', true, sizes, at112),
  ];
}

/**
 * Times work of growing size, and fits the exponent of time against arithmetic: the sizes of a series
 * in alternation, each less a replay of as many dispatches that do nothing.
 * @throws LlsmError when the GPU fails, or the plot cannot be written
 */
export async function scaling({ quick = false, json, plot }: ScalingOptions): Promise<void> {
  if (plot) checkFolderOf(plot);
  const effort: AlternateEffort = quick
    ? { rounds: 3, sampleMilliseconds: 20, mostMilliseconds: 5000 }
    : { rounds: 7, sampleMilliseconds: 100, mostMilliseconds: 60_000 };
  const gpu = await openNodeGpu();
  console.error(describeGpu(gpu));
  const result: ScalingResult = { machine: describeMachine(gpu), series: [] };
  for (const sweep of sweeps(quick)) {
    const series = await measure(gpu, sweep, effort);
    result.series.push(series);
    if (!json) console.log(seriesText(series));
  }
  if (plot) writeFileWhole(plot, [scalingPlot(result)]);
  if (json) console.log(JSON.stringify(result));
}

async function measure(gpu: Gpu, sweep: Sweep, effort: AlternateEffort): Promise<ScalingSeries> {
  const { name, along } = sweep;
  const contestants: Contestant[] = [];
  const enter = async (title: string, run: () => void, destroy: () => void) => {
    await sample(gpu, oneByOne(run), 1);
    contestants.push({
      name: title,
      sample: (repeats) => sample(gpu, oneByOne(run), repeats),
      close: async () => destroy(),
    });
  };
  const opened: (Omit<Opened, 'run' | 'destroy'> & { at: number })[] = [];
  for (const { at, open } of sweep.points) {
    const made = await open(gpu);
    opened.push({ at, flops: made.flops, dispatches: made.dispatches });
    await enter(`${at}`, made.run, made.destroy);
    const noop = await noopPlan(gpu, made.dispatches);
    await enter(`${at} of nothing`, () => noop.run(), noop.destroy.bind(noop));
  }
  const standings = await alternate(contestants, effort);
  for (const it of contestants) await it.close();
  gpu.check();
  const least = (title: string): number => {
    const standing = standings.find((it) => it.name === title);
    if (standing && 'low' in standing) return standing.low;
    throw new LlsmError(`${name}: ${standing?.absent}`);
  };
  const points = opened.map(({ at, flops }) => {
    const noop = least(`${at} of nothing`);
    const milliseconds = least(`${at}`) - noop;
    if (milliseconds > 0) return { at, flops, noop, milliseconds };
    throw new LlsmError(`${name}, at ${at}: no longer than nothing; measure on a quieter machine`);
  });
  return { name, along, points, exponent: exponentOf(points) };
}

/** The slope of log(milliseconds) over log(flops), by least squares. */
export function exponentOf(
  points: readonly Pick<ScalingPoint, 'flops' | 'milliseconds'>[],
): number {
  const x = points.map(({ flops }) => Math.log(flops));
  const y = points.map(({ milliseconds }) => Math.log(milliseconds));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  return covariance / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}

export function seriesText({ name, along, points, exponent }: ScalingSeries): string {
  const met = exponent >= aim.low && exponent <= aim.high ? 'met' : 'missed';
  const lines = points.map(
    ({ at, flops, milliseconds, noop }) =>
      `${`${at}`.padStart(10)}  ${short(flops / 1e9).padStart(8)} GFLOP  ${short(milliseconds).padStart(8)} ms` +
      `  ${short(flops / milliseconds / 1e6).padStart(6)} GFLOP/s  (taken off: ${short(noop)} ms)`,
  );
  return [
    `${name}, along ${along}: exponent ${exponent.toFixed(3)} (goal ${aim.low} to ${aim.high}: ${met})`,
    ...lines,
  ].join('\n');
}
