import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { nodeHost } from '../../node/host.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { Journal, Metrics, TrainingState } from '../../src/train/state.ts';
import { type Preview, train } from '../../src/train/train.ts';
import { test } from '../support/run.ts';

const gpu = await nodeHost.openGpu();
const config = parseConfig(
  {
    ...{ size: 64, width: 0.05, llsm: { hidden: 8 } },
    train: {
      ...{ lr: 1e-3, batch: 4, iterations: 2, epochs: 2, seed: 3 },
      forge: { crop: 72, methods: { 'self-blend': 1 } },
    },
  },
  'test',
);
const faces: ManifestItem[] = ['anna', 'ben', 'carl'].map((name, k) => ({
  ...{ folder: 'web/static/samples', image: `${name}.jpg`, label: 0, mask: null, box: null },
  ...{ landmarks: null, video: name, frame: 0, people: [], dataset: 'samples', method: null },
  split: k < 2 ? 'train' : 'val',
}));

/** Keeps a run in memory. */
class Memory implements Journal {
  state: TrainingState | undefined;
  readonly metrics: Metrics[] = [];

  save(state: TrainingState): void {
    this.state = state;
  }

  appendMetrics(metrics: Metrics): void {
    this.metrics.push(metrics);
  }

  get losses(): unknown[] {
    return this.metrics.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  }
}

const common = { gpu, config, faces, read: readFile, meter: { update() {}, note() {} } };

test('a run that was aborted and gone on with is the run that was not', async () => {
  const whole = new Memory();
  const seen: { step: number; previews: Preview[] }[] = [];
  const result = await train({
    ...{ ...common, journal: whole, previews: 2 },
    onValidation: (_, step, previews) => seen.push({ step, previews }),
  });
  assert.ok(result.finished);
  assert.is(whole.losses.length, 4);
  assert.equal(
    seen.map(({ step }) => step),
    [2, 4],
  );
  const [real, forged] = seen[1].previews;
  assert.equal([real.label, forged.label], [0, 1]);
  assert.is(
    real.truth.reduce((sum, value) => sum + value, 0),
    0,
  );
  assert.ok(forged.truth.includes(1));
  assert.is(forged.mask?.length, 64 * 64);
  assert.not.equal(seen[0].previews[1].mask, forged.mask, 'the weights have moved');

  const parts = new Memory();
  const control = new AbortController();
  const first = await train({
    ...{ ...common, journal: parts, signal: control.signal },
    onValidation: () => control.abort(),
  });
  assert.not.ok(first.finished);
  assert.is(parts.state?.counters.step, 2);
  assert.ok((await train({ ...common, journal: parts })).finished);
  assert.equal(parts.losses, whole.losses);
});

test('says that there is nothing to train on', async () => {
  const none = faces.map((face) => ({ ...face, split: 'val' as const }));
  await train({ ...common, faces: none, journal: new Memory() }).then(
    () => assert.unreachable(),
    (error: unknown) => {
      assert.instance(error, LlsmError);
      assert.match((error as LlsmError).message, 'split "train"');
    },
  );
});
