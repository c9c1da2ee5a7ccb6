import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { bestOf } from '../../bench/tune.ts';
import { test } from '../support/run.ts';

// From dist/test/bench/tune.test.js.
const launcher = fileURLToPath(new URL('../../../bench/llsm.js', import.meta.url));

function bench(cache: string, ...args: string[]) {
  const env = { ...process.env, LLSM_CACHE: cache };
  return spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8', env });
}

test('--tune measures the forms of a shape and keeps the best; commands say when it is stale', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-tune-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, '{"width": 0.05, "size": 64, "llsm": false, "flm": false}');
  const tune = ['--tune', '--quick', '--config', config, '--batch', '2'];
  const { status, stdout, stderr } = bench(folder, ...tune, '--json', '--only', '^product 8x48x80');
  assert.is(status, 0, stderr);
  const { file, rows } = JSON.parse(stdout);
  assert.is(file, join(folder, 'tuned.json'));
  assert.is(rows.length, 1);
  const [{ key, best, forms }] = rows;
  assert.ok(forms.length > 1);
  assert.is(forms[0].gain, 1);
  for (const { milliseconds } of forms) assert.ok(milliseconds > 0);
  const cache = JSON.parse(readFileSync(file, 'utf8'));
  const entry = Object.values(cache.adapters)[0] as Record<string, unknown>;
  assert.equal(entry.forms, { [key]: best });

  const noop = ['--quick', '--only', 'noop, a dispatch'];
  assert.not.match(bench(folder, ...noop).stderr, /tuned/);
  writeFileSync(file, JSON.stringify(cache).replace(String(entry.kernels), '00000000'));
  assert.match(bench(folder, ...noop).stderr, /tuned\.json: measured on .*changed since/);

  const none = bench(folder, ...tune, '--only', 'nothing');
  assert.is(none.status, 2);
  assert.match(none.stderr, /no shape matches/);
  assert.is(bench(folder, '--config', config).status, 2);
  rmSync(folder, { recursive: true });
});

test('a form is taken that gains in the median and in every round', () => {
  const form = (name: string, gain: number, leastGain: number) => ({
    ...{ name, gain, leastGain, milliseconds: 1 },
  });
  const shipped = form('shipped', 1, 1);
  assert.is(bestOf([shipped]), 'shipped');
  assert.is(bestOf([shipped, form('a', 1.02, 1.01), form('b', 2, 0.9)]), 'shipped');
  assert.is(bestOf([shipped, form('a', 1.1, 1.01), form('b', 1.2, 1.01)]), 'b');
});
