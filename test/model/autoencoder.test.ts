import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import { Autoencoder } from '../../src/faces/autoencoder.ts';
import { networkInput } from '../../src/image/input.ts';
import {
  initAutoencoder,
  parseAutoencoder,
  serialiseAutoencoder,
} from '../../src/model/autoencoder/checkpoint.ts';
import { autoencoderSchema } from '../../src/model/autoencoder/network.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { AutoencoderTrainer } from '../../src/train/autoencoder.ts';
import { drawnPicture, failure } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const config = autoencoderSchema.parse({ side: 64, widths: [8, 8, 16, 16], code: 8 });
const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test('as a file and back: the same tensors; what is none, or lacks one, is named', async () => {
  const begin = initAutoencoder(config, 3);
  const file = joined(serialiseAutoencoder(begin));
  assert.equal(parseAutoencoder(file, 'a.safetensors'), begin);
  const empty = joined(serialiseSafetensors(new Map(), {}, () => false));
  assert.match(
    (await failure(() => parseAutoencoder(empty, 'b.safetensors'))).message,
    /^b\.safetensors is no autoencoder/,
  );
  const lacking = { config, tensors: new Map([...begin.tensors].slice(1)) };
  assert.match(
    (await failure(() => parseAutoencoder(joined(serialiseAutoencoder(lacking)), 'c'))).message,
    /^c: the autoencoder needs tensor down1\.conv\.weight \[8, 3, 3, 3\], which is missing/,
  );
});

test('it learns a few pictures: training brings them nearer, and what it gives back with fixed statistics is near them', async () => {
  const gpu = await openNodeGpu();
  const pictures = [1, 2, 3, 4].map((n) => drawnPicture(64, 64, n));
  const images = new Uint8Array(4 * 64 * 64 * 3);
  for (const [n, picture] of pictures.entries()) {
    images.set(networkInput(picture, 64), n * 64 * 64 * 3);
  }
  const trainer = await AutoencoderTrainer.build(gpu, initAutoencoder(config, 3), 4);
  const distances: number[] = [];
  for (let step = 0; step < 120; step++) distances.push(await trainer.step(images, step, 5e-3));
  const trained = await trainer.checkpoint();
  trainer.destroy();
  const last = distances[distances.length - 1];
  assert.ok(last < 0.5 * distances[0], `${distances[0]} ${last}`);
  const autoencoder = await Autoencoder.build(gpu, trained, 3);
  const made = await autoencoder.reconstruct(pictures.slice(0, 3));
  autoencoder.dispose();
  const away = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
    return sum / a.length;
  };
  for (const [n, { width, height, data }] of made.entries()) {
    assert.equal([width, height], [64, 64]);
    const own = away(data, pictures[n].data);
    // Nearer to its own picture than to the others.
    assert.ok(own < 0.8 * away(data, pictures[(n + 1) % 4].data), `${n}: ${own}`);
    assert.ok(own < 0.7 * distances[0], `${n}: ${own}, at first ${distances[0]}`);
  }
});

test('a step is the same again from the same weights and pictures', async () => {
  const gpu = await openNodeGpu();
  const random = new Random(1, 'autoencoder');
  const images = Uint8Array.from({ length: 2 * 64 * 64 * 3 }, () => random.int(256));
  const results = [];
  for (let run = 0; run < 2; run++) {
    const trainer = await AutoencoderTrainer.build(gpu, initAutoencoder(config, 5), 2);
    await trainer.step(images, 0, 1e-3);
    results.push((await trainer.checkpoint()).tensors);
    trainer.destroy();
  }
  assert.equal(results[0], results[1]);
});
