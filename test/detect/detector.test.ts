import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { nodeHost } from '../../node/host.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { Detector, type LoadProgress, openPicture } from '../../src/detect/detector.ts';
import { provideHost } from '../../src/detect/host.ts';
import { FixedPlace } from '../../src/faces/place.ts';
import { gpuOf } from '../../src/gpu/device.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { test } from '../support/run.ts';

provideHost(nodeHost);
const sample = 'web/static/samples/anna-mouth.jpg';
/** A network of 80 pixels: quick, and nothing that it says means anything. */
const weights = readFileSync('test/golden/mlp/weights.safetensors');
const finder = new FixedPlace('whole');
const gpu = await nodeHost.openGpu();
const quick = { gpu, weights, finder } as const;

async function failure(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, Error);
  return error as Error;
}

test('without options: the networks of the package, a path in, a finding out', async () => {
  const told: LoadProgress[] = [];
  const detector = await Detector.load({ gpu, onProgress: (progress) => told.push(progress) });
  const finding = await detector.detect(sample);
  assert.is(finding.file, sample);
  assert.match(finding.sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.is(finding.kind, 'image');
  assert.is(finding.faces.length, 1);
  assert.is(finding.faces[0].views.length, 5);
  assert.is(finding.verdict, finding.faces[0].verdict);
  assert.is(detector.weights.config.size, 224);
  const done = told.filter(({ loaded, total }) => loaded === total && total > 0);
  assert.equal([...new Set(done.map(({ what }) => what))].sort(), ['face finder', 'weights']);
  detector.dispose();
});

test('a picture may be a path, a URL, a file, bytes or pixels', async () => {
  const detector = await Detector.load(quick);
  const bytes = readFileSync(sample);
  const { image } = await openPicture(sample);
  const rgba = new Uint8ClampedArray(image.width * image.height * 4).fill(255);
  for (let i = 0; i < image.width * image.height; i++) {
    rgba.set(image.data.subarray(3 * i, 3 * i + 3), 4 * i);
  }
  const pixels = { ...image, data: rgba } as RgbImage;
  const url = new URL(`file://${process.cwd()}/${sample}`);
  const wanted = (await detector.detect(sample)).faces[0].probability;
  for (const [name, picture] of Object.entries({
    url,
    blob: new File([bytes], 'own.jpg'),
    bytes,
    buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    rgb: image,
    rgba: pixels,
  })) {
    const finding = await detector.detect(picture);
    assert.is(finding.faces[0].probability, wanted, name);
    if (name === 'blob') assert.is(finding.file, 'own.jpg');
    if (name === 'rgb') assert.is(finding.sha256, null);
  }
  assert.is((await detector.detect(bytes, { name: 'named' })).file, 'named');
  detector.dispose();
});

test('pictures asked about at once are answered as if one after the other', async () => {
  const detector = await Detector.load(quick);
  const names = ['anna.jpg', 'ben.jpg', 'carl.jpg'].map((name) => `web/static/samples/${name}`);
  const alone: (number | null)[] = [];
  for (const name of names) alone.push((await detector.detect(name)).faces[0].probability);
  assert.is(new Set(alone).size, 3);
  const together = await Promise.all(names.map((name) => detector.detect(name)));
  assert.equal(
    together.map(({ faces }) => faces[0].probability),
    alone,
  );
  await detector[Symbol.asyncDispose]();
});

test('says what is wrong with a file, and goes on', async () => {
  const detector = await Detector.load(quick);
  const none = await failure(detector.detect('no/such.jpg'));
  assert.instance(none, LlsmError);
  assert.match(none.message, 'no/such.jpg');
  const text = await failure(detector.detect(new File(['no picture'], 'notes.jpg')));
  assert.match(text.message, 'notes.jpg');
  const short = { width: 4, height: 4, data: new Uint8ClampedArray(5) };
  assert.match((await failure(detector.detect(short))).message, '4 x 4');
  assert.ok((await detector.detect(sample)).verdict);
  detector.dispose();
  const broken = await failure(Detector.load({ ...quick, weights: new Uint8Array(50) }));
  assert.match(broken.message, 'not a safetensors file');
});

test('stops when it is told to', async () => {
  const gone = AbortSignal.abort();
  assert.is((await failure(Detector.load({ ...quick, signal: gone }))).name, 'AbortError');
  const detector = await Detector.load(quick);
  assert.is((await failure(detector.detect(sample, { signal: gone }))).name, 'AbortError');
  const control = new AbortController();
  const stopped = detector.detect(sample, {
    signal: control.signal,
    onFound: () => control.abort(),
  });
  assert.is((await failure(stopped)).name, 'AbortError');
  assert.ok((await detector.detect(sample)).verdict);
  detector.dispose();
});

test("computes on the caller's own device, which it leaves open", async () => {
  const detector = await Detector.load({ ...quick, gpu: gpu.device });
  const { faces } = await detector.detect(sample);
  detector.dispose();
  const again = await Detector.load({ ...quick, gpu: gpuOf(gpu.device) });
  assert.is((await again.detect(sample)).faces[0].probability, faces[0].probability);
  again.dispose();
});
