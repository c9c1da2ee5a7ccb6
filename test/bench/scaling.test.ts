import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { exponentOf, seriesText } from '../../bench/scaling.ts';
import { type ScalingResult, scalingPlot } from '../../bench/scaling-plot.ts';
import { test } from '../support/run.ts';

const points = (power: number, spread = 0) =>
  [1, 2, 4, 8].map((at, i) => ({
    at,
    flops: at * 1e9,
    milliseconds: 20 * at ** power * (1 + (i % 2 ? spread : -spread)),
    noop: 0.1,
  }));

test('the exponent is the slope of time over arithmetic, both logarithmic', () => {
  for (const power of [0, 0.5, 1, 2]) {
    assert.ok(Math.abs(exponentOf(points(power)) - power) < 1e-12, `power ${power}`);
  }
  // By hand, with l = log2 0.9 and h = log2 1.1: (-1.5 l - 0.5 h + 0.5 l + 1.5 h) / 5.
  const expected = 1 + 0.2 * Math.log2(1.1 / 0.9);
  assert.ok(Math.abs(exponentOf(points(1, 0.1)) - expected) < 1e-12);
});

const result = (power: number): ScalingResult => ({
  machine: {
    ...{
      version: '1',
      adapter: 'driver 7',
      device: 'card',
      software: false,
      subgroupSize: 0,
      subgroups: [32, 32] as [number, number],
    },
    ...{ toggles: [], node: '20', platform: 'linux', cpu: 'cpu', cpus: 2, load: 0, date: 'today' },
  },
  series: [
    { name: 'inference', along: 'batch', points: points(power), exponent: power },
    { name: 'pairs', along: 'positions', points: points(power), exponent: power },
  ],
});

test('a series says its exponent, whether that is the goal, and each point', () => {
  const [head, first] = seriesText(result(1).series[0]).split('\n');
  assert.is(head, 'inference, along batch: exponent 1.000 (goal 0.9 to 1.1: met)');
  assert.match(first, /1 +1.00 GFLOP +20.0 ms +50.0 GFLOP\/s +\(taken off: 0.100 ms\)/);
  assert.match(seriesText(result(1.2).series[0]), 'missed');
});

test('the figure has every series and its points', () => {
  const svg = scalingPlot(result(1));
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assert.match(svg, 'pairs: exponent 1.00');
  assert.match(svg, 'driver 7, today');
  assert.is(svg.match(/<circle/g)?.length, 8);
});

test('a plot that could not be written is an error before anything is measured', () => {
  const launcher = fileURLToPath(new URL('../../../bench/llsm.js', import.meta.url));
  const args = [launcher, '--scaling', '--plot', '/no/such/folder/plot.svg'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.is(status, 1);
  assert.match(stderr, 'there is no folder /no/such/folder');
});
