import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/config/config.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import { downloadCheckpoint } from '../../src/model/llsm/bind.ts';
import {
  type Checkpoint,
  checkpointToSafetensors,
  parseCheckpoint,
} from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { openCheckpoint } from '../../src/model/llsm/open-checkpoint.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 } }, 'test');
const threshold = { value: 0.25, rule: 'eer', fpr: 0.1, data: 'val', n: 8 };
const checkpoint: Checkpoint = { ...initParams(config, 2), threshold };
const where = 'w.safetensors';

/** A file that notes how much of it was read at once. */
function noting(parts: Uint8Array[]) {
  const blob = new Blob(parts as Uint8Array<ArrayBuffer>[]);
  const reads: number[] = [];
  const slice = blob.slice.bind(blob);
  blob.slice = (begin = 0, end = blob.size) => {
    reads.push(end - begin);
    return slice(begin, end);
  };
  return { blob, reads };
}

const valuesOf = ({ tensors }: Checkpoint) =>
  [...tensors].map(([name, { data }]) => [name, [...data]]);

for (const f16 of [false, true]) {
  test(`weights go to the GPU a tensor at a time, from a file of ${f16 ? 'F16' : 'F32'}`, async () => {
    const parts = checkpointToSafetensors(checkpoint, { f16 });
    const { blob, reads } = noting(parts);
    const open = await openCheckpoint(blob, where);
    assert.equal(open.config, config);
    assert.equal(open.threshold, threshold);
    assert.equal(reads, [8, parts[0].length], 'the header alone');
    const told: number[] = [];
    const store = await open.upload(gpu, (done, all) => {
      assert.is(all, checkpoint.tensors.size);
      told.push(done);
    });
    assert.is(told.length, checkpoint.tensors.size);
    assert.is(told[told.length - 1], checkpoint.tensors.size);
    const largest = Math.max(...parts.slice(1).map(({ length }) => length));
    assert.ok(Math.max(...reads.slice(2)) <= largest, 'never two tensors at once');
    const whole = parseCheckpoint(new Uint8Array(await blob.arrayBuffer()), where);
    assert.equal(valuesOf(await downloadCheckpoint(store, config)), valuesOf(whole));
    store.destroy();
  });
}

test('a detector of an open checkpoint is that of the whole', async () => {
  const face = { width: 64, height: 64, data: new Uint8ClampedArray(64 * 64 * 3).fill(99) };
  const { blob } = noting(checkpointToSafetensors(checkpoint));
  const found = [];
  for (const from of [checkpoint, await openCheckpoint(blob, where)]) {
    const detector = await FaceScorer.build(gpu, from, { batch: 1 });
    found.push(await detector.detect([face]));
    detector.destroy();
  }
  assert.equal(found[1], found[0]);
});

async function refuses(parts: Uint8Array[], pattern: RegExp) {
  const { blob } = noting(parts);
  const open = openCheckpoint(blob, where).then((it) => it.upload(gpu));
  const error = await open.catch((reason) => reason);
  assert.instance(error, LlsmError, String(error));
  assert.ok(error.message.startsWith(where));
  assert.match(error.message, pattern);
}

test('files that are no checkpoint, or of another network, or not finite', async () => {
  const metadata = { 'llsm.config': JSON.stringify(config) };
  const [head] = checkpointToSafetensors(checkpoint);
  await refuses([new Uint8Array(5)], /5 bytes, at least 8/);
  await refuses([head], /cut short/);
  await refuses(serialiseSafetensors(checkpoint.tensors), /no llsm\.config/);
  const less = new Map([...checkpoint.tensors].slice(1));
  await refuses(
    serialiseSafetensors(less, metadata),
    /does not hold the network of its config:\n.*missing/,
  );
  const [name, { shape, data }] = [...checkpoint.tensors][4];
  const bad = new Map(checkpoint.tensors).set(name, { shape, data: data.map(() => Number.NaN) });
  await refuses(serialiseSafetensors(bad, metadata), new RegExp(`tensor ${name} holds NaN at 0`));
});
