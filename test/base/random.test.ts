import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { test } from '../support/run.ts';

const bitsOf = (random: Random, n: number): number[] =>
  Array.from({ length: n }, () => random.bits());

/** Pearson's statistic of counts that should all be alike. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b) / counts.length;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

/** Mean plus five standard deviations of chi-square: passed but for one sequence in 10^6. */
const most = (bins: number): number => bins - 1 + 5 * Math.sqrt(2 * (bins - 1));

test('a stream is a pure function of seed, purpose, step and item', () => {
  const first = bitsOf(new Random(3, 'crop', 5, 7), 100);
  assert.equal(bitsOf(new Random(3, 'crop', 5, 7), 100), first);
  const other = new Random(3, 'crop', 5, 8);
  const again = new Random(3, 'crop', 5, 7);
  const mixed = first.map(() => {
    other.bits();
    return again.bits();
  });
  assert.equal(mixed, first, 'another stream between the draws changes nothing');
});

test('the same numbers on every machine and in every version', () => {
  assert.equal(bitsOf(new Random(1, 'test'), 3), [794011852, 635968822, 582369110]);
});

test('streams that differ in one thing share no value', () => {
  const streams = [new Random(0, 'a')];
  for (let i = 1; i < 20; i++) {
    streams.push(new Random(i, 'a'), new Random(0, `a${i}`));
    streams.push(new Random(0, 'a', i), new Random(0, 'a', 0, i), new Random(0, 'a', i, i));
  }
  const seen = new Set<number>();
  for (const stream of streams) for (const bits of bitsOf(stream, 100)) seen.add(bits);
  // Of 9,600 draws from 2^32, 0.01 are expected to meet.
  assert.ok(
    seen.size >= streams.length * 100 - 1,
    `${seen.size} of ${streams.length * 100} differ`,
  );
});

test('the first draws over neighbouring steps and items are uniform and uncorrelated', () => {
  const grid = Array.from({ length: 200 }, (_, step) =>
    Array.from({ length: 200 }, (_, item) => new Random(9, 'flip', step, item).next()),
  );
  const counts = new Array(100).fill(0);
  let alongSteps = 0;
  let alongItems = 0;
  for (let step = 0; step < 200; step++) {
    for (let item = 0; item < 200; item++) {
      const value = grid[step][item];
      counts[Math.floor(value * 100)]++;
      if (step) alongSteps += (value - 0.5) * (grid[step - 1][item] - 0.5) * 12;
      if (item) alongItems += (value - 0.5) * (grid[step][item - 1] - 0.5) * 12;
    }
  }
  assert.ok(chiSquare(counts) < most(100), `chi-square ${chiSquare(counts)}`);
  for (const sum of [alongSteps, alongItems]) {
    assert.ok(Math.abs(sum / 39_800) < 5 / Math.sqrt(39_800), `correlation ${sum / 39_800}`);
  }
});

test('every bit of a stream is as often 1 as 0, and pairs of draws are uniform', () => {
  const random = new Random(2, 'bits');
  const draws = bitsOf(random, 40_000);
  for (let bit = 0; bit < 32; bit++) {
    const ones = draws.reduce((n, value) => n + ((value >>> bit) & 1), 0);
    assert.ok(Math.abs(ones - 20_000) < 500, `bit ${bit}: ${ones} ones of 40000`);
  }
  const pairs = new Array(256).fill(0);
  for (let i = 0; i + 1 < draws.length; i += 2)
    pairs[(draws[i] >>> 28) * 16 + (draws[i + 1] >>> 28)]++;
  assert.ok(chiSquare(pairs) < most(256), `chi-square ${chiSquare(pairs)}`);
});

test('next, uniform, int and chance keep to their ranges', () => {
  const random = new Random(4, 'ranges');
  const dice = new Array(6).fill(0);
  let chances = 0;
  for (let i = 0; i < 12_000; i++) {
    const value = random.next();
    assert.ok(value >= 0 && value < 1);
    const between = random.uniform(-3, 5);
    assert.ok(between >= -3 && between < 5);
    dice[random.int(6)]++;
    chances += Number(random.chance(0.25));
  }
  assert.is(dice.length, 6);
  assert.ok(chiSquare(dice) < most(6));
  assert.ok(Math.abs(chances - 3000) < 5 * Math.sqrt(12_000 * 0.25 * 0.75));
  assert.is(new Random(0, 'never').chance(0), false);
  assert.is(new Random(0, 'always').chance(1), true);
});

test('normal has mean 0, variance 1 and the tails of a normal', () => {
  const random = new Random(5, 'normal');
  const n = 40_000;
  let [sum, squares, beyond] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const value = random.normal();
    assert.ok(Number.isFinite(value));
    sum += value;
    squares += value * value;
    beyond += Number(Math.abs(value) > 2);
  }
  assert.ok(Math.abs(sum / n) < 5 / Math.sqrt(n));
  assert.ok(Math.abs(squares / n - 1) < 5 * Math.sqrt(2 / n));
  assert.ok(Math.abs(beyond / n - 0.0455) < 5 * Math.sqrt(0.0455 / n));
});

test('shuffle gives every order as often, and keeps every item', () => {
  const random = new Random(6, 'shuffle');
  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.is(orders.size, 6);
  assert.ok(chiSquare([...orders.values()]) < most(6));
  const many = random.shuffle(Array.from({ length: 100 }, (_, i) => i));
  assert.equal(
    [...many].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('pick reaches every item', () => {
  const random = new Random(7, 'pick');
  const seen = new Set(Array.from({ length: 200 }, () => random.pick([1, 2, 3])));
  assert.equal([...seen].sort(), [1, 2, 3]);
});
