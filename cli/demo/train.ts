/** The demo's training: as good as it gets in some minutes (Node only). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainRun } from '../../node/train/run.ts';
import { type Config, parseConfig } from '../../src/config/config.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { timeStep } from '../../src/train/step-time.ts';
import { trainingItems } from './data.ts';
import { type Demo, targetAuc } from './folder.ts';

/** Small, for there is time for few steps, and with 16 there are twice as many as with 32. */
const batch = 16;

/** A network that a processor trains in minutes, for so many steps. */
function demoConfig(steps: number, seed: number): Config {
  const epochs = Math.max(1, Math.min(20, Math.floor(steps / 10)));
  const iterations = Math.max(1, Math.floor(steps / epochs));
  return parseConfig(
    {
      size: 64,
      width: 0.125,
      llsm: { hidden: 32 },
      train: {
        ...{ lr: 2e-3, batch, iterations, epochs, seed, schedule: 'cosine' },
        // The faces went through blur, noise and JPEG already; more of it slows the learning.
        augment: { blur: 0, noise: 0, jpeg: 0 },
        warmup: Math.min(60, Math.floor(steps / 10)),
      },
    },
    'the demo',
  );
}

const fewestSteps = 4;
/** About 200,000 faces: on a fast GPU the time is not used up. */
const mostSteps = 12000;
/** Validation, saving and a slower moment than when it was measured. */
const reserve = 0.85;

/** How many steps there is time for, measured on the first few of a network that is thrown away. */
async function stepsIn(gpu: Gpu, seconds: number, seed: number): Promise<number> {
  const started = performance.now();
  const config = demoConfig(fewestSteps, seed);
  const each = await timeStep(gpu, config);
  const left = seconds - (performance.now() - started) / 1000;
  const steps = Math.floor((reserve * left) / each);
  return Math.max(fewestSteps, Math.min(mostSteps, steps));
}

export interface DemoTrainOptions {
  gpu: Gpu;
  items: readonly ManifestItem[];
  /** The run's folder. */
  run: string;
  minutes: number;
  seed: number;
  /** What an earlier session came to. */
  before: Demo['training'];
  say(line: string): void;
  /** Asked before each step: true ends the training, saved. */
  stop(): boolean;
}

/**
 * Trains until the validation AUC is reached, the minutes are over (those of earlier sessions
 * counted) or the steps are done that there was time for; writes the run's curves.
 * @returns how it ended, and the network's config
 */
export async function trainDemo(
  options: DemoTrainOptions,
): Promise<{ training: NonNullable<Demo['training']>; config: Config }> {
  const { gpu, run, seed, say } = options;
  const started = performance.now();
  const spent = (): number => (options.before?.seconds ?? 0) + (performance.now() - started) / 1000;
  const limit = options.minutes * 60;
  const resume = existsSync(join(run, 'config.json'));
  let config: Config | undefined;
  if (!resume) {
    config = demoConfig(await stepsIn(gpu, limit, seed), seed);
    const { iterations, epochs } = config.train;
    say(`There is time for about ${iterations * epochs} steps of ${batch} faces`);
  }
  let why: 'auc' | 'minutes' | undefined;
  let asked = 0;
  const result = await trainRun({
    gpu,
    items: trainingItems(options.items),
    out: run,
    config,
    resume,
    say,
    stop() {
      if (options.stop()) return true;
      // However little time there is, a new run takes one step, for there must be weights to test.
      if (++asked === 1 && !resume) return false;
      if (!why && spent() >= limit) why = 'minutes';
      return why !== undefined;
    },
    curves: { target: targetAuc },
    onValidation({ auc }) {
      if (auc >= targetAuc) why = 'auc';
    },
  });
  const stopped = why ?? (result.finished ? 'steps' : 'interrupted');
  return {
    training: { seconds: spent(), steps: result.steps, stopped, best: result.best },
    config: result.config,
  };
}
