/** Imported encoders against what the source's own network gives (test/torch/make_imports.py). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { importEncoder, SOURCES, type SourceName } from '../../../../lab/convert/import/encoder.ts';
import { readWeights } from '../../../../lab/convert/import/import-node.ts';
import { openNodeGpu } from '../../../../node/gpu/open.ts';
import { LlsmError } from '../../../../src/base/errors.ts';
import { type Config, parseConfig, TAPS } from '../../../../src/config/config.ts';
import type { Checkpoint } from '../../../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../../../src/model/llsm/init.ts';
import { listParams } from '../../../../src/model/llsm/params.ts';
import { outputsOf } from '../../../../src/model/llsm/run.ts';
import { type HostTensor, parseSafetensors } from '../../../../src/model/safetensors.ts';
import { maxError } from '../../../support/errors-of.ts';
import { temporaryFolder } from '../../../support/pictures.ts';
import { skip, test } from '../../../support/run.ts';
import { golden, goldenTensors } from './support.ts';

const gpu = await openNodeGpu();
const config = parseConfig(JSON.parse(new TextDecoder().decode(golden('config.json'))), 'golden');
const input = goldenTensors('input.safetensors').get('image') as HostTensor;

/** The largest error over all maps, of each relative to its own largest value. */
async function tapError(
  checkpoint: Checkpoint,
  image: HostTensor,
  wanted: ReadonlyMap<string, HostTensor>,
): Promise<number> {
  const batch = { image: image.data, items: 1, notes: [] };
  const options = { mode: 'eval', grad: false, taps: TAPS } as const;
  const out = await outputsOf(gpu, checkpoint, batch, options);
  const errors = TAPS.map((tap) => {
    const [ours, theirs] = [out.get(`tap.${tap}`), wanted.get(`tap.${tap}`)] as HostTensor[];
    assert.equal(ours.shape, theirs.shape, tap);
    return maxError(ours.data, theirs.data);
  });
  return Math.max(...errors);
}

async function imported(name: string, from: SourceName, given: Config = config) {
  const tensors = await readWeights(golden(name), name);
  return importEncoder(tensors, name, { from, config: given, seed: 5 });
}

const classifier = (name: string) => [`${name}.weight`, `${name}.bias`];
const adjust = [
  '0.weight',
  '0.bias',
  ...['weight', 'bias', 'running_mean', 'running_var'].map((v) => `1.${v}`),
];
const CASES: [file: string, from: SourceName, taps: string, unused: string[]][] = [
  ['timm.safetensors', 'timm', 'torch', classifier('fc')],
  ['timm.pth', 'timm', 'torch', classifier('fc')],
  ['cadene.pth', 'cadene', 'torch', classifier('last_linear')],
  [
    'deepfakebench.pth',
    'deepfakebench',
    'torch',
    [...classifier('backbone.last_linear'), ...adjust.map((v) => `backbone.adjust_channel.${v}`)],
  ],
  ['keras.h5', 'keras', 'keras', ['kernel', 'bias'].map((v) => `predictions/predictions/${v}:0`)],
  ['keras-1.h5', 'keras', 'keras', []],
];

for (const [file, from, taps, unused] of CASES) {
  test(`${file} --from ${from}: every map is the source's own`, async () => {
    const result = await imported(file, from);
    const { checkpoint } = result;
    const encoder = listParams(config).filter(({ name }) => name.startsWith('encoder.'));
    assert.equal(
      result.taken.map(({ name }) => name),
      encoder.map(({ name }) => name),
    );
    assert.equal(result.unused.map(({ name }) => name).sort(), unused.sort());
    assert.equal([result.missing, result.fresh], [[], ['head.fc.weight', 'head.fc.bias']]);
    const { bnEps, poolPad } = checkpoint.config;
    assert.equal([bnEps, poolPad], from === 'keras' ? [1e-3, 'tf'] : [1e-5, 'torch']);
    const wanted = goldenTensors(`${taps}.taps.safetensors`);
    const error = await tapError(checkpoint, input, wanted);
    assert.ok(error <= 2e-4, `${error}`);
  });
}

