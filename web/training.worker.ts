/** Training, apart from the page: faces, forgeries, steps, and what is kept in the browser. */
import { LlsmError } from '../src/base/errors.ts';
import { type Config, parseConfig } from '../src/config/config.ts';
import { easyForging } from '../src/config/forge-schema.ts';
import { provideHost } from '../src/detect/host.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { checkpointToSafetensors } from '../src/model/llsm/checkpoint.ts';
import { totalSteps } from '../src/train/schedule.ts';
import { type Metrics, shipped } from '../src/train/state.ts';
import { type Preview, train } from '../src/train/train.ts';
import { announce, answer } from './answer.ts';
import { pageHost } from './host.ts';
import { StoredRun } from './opfs.ts';
import { drawFaces, ownFaces } from './training-faces.ts';

provideHost(pageHost);

/** A network that a processor trains in minutes, as the demo's. */
const trainingConfig = (seed: number): Config =>
  parseConfig(
    {
      ...{ size: 64, width: 0.125, llsm: { hidden: 32 } },
      train: {
        ...{ lr: 2e-3, batch: 16, iterations: 20, epochs: 50, seed },
        ...{ warmup: 20, schedule: 'cosine' },
        forge: { ...easyForging, crop: 80, methods: { 'self-blend': 1, swap: 1, parts: 1 } },
      },
    },
    'training in the page',
  );

/** What the page knows of a run. */
export interface RunSummary {
  step: number;
  total: number;
  batch: number;
  size: number;
  /** Pictures that it trains on, and those that it is measured on. */
  trained: number;
  measured: number;
  metrics: Metrics[];
}

export type TrainingTold =
  | { faces: [done: number, total: number] }
  | { step: number; metrics: Metrics }
  | { step: number; metrics: Metrics; previews: Preview[] };

const summaryOf = (run: StoredRun): RunSummary => ({
  step: run.state?.counters.step ?? 0,
  total: totalSteps(run.config),
  batch: run.config.train.batch,
  size: run.config.size,
  trained: run.faces.filter(({ split }) => split === 'train').length,
  measured: run.faces.filter(({ split }) => split === 'val').length,
  metrics: run.metrics,
});

let run: StoredRun | undefined;
let opened: Promise<Gpu> | undefined;

function device(): Promise<Gpu> {
  opened ??= pageHost.openGpu().then((gpu) => {
    gpu.lost.then((message) => announce('lost', message));
    return gpu;
  });
  return opened;
}

answer({
  /** The run of an earlier visit; null where there is none. */
  async kept(): Promise<RunSummary | null> {
    run ??= await StoredRun.open();
    return run ? summaryOf(run) : null;
  },

  /** Makes the faces of a new run: drawn people, or the reader's own pictures. */
  async begin(
    { people, seed, files }: { people: number; seed: number; files?: File[] },
    { signal, tell },
  ): Promise<RunSummary> {
    run = await StoredRun.begin(trainingConfig(seed), async (keep) => {
      const onFace = (done: number, total: number) => tell({ faces: [done, total] });
      const made = { signal, keep, onFace };
      return files ? ownFaces(await device(), files, made) : drawFaces(people, seed, made);
    });
    return summaryOf(run);
  },

  /** Trains until it is done or aborted; both are saved. */
  async run(_: unknown, { signal, tell }): Promise<RunSummary> {
    const current = run;
    if (!current) throw new TypeError('no run has begun');
    let last: Metrics = { step: current.state?.counters.step ?? 0 };
    await train({
      gpu: await device(),
      config: current.config,
      faces: current.faces,
      read: (path) => current.read(path),
      journal: {
        get state() {
          return current.state;
        },
        save: (state) => current.save(state),
        appendMetrics(metrics) {
          current.appendMetrics(metrics);
          last = metrics;
          tell({ step: metrics.step, metrics });
        },
      },
      meter: { update() {}, note() {} },
      ...{ signal, saveEvery: 10, previews: 8 },
      onValidation: (_, step, previews) => tell({ step, metrics: last, previews }),
    });
    return summaryOf(current);
  },

  /** The network as it stands, as a file's parts. */
  weights(): Uint8Array[] {
    if (!run?.state) throw new LlsmError('Nothing has been trained yet');
    return checkpointToSafetensors(shipped(run.state));
  },

  async forget(): Promise<void> {
    run = undefined;
    await StoredRun.forget();
  },
});
