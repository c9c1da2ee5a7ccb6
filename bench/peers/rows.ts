import type { Task } from './task.ts';

/** A ratio of times, the peer's over ours, that is aimed at. */
export interface Goal {
  /** A peer's name. */
  peer: string;
  ratio: number;
  /** What would be better still. */
  stretch?: number;
  /** On what kind of adapter it is aimed at. */
  on: 'software' | 'gpu';
}

export interface RowSpec {
  task: Task;
  goals: readonly Goal[];
  /** Measured by `--quick`. */
  quick?: boolean;
  /** Only on a GPU: a software driver would take too long. */
  gpuOnly?: boolean;
  /** On a software driver only with `--slow`: it takes half an hour and more. */
  slow?: boolean;
  /** The share of the measured multiply-add ceiling that is aimed at, by kind of adapter. */
  ceiling?: { software?: number; gpu?: number };
}

const software = (peer: string, ratio: number, stretch?: number): Goal => ({
  ...{ peer, ratio, stretch, on: 'software' },
});
const gpu = (peer: string, ratio: number): Goal => ({ peer, ratio, on: 'gpu' });

const convolution = (
  kind: 'pointwise' | 'depthwise',
  part: 'forward' | 'dX' | 'dW' | 'whole',
  [channels, size, batch]: readonly [number, number, number],
  more: Omit<RowSpec, 'task'>,
): RowSpec => ({ task: { kind, part, batch, size, channels }, ...more });

const pairs = (size: number, goal: number, stretch: number, quick = false): RowSpec => ({
  task: { kind: 'pairs', batch: 1, size, depth: 64 },
  goals: [software('torch-cpu', goal, stretch)],
  quick,
});

const network = (
  part: 'inference' | 'step',
  [width, size, batch]: readonly [number, number, number],
  goals: readonly Goal[],
  more: Partial<RowSpec> = {},
): RowSpec => ({ task: { kind: 'network', part, width, size, batch }, goals, ...more });

const middle = [728, 14, 32] as const;
const early = [128, 112, 4] as const;
const cublas = gpu('torch-cuda', 0.8);

/** The rows of a run, by the kind of adapter it is on. */
export function rowsFor({ quick, slow }: { quick: boolean; slow: boolean }, software: boolean) {
  return rowSpecs.filter((spec) => {
    if (quick) return spec.quick;
    return !software || (!spec.gpuOnly && (slow || !spec.slow));
  });
}

/** Every row, with the goals of the project. Batches of 8 stand for 32 where `--quick` asks. */
const rowSpecs: readonly RowSpec[] = [
  convolution('pointwise', 'forward', [728, 14, 8], { goals: [], quick: true }),
  convolution('pointwise', 'forward', middle, {
    goals: [software('ort-webgpu', 7), software('tfjs', 12), cublas],
    ceiling: { software: 0.2, gpu: 0.5 },
  }),
  convolution('pointwise', 'dX', middle, { goals: [cublas], ceiling: { gpu: 0.5 } }),
  convolution('pointwise', 'dW', middle, { goals: [cublas], ceiling: { gpu: 0.5 } }),
  convolution('pointwise', 'forward', [4096, 64, 1], {
    ...{ goals: [cublas], ceiling: { gpu: 0.7 }, gpuOnly: true },
  }),
  convolution('depthwise', 'forward', [728, 14, 8], { goals: [], quick: true }),
  convolution('depthwise', 'forward', middle, { goals: [software('tfjs', 5)] }),
  convolution('depthwise', 'whole', middle, { goals: [software('tfjs', 8)] }),
  convolution('depthwise', 'forward', early, { goals: [software('tfjs', 5)] }),
  convolution('depthwise', 'whole', early, { goals: [software('tfjs', 8)] }),
  pairs(14, 5, 8, true),
  pairs(28, 10, 15, true),
  pairs(56, 20, 25),
  network('inference', [0.25, 112, 8], [], { quick: true }),
  network('inference', [1, 224, 8], [software('ort-webgpu', 5), software('tfjs', 8)]),
  network('step', [0.25, 112, 8], [software('tfjs', 10)], { quick: true }),
  network('step', [1, 224, 8], [software('tfjs', 10)], { slow: true }),
  network('step', [1, 224, 32], [gpu('torch-cuda', 1.2)], { gpuOnly: true }),
];
