import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/model/config.ts';
import { Sampler } from '../../src/train/sampler.ts';
import { learningRate, totalSteps } from '../../src/train/schedule.ts';
import { test } from '../support/run.ts';

const labels = Array.from({ length: 30 }, (_, i) => Number(i >= 20) as 0 | 1);

test('balanced batches hold as many real as forged, and go through each class in turn', () => {
  const sampler = new Sampler(labels, { batch: 4, seed: 1, balance: true });
  const seen = new Map<number, number>();
  for (let step = 0; step < 10; step++) {
    const items = sampler.items(step);
    assert.is(items.filter((i) => labels[i] === 1).length, 2);
    for (const i of items) seen.set(i, (seen.get(i) ?? 0) + 1);
  }
  // 10 steps show 20 of each class: every real once, every forged twice.
  for (let i = 0; i < 30; i++) assert.is(seen.get(i), i < 20 ? 1 : 2);
});

test('a step depends on the seed and its number alone', () => {
  const options = { batch: 6, seed: 5, balance: true };
  const inOrder = new Sampler(labels, options);
  const steps = [0, 1, 2, 3, 4, 5, 6, 7].map((step) => inOrder.items(step));
  const jumping = new Sampler(labels, options);
  for (const step of [7, 0, 3]) assert.equal(jumping.items(step), steps[step]);
  const other = new Sampler(labels, { ...options, seed: 6 });
  assert.not.equal(other.items(0), steps[0]);
});

test('without balance all items are one pool', () => {
  const sampler = new Sampler([0, 0, 0], { batch: 3, seed: 0, balance: false });
  assert.equal([...sampler.items(4)].sort(), [0, 1, 2]);
});

test('a missing class or an odd batch is refused', () => {
  assert.throws(
    () => new Sampler([0, 0], { batch: 2, seed: 0, balance: true }),
    /no forged faces.*llsm forge/,
  );
  assert.throws(() => new Sampler(labels, { batch: 3, seed: 0, balance: true }), /even/);
  assert.throws(() => new Sampler([], { batch: 3, seed: 0, balance: false }), /no items/);
});

test('the learning rate warms up linearly and falls along half a cosine to a tenth', () => {
  const train = { lr: 1, warmup: 4, schedule: 'cosine' as const, iterations: 10, epochs: 3 };
  const config = parseConfig({ train }, 'test');
  assert.is(totalSteps(config), 30);
  assert.equal(
    [0, 1, 2, 3].map((step) => learningRate(config, step)),
    [0.25, 0.5, 0.75, 1],
  );
  assert.is(learningRate(config, 4), 1);
  assert.ok(Math.abs(learningRate(config, 29) - 0.1) < 1e-12);
  for (let step = 5; step < 30; step++) {
    assert.ok(learningRate(config, step) < learningRate(config, step - 1));
  }
  const constant = parseConfig({ train: { lr: 0.5 } }, 'test');
  assert.is(learningRate(constant, 0), 0.5);
  assert.is(learningRate(constant, 999), 0.5);
});