test('the comparison sees a wrong epsilon, a wrong padding, and kernels of another layout', async () => {
  const { checkpoint } = await imported('keras.h5', 'keras');
  const wanted = goldenTensors('keras.taps.safetensors');
  for (const wrong of [{ bnEps: 1e-5 }, { poolPad: 'torch' as const }]) {
    const other = { ...checkpoint, config: { ...checkpoint.config, ...wrong } };
    const error = await tapError(other, input, wanted);
    assert.ok(error > 2e-3, `${JSON.stringify(wrong)}: ${error}`);
  }
  const kernel = checkpoint.tensors.get('encoder.block5.rep.4.conv1.weight') as HostTensor;
  kernel.data.reverse();
  const error = await tapError(checkpoint, input, wanted);
  assert.ok(error > 2e-3, `a depthwise kernel turned round: ${error}`);
});

test('all that is not in the file is drawn as llsm init draws it, from the seed', async () => {
  const whole = parseConfig({ ...config, llsm: {}, flm: true }, 'test');
  const { checkpoint, fresh } = await imported('timm.pth', 'timm', whole);
  const drawn = initParams(whole, 5).tensors;
  const names = listParams(whole).map(({ name }) => name);
  assert.equal([...checkpoint.tensors.keys()], names);
  assert.equal(
    fresh,
    names.filter((name) => !name.startsWith('encoder.')),
  );
  for (const name of fresh) {
    assert.equal(checkpoint.tensors.get(name)?.data, drawn.get(name)?.data, name);
  }
});

/** What importEncoder says of a changed set of tensors. */
async function refusal(
  name: string,
  from: SourceName,
  change: (tensors: Map<string, HostTensor>) => void,
  given = config,
): Promise<string> {
  const tensors = new Map(await readWeights(golden(name), name));
  change(tensors);
  try {
    importEncoder(tensors, name, { from, config: given, seed: 0 });
  } catch (error) {
    assert.instance(error, LlsmError);
    return (error as LlsmError).message;
  }
  throw new Error('it should have been refused');
}

