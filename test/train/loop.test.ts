import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config/config.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { StepLosses } from '../../src/model/llsm/step.ts';
import { type LoopOptions, trainLoop } from '../../src/train/loop.ts';
import { test } from '../support/run.ts';

const config = parseConfig(
  { width: 0.05, size: 64, train: { batch: 2, iterations: 6, epochs: 1, balance: false } },
  'test',
);

/** Nothing in the loop waits for anything but promises, and those are done by the next turn. */
const settled = () => new Promise(setImmediate);

/** The loop around a trainer whose steps end when the test says so, and a note of what happens. */
function start(notes: string[]) {
  const ends: ((loss: number, notFinite?: string) => void)[] = [];
  const crop = {
    image: new Uint8Array(64 * 64 * 3),
    mask: new Float32Array(64 * 64),
    label: 0,
    maskWeight: 1,
  };
  const fakes = {
    trainer: {
      config,
      step: (_: unknown, step: number) => {
        notes.push(`queued ${step}`);
        return new Promise<StepLosses>((resolve) => {
          ends[step] = (total, notFinite) =>
            resolve({ total, cls: 0, ls: 0, loc: 0, ...(notFinite && { notFinite }) });
        });
      },
      state: async () => ({}),
    },
    journal: {
      appendMetrics: ({ step, loss }: { step: number; loss: number }) => {
        notes.push(`loss of ${step - 1}: ${loss}`);
      },
      save: () => notes.push('saved'),
    },
    loader: {
      items: [{ image: 'a.png' }, { image: 'b.png' }] as ManifestItem[],
      load: async (_: number, step: number) => {
        if (!notes.includes(`loaded ${step}`)) notes.push(`loaded ${step}`);
        return crop;
      },
    },
    sampler: { items: () => [0, 1] },
    meter: { update: () => {}, note: () => {} },
    saveEvery: 100,
    stop: () => false,
  };
  const result = trainLoop(fakes as unknown as LoopOptions);
  return { result, ends };
}

test('a loss is read when the next step is queued; two batches are loaded ahead', async () => {
  const notes: string[] = [];
  const { result, ends } = start(notes);
  const happened = async (): Promise<string[]> => {
    await settled();
    return notes.splice(0);
  };
  assert.equal(await happened(), ['loaded 0', 'loaded 1', 'queued 0', 'loaded 2', 'queued 1']);
  ends[0](10);
  assert.equal(await happened(), ['loss of 0: 10', 'loaded 3', 'queued 2']);
  ends[2](12);
  assert.equal(await happened(), [], 'in order');
  ends[1](11);
  assert.equal((await happened()).slice(0, 3), ['loss of 1: 11', 'loaded 4', 'queued 3']);
  for (const step of [3, 4, 5]) {
    ends[step]?.(10 + step);
    await settled();
  }
  const { steps, last } = await result;
  assert.is(steps, 6);
  assert.is(last?.total, 15);
  assert.equal(notes.slice(-2), ['loss of 5: 15', 'saved']);
});

test('a loss that is not finite ends the run, with the step and the images that it came from', async () => {
  const notes: string[] = [];
  const { result, ends } = start(notes);
  await settled();
  ends[0](Number.NaN);
  const message = await result.catch((error: Error) => error.message);
  assert.match(String(message), /^Step 1: the loss is NaN.*a\.png, b\.png/);
  assert.not(notes.includes('saved'));
});

test('so does a weight that is not finite, in the step that made it, though the loss be finite', async () => {
  const notes: string[] = [];
  const { result, ends } = start(notes);
  await settled();
  ends[0](1);
  await settled();
  ends[1](1, 'block2.bn1.weight');
  const message = await result.catch((error: Error) => error.message);
  assert.match(
    String(message),
    /^Step 2: block2\.bn1\.weight or its gradient is not finite; the loss is 1/,
  );
  assert.not(notes.includes('saved'));
});
