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
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { type Config, differingKeys } from '../../src/config/config.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import {
  firstState,
  type Journal,
  type Metrics,
  parseState,
  serialiseState,
  shipped,
  type TrainingState,
} from '../../src/train/state.ts';
import { readSafetensors, writeCheckpoint } from '../files/checkpoint.ts';
import { loadConfig } from '../files/config.ts';
import { type Lock, takeLock } from '../system/lock.ts';
import { makeFolder, PART, writeFileWhole } from '../system/write-file.ts';

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
export class RunFolder implements Journal {
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

  #derive(state: TrainingState): void {
    const { counters } = state;
    const checkpoint = shipped(state);
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

/** The saved state; undefined where none was saved yet. @throws LlsmError naming the file */
function readState(path: string, config: Config): TrainingState | undefined {
  return existsSync(path) ? parseState(readSafetensors(path), path, config) : undefined;
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
