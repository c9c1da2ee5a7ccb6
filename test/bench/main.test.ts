import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Result } from '../../bench/main.ts';
import type { Profile } from '../../bench/profile.ts';
import { test } from '../support/run.ts';

// From dist/test/bench/main.test.js.
const launcher = fileURLToPath(new URL('../../../bench/llsm.js', import.meta.url));

function bench(...args: string[]) {
  return spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8' });
}

/** A command that prints JSON on standard output, and nothing else. */
function benchJson(...args: string[]): Result {
  const { status, stdout, stderr } = bench('--quick', '--json', ...args);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
}

test('--json names the machine and gives what --only asks for, beside the ceilings', () => {
  const { machine, rows, networks, ceilings, pipelines } = benchJson('--only', 'NOOP');
  assert.ok(machine.adapter.length > 0);
  assert.ok(machine.cpus > 0);
  assert.ok(!Number.isNaN(Date.parse(machine.date)));
  assert.equal(
    rows.map(({ name }) => name),
    ['noop, a dispatch in a submit', 'noop, 1000 dispatches in a submit'],
  );
  for (const { milliseconds, low, high } of rows) {
    assert.ok(low > 0 && low <= milliseconds && milliseconds <= high);
  }
  assert.ok(
    rows[1].milliseconds > rows[0].milliseconds,
    'a thousand dispatches take longer than one',
  );
  assert.equal(networks, []);
  for (const { gflops, gbs } of ceilings) assert.ok(gflops > 0 && gbs > 0);
  assert.is(pipelines, 3);
});

test('a part is timed alone, tuned and plain; --batch and --toggles are said', () => {
  const { machine, rows, ceilings } = benchJson(
    ...[
      '--only',
      '^conv 3x3.*dW',
      '--batch',
      '1',
      '--plain',
      '--toggles',
      'skip_validation,-dump_shaders',
    ],
  );
  assert.equal(machine.toggles.slice(-2), ['skip_validation', '-dump_shaders']);
  assert.is(rows.length, machine.subgroupSize === 4 || machine.subgroupSize === 8 ? 2 : 1);
  for (const { name, kernels, work, share, milliseconds } of rows) {
    assert.is(name, 'conv 3x3 32 to 64, 111x111, b1: dW');
    assert.ok(kernels.every((kernel) => kernel.startsWith('filter') || kernel === 'unpack'));
    // 109 * 109 output pixels, a 288 by 64 filter, a multiply and an add.
    assert.is(work?.flops, 2 * 109 * 109 * 288 * 64);
    const best = Math.max(...ceilings.map(({ gflops }) => gflops));
    const rate = (work as { flops: number }).flops / milliseconds / 1e6;
    assert.ok(share && share >= (rate / best) * 0.999, 'share of the ceiling beside it');
  }
  assert.equal(
    rows.map(({ plain }) => plain),
    rows.length === 2 ? [false, true] : [false],
  );
});

test('--profile says where the time of a step goes, kernel by kernel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-profile-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, '{"width": 0.05, "size": 64, "flm": false}');
  const { status, stdout, stderr } = bench('--quick', '--json', '--profile', '--config', config);
  rmSync(folder, { recursive: true });
  assert.is(status, 0, stderr);
  const it: Profile = JSON.parse(stdout);
  assert.is(it.of, 'step');
  assert.ok(it.kernels.length > 15, 'not the dearest alone');
  const count = it.kernels.reduce((sum, { dispatches }) => sum + dispatches, 0);
  assert.is(count, it.dispatches.length);
  const share = it.kernels.reduce((sum, kernel) => sum + kernel.share, 0);
  assert.ok(Math.abs(share - 1) < 1e-9);
  assert.ok(it.dispatches.every(({ milliseconds, bytes }) => milliseconds >= 0 && bytes > 0));
  assert.ok(it.kernels.some(({ gflops }) => gflops !== undefined && gflops > 0));
  assert.ok(Number.isFinite(it.losses?.total));
});

test('what matches no row, or is no pattern, is a wrong call', () => {
  const nothing = bench('--quick', '--only', 'nothing of that name');
  assert.is(nothing.status, 2);
  assert.match(nothing.stderr, /no row has a name that matches/);
  const broken = bench('--only', '(');
  assert.is(broken.status, 2);
  assert.match(broken.stderr, /regular expression/);
  for (const [args, words] of [
    [['--cold', '--only', 'gate'], /'--cold' cannot be used with option '--only/],
    [['--tune', '--scaling'], /'--scaling' cannot be used with option '--tune/],
    [['--plot', 'x.svg'], /--plot goes with --scaling/],
    [['--config', 'small'], /--config goes with --tune/],
    [['--precision', 'f16'], /--precision goes with --profile/],
    [['--profile', '--tune'], /cannot be used with option/],
    [['--profile', 'all'], /Allowed choices are step, inference/],
  ] as const) {
    const wrong = bench(...args);
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, words);
  }
});
