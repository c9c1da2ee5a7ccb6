/** What a training run keeps, wherever it keeps it: a run's folder in Node, the browser's own files in a page. */
import * as z from 'zod';
import { LlsmError } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import {
  type Checkpoint,
  checkpointFromSafetensors,
  checkpointMetadata,
} from '../model/llsm/checkpoint.ts';
import { listParams, sizeOf } from '../model/llsm/params.ts';
import {
  type HostTensor,
  type SafetensorsFile,
  serialiseSafetensors,
} from '../model/safetensors.ts';

const countersSchema = z
  .object({
    /** Optimiser steps done. */
    step: z.int().min(0),
    /** The step whose weights are the best so far; its state also writes best.safetensors. */
    bestStep: z.int().min(0).optional(),
    /** The loss scale, where gradients are stored in 16 bits, and steps since it changed. */
    lossScale: z.number().positive().optional(),
    lossScaleSteps: z.int().min(0).optional(),
  })
  .catchall(z.number());

/** Numbers that a resumed run goes on counting from. */
export type Counters = z.output<typeof countersSchema>;

/** All that a run resumes from. */
export interface TrainingState {
  checkpoint: Checkpoint;
  /** Adam's first and second moments of every trained tensor, in the checkpoint's layout. */
  adam: { m: Map<string, Float32Array>; v: Map<string, Float32Array> };
  /** Running means of all of the checkpoint's tensors, where `train.ema` keeps them. */
  mean?: Map<string, Float32Array>;
  counters: Counters;
}

/** One line of the metrics; the steps of its lines never fall. */
export type Metrics = { step: number } & Record<string, number | string>;

/** A place that keeps a run: the state to resume from, and a line of metrics for each step. */
export interface Journal {
  /** The state that the run goes on from; undefined where it begins. */
  readonly state: TrainingState | undefined;
  /**
   * Keeps a state instead of the one before: whenever it is ended, one of both is whole.
   * @throws LlsmError where a value is not finite, or there is no room; the old state stays
   */
  save(state: TrainingState): void | Promise<void>;
  /** Appends a line to the metrics. */
  appendMetrics(metrics: Metrics): void | Promise<void>;
}

/** A display of how far a long piece of work has come. */
export interface Meter {
  /**
   * @param done units done in all
   * @param values what to show beside, such as the losses
   */
  update(done: number, values?: Record<string, number>): void;
  /** Shows a line of its own. */
  note(text: string): void;
}

/** The state of a run that begins with given weights: Adam has not moved yet. */
export function firstState(checkpoint: Checkpoint): TrainingState {
  const trained = listParams(checkpoint.config).filter(({ kind }) => kind !== 'state');
  const zeros = () =>
    new Map(trained.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  return { checkpoint, adam: { m: zeros(), v: zeros() }, counters: { step: 0 } };
}

const PREFIXES = { m: 'adam.m.', v: 'adam.v.', mean: 'ema.' } as const;

/** The weights that count: the running means, where there are any. */
export function shipped({ checkpoint, mean }: TrainingState): Checkpoint {
  if (!mean) return checkpoint;
  const tensors = new Map(
    [...checkpoint.tensors].map(([name, { shape }]) => {
      return [name, { shape, data: mean.get(name) as Float32Array }];
    }),
  );
  return { ...checkpoint, tensors };
}

/**
 * Writes a state as one safetensors file: the checkpoint's tensors, `adam.m.*`, `adam.v.*`, `ema.*`, and the
 * counters as `llsm.training` in its metadata.
 * @throws LlsmError where a value is not finite
 */
export function serialiseState({ checkpoint, adam, mean, counters }: TrainingState): Uint8Array[] {
  const tensors = new Map<string, HostTensor>(checkpoint.tensors);
  for (const { name, shape, kind } of listParams(checkpoint.config)) {
    const averaged = mean?.get(name);
    if (averaged) tensors.set(PREFIXES.mean + name, { shape, data: averaged });
    if (kind === 'state') continue;
    for (const moment of ['m', 'v'] as const) {
      const data = adam[moment].get(name);
      if (!data) throw new TypeError(`Adam's ${moment} of ${name} is missing`);
      tensors.set(PREFIXES[moment] + name, { shape, data });
    }
  }
  for (const [name, { data }] of tensors) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new LlsmError(`Training broke down: ${name} holds ${data[at]} at ${at}`);
  }
  return serialiseSafetensors(tensors, {
    ...checkpointMetadata(checkpoint),
    'llsm.training': JSON.stringify(counters),
  });
}

/**
 * Reads what `serialiseState` wrote.
 * @param path names the file in errors
 * @throws LlsmError where a tensor is missing, wrongly shaped or not finite
 */
export function parseState(file: SafetensorsFile, path: string, config: Config): TrainingState {
  const tensors = new Map(file.tensors);
  const copies = (prefix: string, kinds: readonly string[] = ['weight']) => {
    const found = new Map<string, Float32Array>();
    for (const { name, shape, kind } of listParams(config)) {
      if (!kinds.includes(kind)) continue;
      const tensor = tensors.get(prefix + name);
      if (!tensor || tensor.shape.join() !== shape.join()) {
        throw new LlsmError(`${path}: ${prefix}${name} is missing or wrongly shaped`);
      }
      if (!tensor.data.every(Number.isFinite)) {
        throw new LlsmError(`${path}: ${prefix}${name} holds values that are not finite`);
      }
      tensors.delete(prefix + name);
      found.set(name, tensor.data);
    }
    return found;
  };
  const adam = { m: copies(PREFIXES.m), v: copies(PREFIXES.v) };
  const mean = config.train.ema ? copies(PREFIXES.mean, ['weight', 'state']) : undefined;
  let counters: Counters;
  try {
    counters = countersSchema.parse(JSON.parse(file.metadata['llsm.training'] ?? 'null'));
  } catch {
    throw new LlsmError(`${path}: the counters (llsm.training in its metadata) are unreadable`);
  }
  const { metadata } = file;
  return {
    checkpoint: checkpointFromSafetensors({ tensors, metadata }, path, config),
    adam,
    ...(mean && { mean }),
    counters,
  };
}
