import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/run.ts';

const test = suite('pack');
const work = mkdtempSync(join(tmpdir(), 'llsm-pack-test-'));
const bundle = join(work, 'bundle');

const pack = (...args: string[]) =>
  spawnSync(process.execPath, [resolve('scripts', 'pack.js'), ...args], { encoding: 'utf8' });

/** The bundle on a machine that has a shell and little else: no Node, no npm. */
function runThere(parts: readonly string[], env: Record<string, string> = {}) {
  const tools = join(work, 'tools');
  if (!existsSync(tools)) {
    mkdirSync(tools);
    for (const tool of ['sh', 'ls', 'mkdir', 'dirname', 'cat', 'tail', 'rm', 'grep']) {
      const place = ['/usr/bin', '/bin'].map((folder) => join(folder, tool)).find(existsSync);
      symlinkSync(place as string, join(tools, tool));
    }
  }
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  return spawnSync('sh', [join(bundle, 'run.sh'), ...parts], {
    cwd: work,
    encoding: 'utf8',
    env: {
      ...(VK_DRIVER_FILES && { VK_DRIVER_FILES }),
      ...(VK_ICD_FILENAMES && { VK_ICD_FILENAMES }),
      PATH: tools,
      OUT: join(work, 'out'),
      ...env,
    },
  });
}

/** A row of the report. */
interface Measured {
  name: string;
  measured: number;
  missed: boolean;
}

const result = (name: string): string => readFileSync(join(work, 'out', name), 'utf8');

test.before(() => {
  if (process.platform !== 'linux') return;
  const { status, stderr } = pack('--folder', bundle);
  assert.is(status, 0, stderr);
});
test.after(() => rmSync(work, { recursive: true, force: true }));

if (process.platform !== 'linux') {
  test.skip('the bundle runs without Node', 'it is made on Linux, for Linux');
} else {
  test('the bundle names the adapter, tests and measures where there is no Node', () => {
    const env = { TESTS: 'kernels/fill kernels/column_sums', ONLY: 'noop', QUICK: '1' };
    const { status, stdout } = runThere(['adapter', 'tests', 'bench'], env);
    assert.is(status, 0, stdout);
    assert.match(stdout, /All done/);
    assert.ok(JSON.parse(result('adapter.json')).name.length > 0);
    assert.match(result('tests.txt'), /ok {3}test\/kernels\/column_sums\.test\.ts/);
    assert.match(result('tests.txt'), /\n[1-9]\d* passed, 0 failed\n$/);
    assert.is(JSON.parse(result('bench.json')).rows.length, 2);
  });

  test('what was measured is set beside what was predicted', () => {
    const config = join(work, 'config.json');
    writeFileSync(config, '{"width": 0.05, "size": 64, "llsm": false, "flm": false}');
    const env = { CONFIG: config, BATCH: '2', ONLY: '^product 8x48x80', QUICK: '1' };
    const { status, stdout } = runThere(['profile', 'tune', 'again', 'report'], env);
    assert.is(status, 0, stdout);
    const text = result('report.md');
    assert.match(text, /\n\*\*This profile is of something else\*\*/);
    assert.match(text, /\n\| products forward and dX \| 15 to 22 \| [\d.]+ \| {2}\|/);
    assert.match(text, /\n### step, width 0.05, 64 px, b2, f32\n/);
    assert.match(text, /\n## Forms of the products\n\n.*\n.*\n\| product 8x48x80 \|/);
    assert.ok(existsSync(join(work, 'out', 'tuned.json')));
    const { profiles, predicted } = JSON.parse(result('report.json'));
    assert.equal(Object.keys(profiles), ['main', 'small', 'again']);
    const kernels = predicted.slice(4).reduce((sum: number, it: Measured) => sum + it.measured, 0);
    assert.ok(Math.abs(kernels / profiles.main.sumMilliseconds - 1) < 1e-6, 'each kernel once');
  });

  test('of the network and a GPU that were predicted, what is missed by more than twice is said', () => {
    const out = join(work, 'gpu');
    mkdirSync(out);
    const kernel = (name: string, milliseconds: number) => ({
      ...{ kernel: name, dispatches: 1, milliseconds, share: 0.5, gbs: 1 },
    });
    const profile = {
      ...{ of: 'step', width: 1, size: 224, batch: 32, precision: 'f32', flops: 1e12, noop: 0.002 },
      ...{ milliseconds: 49, encodeMilliseconds: 30, sumMilliseconds: 48 },
      ...{ buildMilliseconds: 1, firstMilliseconds: 1, dispatches: [] },
      machine: { adapter: 'NVIDIA H100', software: false, toggles: [] },
      kernels: [kernel('conv_tile', 43), kernel('filter_tile', 23), kernel('fill', 0.9)],
    };
    writeFileSync(join(out, 'profile.json'), JSON.stringify(profile));
    const script = resolve('scripts', 'pack', 'report.js');
    assert.is(spawnSync(process.execPath, [script, out]).status, 0);
    const { applies, predicted } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    assert.is(applies, true);
    const missed = new Map(predicted.map((it: Measured) => [it.name, it.missed]));
    assert.is(missed.get('the step'), false);
    assert.is(missed.get('products forward and dX'), false, '43 is not twice 22');
    assert.is(missed.get('products dW'), true, '23 is more than twice 11');
    assert.is(missed.get('of it, queued by this process'), true);
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), /products dW .* missed: understand/);
    assert.is(spawnSync(process.execPath, [script, join(work, 'nowhere')]).status, 2);
  });

  test('a part that fails is told at the end, and does not keep the others from running', () => {
    const { status, stdout } = runThere(['tests', 'adapter'], { TESTS: 'nowhere' });
    assert.is(status, 1);
    assert.match(stdout, /No test file has a path with/);
    assert.match(stdout, /\nFailed: tests\n$/);
    assert.match(stdout, /== adapter\n {3}done/);
  });

  test('wrong calls', () => {
    const { status, stderr } = runThere(['everything']);
    assert.is(status, 2);
    assert.match(stderr, /no part is called everything/);
    assert.is(pack('--out', 'bundle.zip').status, 2);
    assert.is(pack('--outt', 'bundle.tar.xz').status, 2);
    assert.match(pack('--folder', bundle).stderr, /is there already/);
  });

  test('a loader that is none is refused', () => {
    const wrong = join(work, 'libother.so.1');
    writeFileSync(wrong, 'no library');
    const refused = pack('--folder', join(work, 'other'), '--loader', wrong);
    assert.is(refused.status, 1);
    assert.match(refused.stderr, /hold no libvulkan\.so/);
    const missing = pack('--folder', join(work, 'another'), '--loader', join(work, 'missing.deb'));
    assert.match(missing.stderr, /there is no such file/);
    assert.not(existsSync(join(work, 'other')) || existsSync(join(work, 'another')));
  });
}
