/** The training of a table's cell: done, continued, or found done (Node only). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Of } from '../../node/system/sha256.ts';
import { makeFolder, writeFileWhole } from '../../node/system/write-file.ts';
import { beginning } from '../../node/train/beginning.ts';
import { trainRun } from '../../node/train/run.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { version } from '../../src/base/version.ts';
import { type Config, differingKeys, parseConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Training } from './grid.ts';
import { readJson } from './json.ts';

const recordSchema = z.strictObject({
  /** What it was begun with. */
  config: z.unknown(),
  faces: z.string(),
  init: z.string().nullable(),
  version: z.string(),
  adapter: z.string(),
  /** Absent until the last step is done. */
  finished: z
    .strictObject({
      steps: z.int(),
      best: z.strictObject({ auc: z.number(), step: z.int() }).optional(),
      /** The weights to test: the best by validation AUC, or the last. */
      weights: z.enum(['best.safetensors', 'weights.safetensors']),
      sha256: z.string(),
    })
    .optional(),
});

type Record = z.output<typeof recordSchema>;

const recordName = 'training.json';

/** A network that is there. */
export interface Trained {
  folder: string;
  /** Path and SHA-256 of the weights to test. */
  weights: string;
  sha256: string;
  steps: number;
  best?: { auc: number; step: number };
  /** Of the llsm and the adapter that began it. */
  version: string;
  adapter: string;
}

export type TrainingState = 'finished' | 'begun' | 'new';

/**
 * Whether a training is done, begun or neither.
 * @throws LlsmError where its folder holds another training
 */
export function stateOf(training: Training, runs: string): TrainingState {
  const folder = join(runs, training.id);
  if (readRecord(training, folder)?.finished) return 'finished';
  return existsSync(join(folder, 'state.safetensors')) ? 'begun' : 'new';
}

/**
 * A training that was finished, with the weights it left.
 * @throws LlsmError where the folder holds another training, or its weights were changed
 */
export function keptTraining(training: Training, runs: string): Trained | undefined {
  const folder = join(runs, training.id);
  const record = readRecord(training, folder);
  return record?.finished && trainedOf(folder, record, record.finished);
}

function readRecord({ identity }: Training, folder: string): Record | undefined {
  const path = join(folder, recordName);
  if (!existsSync(path)) return undefined;
  const record = readJson(path, recordSchema);
  const config: Config = parseConfig(record.config, path);
  const differing = [
    ...differingKeys(config, identity.config),
    ...(['faces', 'init'] as const).filter((key) => record[key] !== identity[key]),
  ];
  if (differing.length > 0) {
    throw new LlsmError(
      `${path} is of another training (${differing.join(', ')} differ): move the folder away`,
    );
  }
  return record;
}

function trainedOf(
  folder: string,
  { version: by, adapter }: Record,
  finished: NonNullable<Record['finished']>,
): Trained {
  const weights = join(folder, finished.weights);
  if (!existsSync(weights) || sha256Of(weights) !== finished.sha256) {
    throw new LlsmError(
      `${weights} is not what the training left (its SHA-256 is in ${recordName}): put it back, or ` +
        'move the folder away to train again',
    );
  }
  const { sha256, steps, best } = finished;
  return { folder, weights, sha256, steps, best, version: by, adapter };
}

export interface TrainOptions {
  gpu: Gpu;
  /** The folder of all trainings. */
  runs: string;
  /** Weights to begin with. */
  init?: string;
  workers?: number;
  saveEvery?: number;
  say(line: string): void;
  /** Asked before each step: true ends the training, saved. */
  stop(): boolean;
}

/**
 * Trains by `trainRun` to the last step, from where an earlier call came to.
 * @returns undefined where it was interrupted, and saved
 * @throws LlsmError as `trainRun`
 */
export async function train(
  training: Training,
  options: TrainOptions,
): Promise<Trained | undefined> {
  const { gpu, runs, say } = options;
  const { config, identity, items } = training;
  const folder = join(runs, training.id);
  const path = join(folder, recordName);
  const write = (record: Record) => writeFileWhole(path, [`${JSON.stringify(record, null, 2)}\n`]);
  let record = readRecord(training, folder);
  if (!record) {
    makeFolder(folder);
    record = { ...identity, version, adapter: gpu.name };
    write(record);
  }
  const result = await trainRun({
    ...{ gpu, items, out: folder, config, say },
    resume: existsSync(join(folder, 'config.json')),
    // Also where it is resumed: it may have been killed before it had saved these.
    begin:
      options.init === undefined || existsSync(join(folder, 'state.safetensors'))
        ? undefined
        : beginning(config, options.init, say),
    saveEvery: options.saveEvery,
    workers: options.workers,
    stop: options.stop,
  });
  if (!result.finished) return undefined;
  const { steps, best } = result;
  const weights = best ? 'best.safetensors' : 'weights.safetensors';
  const finished = { steps, best, weights, sha256: sha256Of(join(folder, weights)) } as const;
  write({ ...record, finished });
  return trainedOf(folder, record, finished);
}
