import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint, writeCheckpoint } from '../../node/files/checkpoint.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { version } from '../../src/base/version.ts';
import { parseConfig } from '../../src/config/config.ts';
import { type Checkpoint, fitInto } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { suite } from '../support/run.ts';

const test = suite('checkpoint');
const config = parseConfig({ width: 0.05, size: 64 }, 'test');
const made = initParams(config, 1);
const fresh = (): Checkpoint => ({ ...made, tensors: new Map(made.tensors) });
let folder = '';
let path = '';
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'llsm-checkpoint-'));
  path = join(folder, 'w.safetensors');
});
test.after(() => rmSync(folder, { recursive: true }));

/** A file of these tensors as they are, without a check. */
function writeRaw(tensors: Checkpoint['tensors'], metadata: Record<string, string>) {
  writeFileSync(path, Buffer.concat(serialiseSafetensors(tensors, metadata)));
}

function refuses(...patterns: RegExp[]) {
  try {
    readCheckpoint(path);
  } catch (error) {
    assert.instance(error, LlsmError, String(error));
    assert.ok((error as LlsmError).message.startsWith(path));
    for (const pattern of patterns) assert.match((error as LlsmError).message, pattern);
    return;
  }
  assert.unreachable('accepted');
}
const meta = { 'llsm.config': JSON.stringify(config), 'llsm.version': '0' };

test('comes back as it was written', () => {
  const threshold = { value: 0.25, rule: 'fpr=0.01', fpr: 0.0098, data: 'val', n: 512 };
  writeCheckpoint(path, { ...fresh(), threshold });
  const read = readCheckpoint(path);
  assert.equal(read.config, config);
  assert.equal(read.threshold, threshold);
  assert.is(read.version, version);
  assert.equal(
    [...read.tensors.keys()],
    listParams(config).map(({ name }) => name),
  );
  for (const [name, { data }] of made.tensors) assert.equal(read.tensors.get(name)?.data, data);
  assert.equal(readdirSync(folder), ['w.safetensors']);
});

