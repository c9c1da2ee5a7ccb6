/** What a table would take, without doing it (Node only). */

import type { Config } from '../../src/config/config.ts';
import { countsInWords } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { totalSteps } from '../../src/train/schedule.ts';
import { peakInWords, planStep } from '../../src/train/step-plan.ts';
import { timeStep } from '../../src/train/step-time.ts';
import { keptFigures, type TestOptions } from './figures.ts';
import type { Grid, Test, Training } from './grid.ts';
import { missingLines } from './missing.ts';
import { keptTraining, stateOf, type TrainingState } from './training.ts';

export interface PlannedTraining {
  id: string;
  state: TrainingState;
  faces: string;
  steps: number;
  /** Of the optimiser alone, without decoding faces and validation; absent where it is finished. */
  secondsPerStep?: number;
  peak?: string;
}

export interface TablePlan {
  trainings: PlannedTraining[];
  tests: { training: string; on: string; faces: string; state: 'finished' | 'new' }[];
  /** Which cells will have no figures and why, a line a reason. */
  missing: string[];
}

/**
 * Says what is there and what is missing, and times a step of each network that is still to be trained.
 * @throws LlsmError where a step does not fit the adapter, or a folder holds something else
 */
export async function planTable(
  { trainings, tests, rows, columns }: Grid,
  options: TestOptions & { runs: string; openGpu(): Promise<Gpu> },
): Promise<TablePlan> {
  const measured = new Map<string, Pick<PlannedTraining, 'secondsPerStep' | 'peak'>>();
  let opened: Promise<Gpu> | undefined;
  const measure = async (config: Config) => {
    // Trainings of one network differ in their faces alone, which a step's time does not depend on.
    const key = JSON.stringify(config);
    const known = measured.get(key);
    if (known) return known;
    opened ??= options.openGpu();
    const gpu = await opened;
    const found = {
      peak: peakInWords(planStep(gpu, config)),
      secondsPerStep: await timeStep(gpu, config),
    };
    measured.set(key, found);
    return found;
  };
  const planned: PlannedTraining[] = [];
  for (const training of trainings) {
    const state = stateOf(training, options.runs);
    planned.push({
      ...{ id: training.id, state, faces: countsInWords(training.items) },
      steps: totalSteps(training.config),
      ...(state !== 'finished' && (await measure(training.config))),
    });
  }
  return {
    trainings: planned,
    tests: tests.map((test) => ({
      training: test.training.id,
      on: test.data.title,
      faces: countsInWords(test.faces),
      state: testState(test, test.training, options),
    })),
    missing: missingLines(rows, columns),
  };
}

function testState(test: Test, training: Training, options: TestOptions & { runs: string }) {
  const trained = keptTraining(training, options.runs);
  return trained && keptFigures(test, trained, options) ? 'finished' : 'new';
}

const states: Record<TrainingState, string> = {
  finished: 'finished',
  begun: 'to be continued',
  new: 'to be trained',
};

const duration = (seconds: number): string => {
  if (seconds < 90) return `${seconds.toPrecision(2)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

/** As lines. */
export function planInWords({ trainings, tests, missing }: TablePlan): string {
  const left = trainings.reduce((sum, one) => sum + one.steps * (one.secondsPerStep ?? 0), 0);
  return [
    `${trainings.length} trainings:`,
    ...trainings.flatMap(({ id, state, faces, steps, secondsPerStep, peak }) => [
      `  ${id}: ${states[state]}; ${faces}, ${steps} steps`,
      ...(secondsPerStep === undefined
        ? []
        : [
            `    a step takes ${duration(secondsPerStep)}, all of them ${duration(secondsPerStep * steps)}, ` +
              'validation and the decoding of faces not counted',
            `    ${peak}`,
          ]),
    ]),
    ...(left > 0 ? [`  training steps together: ${duration(left)} at most`] : []),
    `${tests.length} tests:`,
    ...tests.map(
      ({ training, on, faces, state }) =>
        `  ${training} on ${on}: ${state === 'finished' ? 'finished' : 'to be done'}; ${faces}`,
    ),
    ...missing,
  ].join('\n');
}
