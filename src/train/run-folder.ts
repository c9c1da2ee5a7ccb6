/**
 * The folder of one training run (Node only): config.json, state.safetensors (all that a resumed
 * run needs), weights.safetensors and best.safetensors derived from it, metrics.jsonl, and a lock.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LlsmError, messageOf } from '../errors.ts';
import { type Lock, takeLock } from '../lock.ts';
import {
  type Checkpoint,
  checkpointFromSafetensors,
  checkpointMetadata,
} from '../model/checkpoint.ts';
import { readSafetensors, writeCheckpoint } from '../model/checkpoint-node.ts';
import { type Config, differingKeys } from '../model/config.ts';
import { loadConfig } from '../model/config-node.ts';
import { listParams, sizeOf } from '../model/params.ts';
import { type HostTensor, serialiseSafetensors } from '../model/safetensors.ts';
import { makeFolder, PART, writeFileWhole } from '../write-file.ts';

const countersSchema = z
  .object({
    /** Optimiser steps done. */
    step: z.int().min(0),
    /** The step whose weights are the best so far; its state also writes best.safetensors. */
    bestStep: z.int().min(0).optional(),
    /** Where gradients are stored in 16 bits: the loss scale, and steps since it changed. */
    lossScale: z.number().positive().optional(),
    lossScaleSteps: z.int().min(0).optional(),
  })
  .catchall(z.number());

export type Counters = z.output<typeof countersSchema>;

/** What a run resumes from. */
export interface TrainingState {
  checkpoint: Checkpoint;
  /** Adam's first and second moments of every trained tensor, in the checkpoint's layout. */
  adam: { m: Map<string, Float32Array>; v: Map<string, Float32Array> };
  counters: Counters;
}

/** One line of metrics.jsonl; the steps of its lines never fall. */
export type Metrics = { step: number } & Record<string, number | string>;

export interface OpenOptions {
  path: string;
  /** Of a new run; on resume it may be left out, and must equal the run's own. */
  config?: Config;
  resume: boolean;
  /** What a run without a saved state begins with; saved at once, so that a kill cannot lose it. */
  begin?: Checkpoint;
  /** Receives a line for whatever was mended on opening. */
  say: (line: string) => void;
}

/** A training's folder, held by one process at a time: its config, state, weights and metrics. */
export class RunFolder {
  readonly #lock: Lock;

  private constructor(
    readonly path: string,
    readonly config: Config,
    /** What the run goes on from: saved, or given to begin with; undefined where weights are drawn. */
    readonly state: TrainingState | undefined,
    lock: Lock,
  ) {
    this.#lock = lock;
  }

