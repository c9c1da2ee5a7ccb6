import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint, readSafetensors, writeCheckpoint } from '../../node/files/checkpoint.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { HostTensor } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { llsm } from '../support/command.ts';
import { maxError } from '../support/errors-of.ts';
import { session } from '../support/onnx.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const golden = fileURLToPath(new URL('../../../test/golden/mlp', import.meta.url));
const folder = temporaryFolder();
const weights = join(golden, 'weights.safetensors');
const out = join(folder, 'F.onnx');

const exported = (...options: string[]) => llsm(['export', weights, '--onnx', out, ...options]);

test("the written file gives PyTorch's outputs in onnxruntime", async () => {
  const { status, stdout, stderr } = exported();
  assert.equal([status, stderr], [0, '']);
  assert.match(
    stdout,
    /F\.onnx: image \[B, 80, 80, 3\] to logit \[B\], mask \[B, 80, 80, 1\], similarity \[B, 25, 25\] \(0\.\d MB\)\n$/,
  );
  const run = await session(readFileSync(out));
  const image = readSafetensors(join(golden, 'input.safetensors')).tensors.get('image');
  const found = await run({ image: image as HostTensor });
  const wanted = readSafetensors(join(golden, 'eval.safetensors')).tensors;
  assert.is(found.size, 3);
  for (const [name, { data }] of found) {
    const error = maxError(data, wanted.get(name)?.data as Float32Array);
    assert.ok(error <= 1e-4, `${name}: ${error}`);
  }
});

test('--size takes another side, and leaves a threshold of the old one out', () => {
  const { status, stdout, stderr } = exported('--size', '64', '--json');
  assert.equal([status, stderr], [0, '']);
  const bytes = readFileSync(out);
  assert.equal(JSON.parse(stdout), {
    out,
    inputs: { image: ['B', 64, 64, 3] },
    outputs: { logit: ['B'], mask: ['B', 64, 64, 1], similarity: ['B', 16, 16] },
    bytes: bytes.length,
  });
  const threshold = { value: 0.5, rule: 'eer', fpr: 0.1, data: 'faces', n: 9 };
  const calibrated = join(folder, 'calibrated.safetensors');
  writeCheckpoint(calibrated, { ...readCheckpoint(weights), threshold });
  const same = llsm(['export', calibrated, '--onnx', out, '--size', '80']);
  assert.equal([same.status, same.stderr], [0, '']);
  assert.match(readFileSync(out, 'latin1'), /llsm\.threshold/);
  const other = llsm(['export', calibrated, '--onnx', out, '--size', '96']);
  assert.is(other.status, 0);
  assert.is(other.stderr, 'llsm: the threshold is left out: it was chosen at 80 px\n');
  assert.not.match(readFileSync(out, 'latin1'), /llsm\.threshold/);
  assert.match(readFileSync(out, 'latin1'), /"size":96/);
});

test('a map of pairs that would be too large is left out, and this is said', () => {
  const path = join(folder, 'wide.safetensors');
  const config = parseConfig({ width: 0.05, size: 140, llsm: { tap: 'e1' } }, 'test');
  writeCheckpoint(path, initParams(config, 1));
  const { status, stdout, stderr } = llsm(['export', path, '--onnx', out]);
  assert.is(status, 0);
  assert.match(stderr, /^llsm: similarity is left out: 140 px give it 4489 x 4489 values.*\n$/);
  assert.not.match(stdout, /similarity/);
});

test('what fails exits with 1, in one line that names the file, and writes nothing', () => {
  const text = join(folder, 'text.safetensors');
  writeFileSync(text, 'no tensors at all');
  const before = readdirSync(folder);
  const failing: [RegExp, string, string][] = [
    [/none\.safetensors cannot be read/, join(folder, 'none.safetensors'), 'new.onnx'],
    [/text\.safetensors: not a safetensors file/, text, 'new.onnx'],
    [/input\.safetensors has no llsm\.config/, join(golden, 'input.safetensors'), 'new.onnx'],
    [/none.new\.onnx cannot be written/, weights, join('none', 'new.onnx')],
  ];
  for (const [pattern, file, to] of failing) {
    const { status, stdout, stderr } = llsm(['export', file, '--onnx', join(folder, to)]);
    assert.equal([status, stdout], [1, ''], stderr);
    assert.match(stderr, /^llsm: [^\n]*\n$/);
    assert.match(stderr, pattern);
  }
  assert.equal(readdirSync(folder), before);
});

test('called wrongly it exits with 2', () => {
  const fresh = join(folder, 'fresh.onnx');
  const wrong: [RegExp, string[]][] = [
    [/missing required argument 'weights'/, ['--onnx', fresh]],
    [/Say --onnx or --f16/, [weights]],
    [/whole number from 64 to 896/, [weights, '--onnx', fresh, '--size', '63']],
    [/whole number from 64 to 896/, [weights, '--onnx', fresh, '--size', '897']],
    [/--onnx .* is also read/, [weights, '--onnx', weights]],
  ];
  for (const [pattern, options] of wrong) {
    const { status, stdout, stderr } = llsm(['export', ...options]);
    assert.equal([status, stdout], [2, ''], stderr);
    assert.match(stderr, pattern);
  }
  assert.not.ok(existsSync(fresh));
});

test('--f16 writes the same checkpoint in half the bytes, threshold and all', () => {
  const threshold = { value: 0.5, rule: 'eer', fpr: 0.1, data: 'faces', n: 9 };
  const [full, half] = ['full', 'half'].map((name) => join(folder, `${name}.safetensors`));
  writeCheckpoint(full, { ...readCheckpoint(weights), threshold });
  const { status, stdout } = llsm(['export', full, '--f16', half]);
  assert.is(status, 0);
  assert.match(stdout, /half\.safetensors: weights in 16 bits \(0\.\d MB\)\n$/);
  const [before, after] = [full, half].map((path) => readCheckpoint(path));
  assert.equal(after.threshold, threshold);
  assert.equal(after.config, before.config);
  assert.ok(readFileSync(half).length < 0.6 * readFileSync(full).length);
  for (const [name, { data }] of before.tensors) {
    const halved = after.tensors.get(name)?.data as Float32Array;
    for (let i = 0; i < data.length; i++) {
      assert.ok(Math.abs(data[i] - halved[i]) <= 2 ** -11 * Math.abs(data[i]) + 2 ** -25, name);
    }
  }
  assert.is(llsm(['export', full]).status, 2);
  assert.is(llsm(['export', full, '--f16', full]).status, 2);
});
