import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import threads from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { encodePng, readBytes } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { CropPool, type CropPoolOptions } from '../../../node/train/crop-pool.ts';
import { LlsmError } from '../../../src/base/errors.ts';
import { augmentSchema } from '../../../src/config/augment-schema.ts';
import { type Crop, CropLoader } from '../../../src/faces/crops.ts';
import type { ManifestItem } from '../../../src/faces/manifest.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

/** Real and forged faces in turn, the forged ones but one with a mask; the last mask is too small. */
function set(): ManifestItem[] {
  const folder = temporaryFolder();
  for (const part of ['images', 'masks']) mkdirSync(join(folder, part));
  const lines = Array.from({ length: 12 }, (_, i) => {
    writeFileSync(join(folder, `images/${i}.png`), encodePng(drawnPicture(60, 60, i)));
    const label = i % 2;
    const mask = label && i > 1 ? `masks/${i}.png` : null;
    if (mask) {
      const width = i === 11 ? 59 : 60;
      const data = Uint8ClampedArray.from({ length: width * 60 }, (_, at) => (at * i) % 256);
      writeFileSync(join(folder, mask), encodePng({ width, height: 60, data }));
    }
    const line = { image: `images/${i}.png`, label, mask, video: `v${i}`, dataset: 'd' };
    return JSON.stringify({ ...line, split: 'train' });
  });
  writeFileSync(join(folder, 'manifest.jsonl'), lines.join('\n'));
  return readManifest(folder);
}

const options: CropPoolOptions = {
  size: 48,
  seed: 3,
  augment: augmentSchema.parse({ jpeg: 0.5, blur: 0.5, noise: 0.5 }),
  workers: 2,
};

/** As `node crop-pool.test.js idle MANIFEST`: a process that loads and neither closes nor exits. */
if (process.argv[2] === 'idle') {
  const pool = new CropPool(readManifest(process.argv[3]), options);
  console.log('loaded label', (await pool.load(1, 0)).label);
  await new Promise(() => {}); // Node ends here with 13 when nothing keeps the process alive
} else {
  const items = set();
  const loader = new CropLoader(items, { ...options, read: readBytes });

  const same = (a: Crop, b: Crop): boolean =>
    a.label === b.label &&
    a.maskWeight === b.maskWeight &&
    Buffer.compare(bytes(a.image), bytes(b.image)) === 0 &&
    (a.mask && b.mask ? Buffer.compare(bytes(a.mask), bytes(b.mask)) === 0 : a.mask === b.mask);
  const bytes = (values: Float32Array | Uint8Array) =>
    Buffer.from(values.buffer, values.byteOffset);

  for (const workers of [0, 1, 2, 3]) {
    test(`${workers} threads give the bytes of CropLoader, whatever the order`, async () => {
      const pool = new CropPool(items, { ...options, workers });
      assert.is(pool.items, items);
      const asked = [0, 1, 2].flatMap((step) => [5, 0, 1, 8, 3, 2].map((i) => ({ i, step })));
      const given = await Promise.all(asked.map(({ i, step }) => pool.load(i, step)));
      // A resumed run asks for the last step first, and finds the faces of no earlier one decoded.
      const resumed = new CropPool(items, { ...options, workers });
      for (const [n, { i, step }] of [...asked.entries()].reverse()) {
        const expected = await loader.load(i, step);
        assert.ok(same(given[n], expected), `item ${i} of step ${step}`);
        if (step === 2) assert.ok(same(await resumed.load(i, step), expected), `resumed, ${i}`);
      }
      assert.not.ok(same(given[0], given[6]), 'two steps of an item');
      await Promise.all([pool.close(), resumed.close()]);
    });
  }

  test('a face that cannot be read is refused as in the own thread, and the others still come', async () => {
    const broken = set();
    rmSync(join(broken[4].folder, broken[4].image));
    writeFileSync(join(broken[3].folder, broken[3].image), 'no picture');
    const plain = new CropLoader(broken, { ...options, read: readBytes });
    const pool = new CropPool(broken, options);
    const results = await Promise.all(
      broken.map((_, i) => pool.load(i, 0).catch((error: Error) => error)),
    );
    for (const [i, result] of results.entries()) {
      if (![3, 4, 11].includes(i)) {
        assert.ok(!(result instanceof Error) && result.label === i % 2, `item ${i}`);
        continue;
      }
      assert.instance(result, LlsmError);
      assert.is((result as Error).message, (await failure(plain.load(i, 0))).message);
    }
    assert.match((results[4] as Error).message, /images\/4\.png does not exist/);
    await pool.close();
  });

  test('an error that is no fault of the data keeps its stack', async () => {
    const augment = { ...augmentSchema.parse({ blur: 1 }), blurSigma: null as never };
    const pool = new CropPool(items, { ...options, augment });
    const error = await failure(pool.load(0, 0));
    assert.not.instance(error, LlsmError);
    assert.match(error.stack ?? '', /augmentPixels/);
    await pool.close();
  });

  test('closing rejects what waits and what is asked later, and can be repeated', async () => {
    const pool = new CropPool(items, options);
    const waiting = pool.load(0, 0).catch((error: Error) => error);
    const closing = pool.close();
    assert.match(((await waiting) as Error).message, /closed/);
    await closing;
    await pool.close();
    assert.match((await failure(pool.load(0, 0))).message, /closed/);
    const unused = new CropPool(items, options);
    await unused.close();
    assert.match((await failure(unused.load(0, 0))).message, /closed/);
  });

  test('a thread that ends ends the run, with its reason', async () => {
    // A thread that ends at its first request: one that is ended from here may answer before.
    const ending = "require('worker_threads').parentPort.once('message', () => process.exit(1))";
    const { Worker } = threads;
    const patch = (worker: typeof Worker) => {
      threads.Worker = worker;
      syncBuiltinESMExports();
    };
    patch(
      class extends Worker {
        constructor() {
          super(ending, { eval: true });
        }
      },
    );
    const pool = new CropPool(items, options);
    let waiting: Promise<unknown>;
    try {
      waiting = pool.load(0, 0).catch((error: Error) => error);
    } finally {
      patch(Worker);
    }
    for (const error of [await waiting, await failure(pool.load(0, 1))]) {
      assert.instance(error, LlsmError);
      assert.match(
        (error as Error).message,
        /A thread that prepares faces ended \(exit status 1\)/,
      );
    }
    await pool.close();
  });

  test('threads with nothing to do do not keep the process alive', () => {
    const [, file] = process.argv;
    const child = spawnSync(process.execPath, [file, 'idle', items[0].folder], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(
      [child.stdout, child.signal, child.status],
      ['loaded label 1\n', null, 13],
      child.stderr,
    );
  });
}