test('f16 halves all but batch norm', () => {
  writeCheckpoint(path, fresh());
  const whole = statSync(path).size;
  writeCheckpoint(path, fresh(), { f16: true });
  assert.ok(statSync(path).size < whole * 0.75);
  const header = readFileSync(path).subarray(8).toString('latin1');
  assert.match(header, /"encoder\.bn1\.running_var":\{"dtype":"F32"/);
  assert.match(header, /"encoder\.block1\.rep\.1\.weight":\{"dtype":"F32"/);
  assert.match(header, /"encoder\.conv1\.weight":\{"dtype":"F16"/);
  const read = readCheckpoint(path);
  assert.equal(
    [...read.tensors.keys()],
    listParams(config).map(({ name }) => name),
  );
  for (const [name, { data }] of made.tensors) {
    const got = read.tensors.get(name)?.data as Float32Array;
    for (let i = 0; i < data.length; i++) {
      const off = Math.abs(got[i] - data[i]);
      if (off > Math.abs(data[i]) * 2 ** -11 + 2 ** -25)
        assert.unreachable(`${name} is off ${off}`);
    }
  }
});

test('missing, unexpected and wrongly shaped tensors are listed together', () => {
  const { tensors } = fresh();
  tensors.delete('head.fc.bias');
  tensors.set('fc.weight', { shape: [1], data: new Float32Array(1) });
  tensors.set('encoder.conv1.weight', { shape: [8, 27], data: new Float32Array(216) });
  writeRaw(tensors, meta);
  refuses(
    /head\.fc\.bias: missing/,
    /fc\.weight: not in this network/,
    /encoder\.conv1\.weight: is \[8,27\], this network needs \[8,3,3,3\]/,
  );
  writeRaw(new Map(), meta);
  refuses(/encoder\.conv1\.weight: missing/, /and \d+ more/);
});

test('values that are not finite, and negative variances, are refused, reading and writing', () => {
  for (const [value, pattern] of [
    [Number.NaN, /flm\.mask\.weight: holds NaN at 3/],
    [Number.NEGATIVE_INFINITY, /flm\.mask\.weight: holds -Infinity at 3/],
  ] as const) {
    const checkpoint = fresh();
    const data = new Float32Array(8);
    data[3] = value;
    checkpoint.tensors.set('flm.mask.weight', { shape: [1, 8, 1, 1], data });
    writeRaw(checkpoint.tensors, meta);
    refuses(pattern);
    const before = readFileSync(path);
    assert.throws(() => writeCheckpoint(path, checkpoint), pattern);
    assert.equal(readFileSync(path), before, 'the file that was there is untouched');
  }
  const { tensors } = fresh();
  tensors.set('encoder.bn1.running_var', { shape: [8], data: new Float32Array(8).fill(-1) });
  writeRaw(tensors, meta);
  refuses(/encoder\.bn1\.running_var: is a variance/);
});

test('the metadata is checked', () => {
  writeRaw(fresh().tensors, {});
  refuses(/no llsm\.config/);
  assert.equal(readCheckpoint(path, config).config, config);
  writeRaw(fresh().tensors, { 'llsm.config': '{' });
  refuses(/llsm\.config.*not JSON/);
  writeRaw(fresh().tensors, { 'llsm.config': '{"witdh": 1}', 'llsm.version': '9.9' });
  refuses(/written by llsm 9\.9.*unknown key witdh; did you mean width/);
  writeRaw(fresh().tensors, { ...meta, 'llsm.threshold': '{"value": 2}' });
  refuses(/llsm\.threshold value/);
  writeRaw(fresh().tensors, meta);
  const other = parseConfig({ width: 0.05, size: 64, bnEps: 1e-3 }, 'test');
  assert.throws(() => readCheckpoint(path, other), /differs from it in bnEps/);
});

test('broken files are refused', () => {
  writeCheckpoint(path, fresh());
  truncateSync(path, statSync(path).size - 1);
  refuses(/cut short: tensor head\.fc\.bias/);
  writeFileSync(path, '');
  refuses(/not a safetensors file/);
  rmSync(path);
  assert.throws(
    () => readCheckpoint(path),
    /w\.safetensors cannot be read: no such file or directory$/,
  );
  assert.throws(
    () => writeCheckpoint(join(folder, 'none', 'w.safetensors'), fresh()),
    /cannot be written: no such file or directory$/,
  );
});

test('an integer batch count is ignored', () => {
  const parts = serialiseSafetensors(made.tensors, meta);
  const text = Buffer.from(parts[0].subarray(8)).toString().trimEnd();
  const header = JSON.parse(text);
  const end = parts.slice(1).reduce((n, part) => n + part.length, 0);
  header['encoder.bn1.num_batches_tracked'] = {
    dtype: 'I64',
    shape: [],
    data_offsets: [end, end + 8],
  };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...parts.slice(1), Buffer.alloc(8)]));
  assert.is(readCheckpoint(path).tensors.size, made.tensors.size);
});

test('checkpoints that a PyTorch module wrote are opened', () => {
  const golden = fileURLToPath(new URL('../../../test/golden/', import.meta.url));
  const read = (head: string) => readCheckpoint(join(golden, head, 'weights.safetensors'));
  assert.not(read('baseline').config.llsm);
  for (const head of ['linear', 'mlp', 'absdiff', 'bilinear']) {
    const { config, tensors } = read(head);
    assert.is((config.llsm || undefined)?.head, head);
    assert.equal(
      [...tensors.keys()],
      listParams(config).map(({ name }) => name),
    );
  }
});

test('fitInto takes what fits and gives a reason for the rest', () => {
  const bilinear = parseConfig({ width: 0.05, llsm: { head: 'bilinear' }, flm: false }, 'test');
  const { fitting, unfit } = fitInto(made, listParams(bilinear));
  const names = [...fitting.keys()];
  assert.is(names.filter((name) => name.startsWith('encoder.')).length, 234);
  assert.equal(names.slice(234), ['head.fc.bias']);
  const reasons = new Map(unfit.map(({ name, reason }) => [name, reason]));
  assert.is(reasons.get('llsm.theta.weight'), 'missing');
  assert.is(reasons.get('llsm.pair.weight'), 'not in this network');
  assert.is(reasons.get('head.fc.weight'), 'is [1,8], this network needs [1,104]');
  assert.is(fitting.get('encoder.conv1.weight'), made.tensors.get('encoder.conv1.weight'));
});
