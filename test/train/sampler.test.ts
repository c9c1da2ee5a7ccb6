import * as assert from 'uvu/assert';
import { type Config, parseConfig } from '../../src/config/config.ts';
import { Sampler } from '../../src/train/sampler.ts';
import { learningRate, totalSteps } from '../../src/train/schedule.ts';
import { test } from '../support/run.ts';

/** Ten people with two real pictures each, and one forgery of each but the last two. */
const items = [
  ...Array.from({ length: 20 }, (_, i) => ({ label: 0 as const, people: [`p${i % 10}`] })),
  ...Array.from({ length: 8 }, (_, i) => ({ label: 1 as const, people: [`p${i}`, 'donor'] })),
];

test('balanced batches pair real and forged faces of one person, and leave none out', () => {
  const sampler = new Sampler(items, { batch: 4, seed: 1, balance: true });
  const seen = new Set<number>();
  for (let step = 0; step < 20; step++) {
    const drawn = sampler.items(step);
    assert.is(drawn.length, 4);
    for (let i = 0; i < 4; i += 2) {
      const [real, forged] = [items[drawn[i]], items[drawn[i + 1]]];
      assert.equal([real.label, forged.label], [0, 1]);
      const alone = real.people[0] === 'p8' || real.people[0] === 'p9';
      assert.ok(alone || real.people[0] === forged.people[0]);
    }
    for (const i of drawn) seen.add(i);
  }
  // The odd steps go through all 20 real faces in 10 steps, the even ones through the forged.
  assert.is(seen.size, items.length);
});

test('a step depends on the seed and its number alone', () => {
  const options = { batch: 6, seed: 5, balance: true };
  const inOrder = new Sampler(items, options);
  const steps = [0, 1, 2, 3, 4, 5, 6, 7].map((step) => inOrder.items(step));
  const jumping = new Sampler(items, options);
  for (const step of [7, 0, 3]) assert.equal(jumping.items(step), steps[step]);
  const other = new Sampler(items, { ...options, seed: 6 });
  assert.not.equal(other.items(0), steps[0]);
});

test('without balance all items are one pool', () => {
  const sampler = new Sampler(items.slice(0, 3), { batch: 3, seed: 0, balance: false });
  assert.equal([...sampler.items(4)].sort(), [0, 1, 2]);
});

test('a missing class or an odd batch is refused', () => {
  assert.throws(
    () => new Sampler(items.slice(0, 2), { batch: 2, seed: 0, balance: true }),
    /no forged faces.*llsm forge/,
  );
  assert.throws(() => new Sampler(items, { batch: 3, seed: 0, balance: true }), /even/);
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

test('a stage takes the place of the rate before it, and `floor` is where the cosine ends', () => {
  const { train } = parseConfig(
    {
      train: {
        ...{ lr: 1, batch: 4, iterations: 10, epochs: 1, schedule: 'cosine', floor: 0.5 },
        stages: [{ from: 8, lr: 2 }],
      },
    },
    'test',
  );
  const at = (step: number) => learningRate({ train } as Config, step);
  assert.is(at(0), 1);
  const fixed = { train: { ...train, stages: [] } } as unknown as Config;
  assert.is(at(1), learningRate(fixed, 1));
  assert.is(at(2), 2 * learningRate(fixed, 2));
  assert.ok(Math.abs(at(9) - 1) < 1e-12);
});
