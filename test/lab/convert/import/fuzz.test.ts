/** Damaged files, thousands of them from seeds: each is read, or refused with an LlsmError. */
import * as assert from 'uvu/assert';
import { readWeights } from '../../../../lab/convert/import/import-node.ts';
import { LlsmError } from '../../../../src/base/errors.ts';
import { Random } from '../../../../src/base/random.ts';
import { serialiseSafetensors } from '../../../../src/model/safetensors.ts';
import { test } from '../../../support/run.ts';
import { bytes, golden } from './support.ts';

/** Some bytes changed, removed, doubled, or moved; or the end cut off. */
function damaged(file: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = file.slice();
  const at = () => random.int(out.length);
  const some = () => out.slice(...[at(), at()].sort((a, b) => a - b)).slice(0, 40);
  for (let n = random.int(4); n >= 0; n--) {
    const kind = random.int(6);
    if (kind < 2) out[at()] = random.int(256);
    else if (kind === 2) out[at()] ^= 1 << random.int(8);
    else if (kind === 3) out.set(some(), Math.max(0, at() - 40));
    else if (kind === 4) out = bytes(out.slice(0, at()), some(), out.slice(at()));
    else if (random.chance(0.2)) out = out.slice(0, at());
    else out.set([0xff, 0xff, 0xff, 0x7f].slice(random.int(4)), Math.max(0, at() - 4));
    if (out.length === 0) break;
  }
  return out;
}

/** Reads all of a file. @returns the refusal, if it was refused */
async function refusal(file: Uint8Array): Promise<string | undefined> {
  try {
    for (const [name, tensor] of await readWeights(file, 'fuzz')) {
      if (!['integers', 'flags'].includes(name)) assert.ok(tensor.data);
    }
    return undefined;
  } catch (error) {
    if (error instanceof LlsmError) return error.message;
    throw error;
  }
}

const tensors = new Map([
  ['a', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['num_batches_tracked', { shape: [1], data: Float32Array.of(1) }],
]);
const files: [name: string, file: Uint8Array, times: number][] = [
  ['types.pth', golden('types.pth'), 1500],
  ['types-legacy.pth', golden('types-legacy.pth'), 1500],
  ['safetensors', bytes(...serialiseSafetensors(tensors, { note: 'x' })), 1000],
];
for (const [name, file, times] of files) {
  test(`${name}, ${times} times damaged`, async () => {
    assert.is(await refusal(file), undefined);
    const said = new Map<string, number>();
    for (let seed = 0; seed < times; seed++) {
      let message: string | undefined;
      try {
        message = await refusal(damaged(file, new Random(seed, name)));
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
      }
      const kind = message?.replace(/[\d.]+|\[.*?\]/g, '#').slice(0, 60) ?? 'read';
      said.set(kind, (said.get(kind) ?? 0) + 1);
    }
    // Both ends of the scale are reached: harmless damage, and many ways to be wrong.
    assert.ok(said.has('read'));
    assert.ok(said.size > 12, [...said.keys()].join('\n'));
  });
}
