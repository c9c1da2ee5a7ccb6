import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint, readSafetensors } from '../../node/files/checkpoint.ts';
import type { HostTensor } from '../../src/model/llsm/checkpoint.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { llsm } from '../support/command.ts';
import { maxError, median, normErrors } from '../support/errors-of.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { skip, test } from '../support/run.ts';

const golden = fileURLToPath(new URL('../../../test/golden', import.meta.url));
const folder = temporaryFolder();
const out = join(folder, 'out.safetensors');
const saved = join(folder, 'saved.safetensors');

const tensorsOf = (path: string) => readSafetensors(path).tensors;
const files = (name: string) => ({
  weights: join(golden, name, 'weights.safetensors'),
  input: join(golden, name, 'input.safetensors'),
});

/** `llsm run` on a golden case, or on another input for its network. */
function run(name: string, options: string[], input = files(name).input) {
  const { weights } = files(name);
  return llsm(['run', '--weights', weights, '--input', input, '--out', out, ...options]);
}

type Tensors = Map<string, HostTensor>;

function compareNames(ours: Tensors, theirs: Tensors) {
  assert.equal([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [name, { shape }] of theirs) assert.equal(ours.get(name)?.shape, shape, name);
}

function within(error: number, tolerance: number, what: string) {
  assert.ok(error <= tolerance, `${what}: ${error.toExponential(1)} of ${tolerance} allowed`);
}

function compareOutputs(ours: Tensors, theirs: Tensors, tolerance: number) {
  for (const [name, { data }] of theirs) {
    if (/^(grad\.|loss)/.test(name)) continue;
    within(maxError(ours.get(name)?.data as Float32Array, data), tolerance, name);
  }
  const [loss, wanted] = [ours, theirs].map((tensors) => tensors.get('loss')?.data) as [
    Float32Array,
    Float32Array,
  ];
  wanted.forEach((value, k) => {
    within(Math.abs(loss[k] - value) / (Math.abs(value) || 1), 1e-4, `loss[${k}]`);
  });
}

function compareGradients(ours: Tensors, theirs: Tensors) {
  const pairs = [...theirs]
    .filter(([name]) => name.startsWith('grad.'))
    .map(([name, { data }]): [Float32Array, Float32Array] => [
      ours.get(name)?.data as Float32Array,
      data,
    ]);
  assert.ok(pairs.length > 100);
  const errors = normErrors(pairs);
  within(median(errors), 1e-3, 'gradients, median');
  within(errors[errors.length - 1], 5e-2, 'gradients, worst');
}

for (const name of readdirSync(golden).filter((entry) => existsSync(files(entry).weights))) {
  test(`${name}: eval mode agrees with PyTorch`, () => {
    const theirs = tensorsOf(join(golden, name, 'eval.safetensors'));
    const taps = [...theirs.keys()].filter((key) => key.startsWith('tap.'));
    const grad = [...theirs.keys()].some((key) => key.startsWith('grad.'));
    const options = ['--mode', 'eval', ...(grad ? ['--grad'] : [])];
    if (taps.length) options.push('--taps', taps.map((tap) => tap.slice('tap.'.length)).join());
    const { status, stderr } = run(name, options);
    assert.is(status, 0, stderr);
    assert.match(stderr, /^Adapter: /m);
    const ours = tensorsOf(out);
    compareNames(ours, theirs);
    compareOutputs(ours, theirs, 2e-4);
    if (grad) compareGradients(ours, theirs);
  });

  test(`${name}: train mode, gradients and Adam steps agree with PyTorch`, () => {
    const theirs = tensorsOf(join(golden, name, 'train.safetensors'));
    const steps = theirs.get('losses')?.shape[0] as number;
    const options = ['--grad', '--train-steps', String(steps), '--save', saved, '--json'];
    const { status, stdout, stderr } = run(name, options);
    assert.is(status, 0, stderr);
    const ours = tensorsOf(out);
    compareNames(ours, theirs);
    compareOutputs(ours, theirs, 2e-3);
    compareGradients(ours, theirs);
    const [losses, wanted] = [ours, theirs].map((tensors) => tensors.get('losses')?.data) as [
      Float32Array,
      Float32Array,
    ];
    for (let k = 0; k < 5; k++) {
      const [a, b] = [losses, wanted].map((rows) => rows.slice(4 * k, 4 * k + 4));
      within(maxError(a, b), 1e-2, `losses[${k}]`);
    }
    assert.ok(losses[4 * (steps - 1)] < losses[0], 'the loss falls');

    const result = JSON.parse(stdout);
    assert.is(result.mode, 'train');
    assert.is(result.loss.total, ours.get('loss')?.data[0]);
    assert.is(result.losses.length, steps);
    assert.is(result.saved, saved);
    const [before, after] = [files(name).weights, saved].map((path) => readCheckpoint(path));
    assert.equal(after.config, before.config);
    for (const weight of ['encoder.conv1.weight', 'head.fc.weight', 'encoder.bn4.running_mean']) {
      const moved = maxError(
        after.tensors.get(weight)?.data as Float32Array,
        before.tensors.get(weight)?.data as Float32Array,
      );
      assert.ok(moved > 1e-6, `${weight} has moved`);
    }
  });
}

test('feature maps in 16 bits agree with PyTorch as far as 11 bits can', () => {
  const theirs = tensorsOf(join(golden, 'mlp', 'eval.safetensors'));
  const { status, stderr } = run('mlp', ['--precision', 'f16']);
  if (/no 16-bit floats/.test(stderr)) skip('this adapter has no shader-f16');
  assert.is(status, 0, stderr);
  const ours = tensorsOf(out);
  // Some 60 maps lie behind each other, each with an error of its own of up to 2^-10.
  const tolerance = Math.sqrt(60) * 2 ** -10;
  for (const name of ['logit', 'mask', 'similarity']) {
    const [data, wanted] = [ours, theirs].map((of) => of.get(name)?.data as Float32Array);
    // A random network's logits are terms of order 1 that cancel, to 0.2 here: the terms are the scale.
    const cancelled = name === 'logit' ? Math.min(1, Math.max(...wanted.map(Math.abs))) : 1;
    within(maxError(data, wanted) * cancelled, tolerance, name);
  }
});

test('the mode and the steps leave nothing behind: equal calls, equal bytes', () => {
  const options = ['--mode', 'train', '--taps', 'e1,block7'];
  assert.is(run('baseline', options).status, 0);
  const first = tensorsOf(out);
  assert.is(run('baseline', [...options, '--train-steps', '2', '--lr', '0.5']).status, 0);
  const second = tensorsOf(out);
  assert.ok(second.delete('losses'));
  assert.equal(second, first);
});

const bad = join(folder, 'bad.safetensors');

function writeInput(tensors: Record<string, HostTensor>) {
  writeFileSync(bad, Buffer.concat(serialiseSafetensors(new Map(Object.entries(tensors)))));
}

test('bad input exits with 1, in one line that names file and tensor, and writes nothing', () => {
  writeFileSync(out, 'before');
  writeInput({ image: { shape: [1, 64, 64, 3], data: new Float32Array(64 * 64 * 3) } });
  const { status, stdout, stderr } = run('mlp', [], bad);
  assert.equal([status, stdout], [1, '']);
  assert.match(
    stderr,
    /^llsm: .*bad\.safetensors: image is \[1, 64, 64, 3\], this network takes \[B, 80, 80, 3\]\n$/,
  );
  writeFileSync(bad, 'no tensors');
  const other = run('mlp', [], bad);
  assert.is(other.status, 1);
  assert.match(other.stderr, /^llsm: .*bad\.safetensors: not a safetensors file[^\n]*\n$/);
  assert.is(readFileSync(out, 'utf8'), 'before');
});

test('an unknown tensor is named, and the rest is used', () => {
  const { image, label } = Object.fromEntries(tensorsOf(files('baseline').input));
  writeInput({ image, labels: label });
  const { status, stderr } = run('baseline', [], bad);
  assert.is(status, 0, stderr);
  assert.match(stderr, /the tensor labels is not used; did you mean label\?/);
  assert.equal([...tensorsOf(out).keys()], ['logit']);
});

test('gradients and steps need labels; taps must exist', () => {
  writeInput({ image: tensorsOf(files('mlp').input).get('image') as HostTensor });
  for (const options of [['--grad'], ['--train-steps', '1']]) {
    const { status, stderr } = run('mlp', options, bad);
    assert.is(status, 1);
    assert.match(stderr, /bad\.safetensors: --(grad|train-steps) needs the tensor label/);
  }
  const { status, stderr } = run('baseline', ['--taps', 'e1,block13']);
  assert.is(status, 1);
  assert.match(stderr, /No tap named block13; this network has e1, .*block12/);
});

test('called wrongly it exits with 2', () => {
  const { weights } = files('mlp');
  const wrong: [RegExp, string[]][] = [
    [/--train-steps are done in train mode/, ['--train-steps', '2', '--mode', 'eval']],
    [/--lr is the rate of --train-steps/, ['--lr', '0.1']],
    [/--save writes the weights after --train-steps/, ['--save', saved]],
    [/whole number from 1/, ['--train-steps', '0']],
    [/number above 0/, ['--train-steps', '1', '--lr', '-1']],
    [/--precision f16 is for eval mode without gradients/, ['--precision', 'f16', '--grad']],
    [/Allowed choices are f32, f16/, ['--precision', 'f8']],
    [/Allowed choices are train, eval/, ['--mode', 'test']],
    [/names with commas/, ['--taps', 'e1,,e2']],
    [/name the same file/, ['--train-steps', '1', '--save', out]],
    [/--out .* is also read/, ['--out', weights]],
  ];
  for (const [pattern, options] of wrong) {
    const { status, stdout, stderr } = run('mlp', options);
    assert.equal([status, stdout], [2, ''], stderr);
    assert.match(stderr, pattern);
  }
});

test('--cam writes Grad-CAM at a feature map, and runs in eval mode only', () => {
  const { status, stderr } = run('mlp', ['--cam', 'd3']);
  assert.is(status, 0, stderr);
  const theirs = tensorsOf(join(golden, 'mlp', 'cam.safetensors')).get('cam.d3') as HostTensor;
  const ours = tensorsOf(out).get('cam.d3');
  assert.equal(ours?.shape, theirs.shape);
  within(maxError(ours?.data as Float32Array, theirs.data), 1e-3, 'cam.d3');
  for (const options of [['--mode', 'train'], ['--grad'], ['--train-steps', '1']]) {
    const refused = run('mlp', ['--cam', 'd3', ...options]);
    assert.is(refused.status, 2, options.join(' '));
    assert.match(refused.stderr, /--cam.*eval/s);
  }
  const beside = run('mlp', ['--cam', 'd3', '--grad', '--mode', 'eval']);
  assert.is(beside.status, 0, beside.stderr);
  within(maxError(tensorsOf(out).get('cam.d3')?.data as Float32Array, theirs.data), 1e-3, 'cam.d3');
  const gradients = tensorsOf(join(golden, 'mlp', 'eval.safetensors'));
  compareGradients(tensorsOf(out), gradients);
});
