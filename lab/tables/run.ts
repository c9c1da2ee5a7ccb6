/** Trains and evaluates what a table still needs (Node only). */

import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { keptFigures, type Tested, type TestOptions, testFigures } from './figures.ts';
import type { Grid, Test, Training } from './grid.ts';
import { keptTraining, type Trained, train } from './training.ts';

export interface RunOptions extends TestOptions {
  /** The folder of all trainings, of this table and others. */
  runs: string;
  /** Called when there is work for it, once. */
  openGpu(): Promise<Gpu>;
  /** Weights that trainings begin with. */
  init?: string;
  /** Faces in one run of a network that is tested. */
  batch: number;
  workers?: number;
  saveEvery?: number;
  say(line: string): void;
  /** Asked before each step of a training: true ends it, saved. */
  stop(): boolean;
}

/** What there is when the work is over. */
export interface Outcome {
  trained: Map<Training, Trained>;
  tested: Map<Test, Tested>;
  /** Why a training or a test could not be done. */
  failed: Map<Training | Test, string>;
  /** The training at which it was stopped. */
  stopped?: Training;
}

/**
 * Does what is missing, training after training, each with its tests. One that fails does not keep the
 * others from being done.
 */
export async function runTable(grid: Grid, options: RunOptions): Promise<Outcome> {
  const { runs, say } = options;
  const outcome: Outcome = { trained: new Map(), tested: new Map(), failed: new Map() };
  let opened: Promise<Gpu> | undefined;
  const openGpu = () => {
    opened ??= options.openGpu();
    return opened;
  };
  for (const [k, training] of grid.trainings.entries()) {
    const name = `Training ${k + 1} of ${grid.trainings.length}, ${training.id}`;
    const done = await attempt(outcome, training, say, async () => {
      const kept = keptTraining(training, runs);
      say(`${name}${kept ? ': finished before' : ''}`);
      return kept ?? train(training, { ...options, gpu: await openGpu() });
    });
    if (outcome.failed.has(training)) continue;
    if (!done) {
      outcome.stopped = training;
      break;
    }
    outcome.trained.set(training, done);
    const tests = grid.tests.filter((test) => test.training === training);
    await testAll(tests, done, options, outcome, openGpu);
  }
  return outcome;
}

async function testAll(
  tests: readonly Test[],
  trained: Trained,
  options: RunOptions,
  outcome: Outcome,
  openGpu: () => Promise<Gpu>,
): Promise<void> {
  let detector: FaceScorer | undefined;
  try {
    for (const test of tests) {
      const tested = await attempt(outcome, test, options.say, async () => {
        const kept = keptFigures(test, trained, options);
        if (kept) return kept;
        const gpu = await openGpu();
        detector ??= await FaceScorer.build(gpu, readCheckpoint(trained.weights), {
          batch: options.batch,
          dissimilarity: false,
        });
        return testFigures(test, trained, options, { detector, adapter: gpu.name });
      });
      if (tested) outcome.tested.set(test, tested);
    }
  } finally {
    detector?.destroy();
  }
}

/** What is expected to fail is noted and passed over; what is not is thrown. */
async function attempt<T>(
  { failed }: Outcome,
  what: Training | Test,
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LlsmError)) throw error;
    say(error.message);
    failed.set(what, error.message);
    return undefined;
  }
}
