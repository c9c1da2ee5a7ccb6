/** What a training step takes of the GPU, known before anything is allocated. */

import type { Config } from '../config/config.ts';
import type { Gpu } from '../gpu/device.ts';
import { type MemoryPlan, planMemory } from '../graph/plan.ts';
import { ParamStore } from '../graph/store.ts';
import type { FlatHome, Tensor } from '../graph/tensor.ts';
import { listParams } from '../model/llsm/params.ts';
import { recordStep } from '../model/llsm/step.ts';
import { mergeHomes, stepOptions } from './trainer.ts';

/** Sizes in bytes. */
export interface StepPlan {
  /** All of it: activations and Params. */
  bytes: number;
  /** Activations, their gradients and the inputs, as the plan lays them out. */
  activations: number;
  /** Bytes alive at the worst moment; the rest is what sharing buffers could not close. */
  aliveAtOnce: number;
  params: number;
  dispatches: number;
  pipelines: number;
  /** Weights, gradients, moments, running statistics. */
  homes: { name: FlatHome; bytes: number }[];
  inputs: TensorSize[];
  /** The largest that are alive at the worst moment. */
  largest: TensorSize[];
}

interface TensorSize {
  name: string;
  shape: readonly number[];
  bytes: number;
}

/** @throws LlsmError where a step does not fit the adapter */
export function planStep(gpu: Gpu, config: Config): StepPlan {
  const store = new ParamStore(gpu, listParams(config));
  const { pass } = recordStep(gpu, config, store, stepOptions(config));
  return stepPlanOf(planMemory(pass.g, gpu.device.limits), store, config);
}

/** The plan of a step that is there. */
export function stepPlanOf(memory: MemoryPlan, store: ParamStore, config: Config): StepPlan {
  const names = new Set([
    ...memory.homes,
    ...(config.train.accumulate > 1 ? mergeHomes(store) : []),
  ]);
  const homes = [...names].map((name) => ({ name, bytes: store.bytesOf(name) }));
  const params = homes.reduce((sum, { bytes }) => sum + bytes, 0);
  const { dispatches, inputs, peak } = memory;
  const alive = peak.tensors.filter(({ home }) => home === 'temp');
  return {
    bytes: memory.bytes + params,
    activations: memory.bytes,
    aliveAtOnce: peak.bytes,
    params,
    dispatches: dispatches.length,
    pipelines: new Set(dispatches.map(({ launch }) => launch.kernel)).size,
    homes,
    inputs: bySize(inputs),
    largest: bySize(alive).slice(0, 10),
  };
}

const bySize = (tensors: readonly Tensor[]): TensorSize[] =>
  tensors
    .map(({ name, shape, bytes }) => ({ name, shape, bytes }))
    .sort((a, b) => b.bytes - a.bytes);

const mib = (bytes: number, digits = 0): string => `${(bytes / 2 ** 20).toFixed(digits)} MiB`;

/** The planned peak in a line. */
export const peakInWords = (plan: StepPlan): string =>
  `A step's planned peak: ${mib(plan.bytes)} (activations ${mib(plan.activations)}, of which ` +
  `${mib(plan.aliveAtOnce)} are alive at once; weights, gradients, moments ${mib(plan.params)})`;

/** The whole plan, as lines. */
export function planInWords(plan: StepPlan): string {
  const table = (sizes: readonly TensorSize[]): string[] =>
    sizes.map(
      ({ name, shape, bytes }) => `${mib(bytes, 1).padStart(14)}  ${name} [${shape.join(', ')}]`,
    );
  return [
    peakInWords(plan),
    `${plan.dispatches} dispatches, ${plan.pipelines} pipelines`,
    'The largest tensors alive at the peak:',
    ...table(plan.largest),
    'Inputs:',
    ...table(plan.inputs),
    'Params:',
    ...plan.homes.map(({ name, bytes }) => `${mib(bytes, 1).padStart(14)}  ${name}`),
  ].join('\n');
}