test('an encoder that is not whole is refused, unless --partial is given', async () => {
  const remove = (tensors: Map<string, HostTensor>) => {
    tensors.delete('bn3.running_var');
    tensors.set('conv4.pointwise.weight', { shape: [3], data: new Float32Array(3) });
    (tensors.get('bn2.running_var') as HostTensor).data[1] = -1;
    (tensors.get('bn2.weight') as HostTensor).data[0] = Number.NaN;
  };
  const message = await refusal('timm.pth', 'timm', remove);
  assert.match(message, /^timm\.pth: the encoder is not whole in it \(\d+ of 234 tensors fit\):\n/);
  assert.match(message, /encoder\.bn3\.running_var: missing/);
  assert.match(message, /encoder\.conv4\.pointwise\.weight: is \[3\], this network needs \[/);
  assert.match(message, /encoder\.bn2\.running_var: is a variance and holds a negative value/);
  assert.match(message, /encoder\.bn2\.weight: holds NaN at 0/);
  assert.match(message, /With --partial these begin anew$/);
  const tensors = new Map(await readWeights(golden('timm.pth'), 'timm.pth'));
  remove(tensors);
  const result = importEncoder(tensors, 'w', { from: 'timm', config, seed: 0, partial: true });
  assert.is(result.missing.length, 4);
  assert.is(result.taken.length, 230);
  assert.ok(result.unused.some(({ name }) => name === 'conv4.pointwise.weight'));
  const drawn = result.checkpoint.tensors.get('encoder.bn3.running_var')?.data;
  assert.ok(drawn?.every((value) => value === 1));
});

test('a file of another source, or of none, is named for what it is', async () => {
  const none = () => {};
  assert.match(
    await refusal('deepfakebench.pth', 'timm', none),
    /no Xception weights under the names of timm \(it has backbone\.conv1\.weight, .* and \d+ more\): did you mean --from deepfakebench\?$/,
  );
  assert.match(await refusal('timm.pth', 'keras', none), /did you mean --from timm\?$/);
  assert.match(await refusal('keras.h5', 'cadene', none), /did you mean --from keras\?$/);
  const rename = (tensors: Map<string, HostTensor>) => {
    for (const [name, value] of [...tensors]) {
      tensors.delete(name);
      tensors.set(`encoder.${name}`, value);
    }
  };
  assert.match(await refusal('timm.pth', 'timm', rename), /is a checkpoint of llsm: .* --init$/);
  const clear = (tensors: Map<string, HostTensor>) => tensors.clear();
  assert.match(await refusal('timm.pth', 'timm', clear), /\(it has no tensors\)$/);
  const twice = (tensors: Map<string, HostTensor>) => {
    tensors.set('module.bn1.bias', tensors.get('bn1.bias') as HostTensor);
  };
  assert.match(
    await refusal('timm.pth', 'timm', twice),
    /encoder\.bn1\.bias twice: bn1\.bias and module/,
  );
  const again = (tensors: Map<string, HostTensor>) => {
    const gamma = tensors.get('block1_conv1_bn/block1_conv1_bn/gamma:0') as HostTensor;
    tensors.set('more/block1_conv1_bn/gamma:0', gamma);
  };
  assert.match(await refusal('keras.h5', 'keras', again), /holds gamma of block1_conv1_bn twice/);
  const quarter = { ...config, width: 0.25 };
  assert.match(
    await refusal('timm.pth', 'timm', none, quarter),
    /encoder\.bn2\.weight: is \[8\], this network needs \[16\].*\nThe config has width 0\.25; pretrained/s,
  );
});

test("Keras' numbers may begin anywhere, and later layers be someone's own", async () => {
  const tensors = new Map(await readWeights(golden('keras-1.h5'), 'keras-1.h5'));
  const moved = new Map<string, HostTensor>();
  for (const [path, tensor] of tensors) {
    moved.set(
      `model_weights/xception/${path.replace(/2d_(\d+)|ion_(\d+)/g, (all, a, b) => all.replace(/\d+$/, String(Number(a ?? b) + 95)))}`,
      tensor,
    );
  }
  moved.set('model_weights/batchnormalization_300/batchnormalization_300_gamma:0', {
    shape: [2],
    data: new Float32Array(2),
  });
  const options = { from: 'keras', config, seed: 5 } as const;
  const result = importEncoder(moved, 'moved', options);
  const plain = importEncoder(tensors, 'plain', options);
  for (const { name } of plain.taken) {
    const [a, b] = [result, plain].map(({ checkpoint }) => checkpoint.tensors.get(name)?.data);
    assert.equal(a, b, name);
  }
  assert.is(result.unused.length, 1);
});

/** A Python with torch and h5py in it. */
function python(): string {
  const found = [process.env.LLSM_PYTHON ?? 'python3', '/usr/bin/python3'].find(
    (name) => spawnSync(name, ['-c', 'import torch, h5py']).status === 0,
  );
  return found ?? skip('no Python with torch and h5py (LLSM_PYTHON): width 1 is not compared');
}

test("width 1, made by PyTorch now: every map is the source's own", async () => {
  const folder = temporaryFolder();
  const cases = [CASES[2], CASES[5]];
  const only = cases.map(([file]) => file);
  const script = join('test', 'torch', 'make_imports.py');
  const args = [script, '--out', folder, '--width', '1', '--plain', '--only', ...only];
  const made = spawnSync(python(), args, { encoding: 'utf8' });
  assert.is(made.status, 0, made.stderr);
  const full = parseConfig({ ...config, width: 1 }, 'test');
  const read = (name: string) => parseSafetensors(readFileSync(join(folder, name)), name).tensors;
  const image = read('input.safetensors').get('image') as HostTensor;
  for (const [file, from, taps] of cases) {
    const weights = await readWeights(readFileSync(join(folder, file)), file);
    const { checkpoint, taken } = importEncoder(weights, file, { from, config: full, seed: 0 });
    assert.is(taken.length, 234);
    const error = await tapError(checkpoint, image, read(`${taps}.taps.safetensors`));
    assert.ok(error <= 2e-4, `${file}: ${error}`);
  }
});

test('every source is compared', () => {
  assert.equal(new Set(CASES.map(([, from]) => from)), new Set(Object.keys(SOURCES)));
});