  /**
   * Makes a run's folder, or opens one to resume it: then metrics.jsonl is cut to the state's step
   * and the derived weights are written anew.
   *
   * @throws LlsmError where the folder holds a run already (or, on resume, none), is held by
   *   another process, or has another config (the keys are named)
   */
  static open({ path, config, resume, begin, say }: OpenOptions): RunFolder {
    const configFile = join(path, 'config.json');
    if (resume && !existsSync(configFile)) {
      throw new LlsmError(`${path} holds no run to resume: there is no config.json`);
    }
    makeFolder(path);
    const lock = takeLock(join(path, 'lock'));
    try {
      if (lock.takenOver) say(`${path}: ${lock.takenOver}`);
      for (const name of readdirSync(path)) {
        if (name.includes(PART)) rmSync(join(path, name));
      }
      const first = begin && firstState(begin);
      if (!resume) {
        if (!config) throw new TypeError('a new run needs a config');
        refuseUsed(path);
        writeFileWhole(configFile, [`${JSON.stringify(config, null, 2)}\n`]);
        const folder = new RunFolder(path, config, first, lock);
        if (first) folder.save(first);
        return folder;
      }
      const kept = loadConfig(configFile);
      const differing = config ? differingKeys(kept, config) : [];
      if (differing.length > 0) {
        throw new LlsmError(
          `${path} was begun with another config: ${differing.join(', ')} differ. ` +
            'Resume without --config, or train into a new folder',
        );
      }
      const state = readState(join(path, 'state.safetensors'), kept);
      const folder = new RunFolder(path, kept, state ?? first, lock);
      if (!state) say(`${path}: no state was saved yet, beginning anew`);
      cutMetrics(folder.metricsFile, state?.counters.step ?? -1, say);
      if (state) folder.#derive(state);
      else if (first) folder.save(first);
      return folder;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get metricsFile(): string {
    return join(this.path, 'metrics.jsonl');
  }

  /**
   * Saves all that a resumed run needs, then the weights derived from it. Killed at any moment,
   * the folder holds this state or the one before.
   *
   * @throws LlsmError where a value is not finite, or the disk refuses; the old state stays
   */
  save(state: TrainingState): void {
    // The metrics go first: after a power cut they may reach beyond the state, never fall short.
    if (existsSync(this.metricsFile)) {
      const metrics = openSync(this.metricsFile, 'r+');
      fsyncSync(metrics);
      closeSync(metrics);
    }
    writeFileWhole(join(this.path, 'state.safetensors'), serialiseState(state));
    this.#derive(state);
  }

  #derive({ checkpoint, counters }: TrainingState): void {
    writeCheckpoint(join(this.path, 'weights.safetensors'), checkpoint);
    if (counters.bestStep === counters.step) {
      writeCheckpoint(join(this.path, 'best.safetensors'), checkpoint);
    }
  }

  appendMetrics(metrics: Metrics): void {
    try {
      appendFileSync(this.metricsFile, `${JSON.stringify(metrics)}\n`);
    } catch (error) {
      throw new LlsmError(`${this.metricsFile} cannot be written: ${messageOf(error)}`);
    }
  }

  /** Gives up the lock. The process's end does so too. */
  close(): void {
    this.#lock.release();
  }
}

function refuseUsed(path: string) {
  const used = ['config.json', 'state.safetensors', 'metrics.jsonl'].find((name) =>
    existsSync(join(path, name)),
  );
  if (used) {
    throw new LlsmError(
      `${path} holds a run already (${used}): continue it with --resume, or take another folder`,
    );
  }
}

/** Adam has not moved yet. */
function firstState(checkpoint: Checkpoint): TrainingState {
  const trained = listParams(checkpoint.config).filter(({ kind }) => kind !== 'state');
  const zeros = () =>
    new Map(trained.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  return { checkpoint, adam: { m: zeros(), v: zeros() }, counters: { step: 0 } };
}

const PREFIXES = { m: 'adam.m.', v: 'adam.v.' } as const;

function serialiseState({ checkpoint, adam, counters }: TrainingState): Uint8Array[] {
  const tensors = new Map<string, HostTensor>(checkpoint.tensors);
  for (const { name, shape, kind } of listParams(checkpoint.config)) {
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

/** The saved state; undefined where none was saved yet. @throws LlsmError naming the file */
function readState(path: string, config: Config): TrainingState | undefined {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = readSafetensors(path);
  const moments = (prefix: string) => {
    const found = new Map<string, Float32Array>();
    for (const { name, shape, kind } of listParams(config)) {
      if (kind === 'state') continue;
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
  const adam = { m: moments(PREFIXES.m), v: moments(PREFIXES.v) };
  let counters: Counters;
  try {
    counters = countersSchema.parse(JSON.parse(metadata['llsm.training'] ?? 'null'));
  } catch {
    throw new LlsmError(`${path}: the counters (llsm.training in its metadata) are unreadable`);
  }
  return {
    checkpoint: checkpointFromSafetensors({ tensors, metadata }, path, config),
    adam,
    counters,
  };
}

/** Cuts off all lines after `step`, and a last one that was being written when the run ended. */
function cutMetrics(path: string, step: number, say: (line: string) => void) {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  let kept = 0;
  for (let line = 1; kept < bytes.length; line++) {
    const end = bytes.indexOf('\n', kept);
    if (end < 0) break;
    const at = stepOf(bytes.toString('utf8', kept, end));
    if (at === undefined) {
      throw new LlsmError(`${path}: line ${line} is no JSON object with a step: mend or remove it`);
    }
    if (at > step) break;
    kept = end + 1;
  }
  if (kept === bytes.length) return;
  const file = openSync(path, 'r+');
  ftruncateSync(file, kept);
  fsyncSync(file);
  closeSync(file);
  say(`${path}: cut to step ${Math.max(step, 0)}, where the saved state stands`);
}

function stepOf(line: string): number | undefined {
  try {
    const { step } = JSON.parse(line);
    return Number.isFinite(step) ? step : undefined;
  } catch {
    return undefined;
  }
}
