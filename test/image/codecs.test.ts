import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as webp from '@jsquash/webp/encode.js';
import { PNG } from 'pngjs';
import * as assert from 'uvu/assert';
import { encodePng, readImage, readMask } from '../../node/files/image.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { decodeImage, encodeJpeg, greyOf } from '../../src/image/codecs.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture, failure, photographs, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const picture = drawnPicture(70, 45);

async function refused(bytes: Uint8Array, pattern: RegExp): Promise<void> {
  const error = await failure(decodeImage(bytes, 'x/photo'));
  assert.instance(error, LlsmError);
  assert.match(error.message, /x\/photo/);
  assert.match(error.message, pattern);
}

function meanDifference(a: RgbImage, b: RgbImage): number {
  assert.is(a.width, b.width);
  assert.is(a.height, b.height);
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]), 0) / a.data.length;
}

/** pngjs' decoding, alpha over black. */
function oracle(bytes: Uint8Array): RgbImage {
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    const pixel = Math.floor(i / 3) * 4;
    rgb[i] = (data[pixel + (i % 3)] * data[pixel + 3]) / 255;
  }
  return { width, height, data: rgb };
}

test('PNG: every valid file of PngSuite decodes as pngjs has it, every corrupt one is refused', async () => {
  const folder = photographs('pngsuite');
  const names = readdirSync(folder).filter((name) => name.endsWith('.png'));
  assert.ok(names.length > 150);
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    if (name.startsWith('x')) {
      const error = await failure(decodeImage(bytes, name));
      assert.instance(error, LlsmError, name);
      assert.match(error.message, name);
      continue;
    }
    const [image, expected] = [await decodeImage(bytes, name), oracle(bytes)];
    assert.is(image.width, expected.width, name);
    assert.is(image.height, expected.height, name);
    // 16-bit values are rounded here and cut there.
    const most = image.data.reduce((max, v, i) => Math.max(max, Math.abs(v - expected.data[i])), 0);
    assert.ok(most <= (/16\.png$/.test(name) ? 2 : 0), `${name}: ${most}`);
  }
});

test('PNG: written and read again, colour and grey, with its text', async () => {
  const png = encodePng(picture, { Comment: 'a drawn picture' });
  assert.equal((await decodeImage(png, 'p')).data, picture.data);
  assert.match(Buffer.from(png).toString('latin1'), 'Comment\0a drawn picture');
  const grey = {
    width: 7,
    height: 3,
    data: Uint8ClampedArray.from({ length: 21 }, (_, i) => i * 12),
  };
  assert.equal(greyOf(await decodeImage(encodePng(grey), 'g'), 'g').data, grey.data);
});

test('a cut PNG, and one with a flipped bit, are refused', async () => {
  const png = encodePng(picture);
  for (const length of [20, 60, png.length >> 1, png.length - 12, png.length - 1]) {
    await refused(png.subarray(0, length), /cut short/);
  }
  const flipped = png.slice();
  flipped[png.length >> 1] ^= 4;
  await refused(flipped, /checksum of its IDAT/);
});

test('JPEG: written and read again; lower quality is smaller and further off', async () => {
  // Grey, so that the halved chroma resolution does not count.
  const grey = { ...picture, data: picture.data.map((_, i, all) => all[i - (i % 3)]) };
  const [fine, coarse] = [await encodeJpeg(grey, 95), await encodeJpeg(grey, 30)];
  const [a, b] = [await decodeImage(fine, 'a'), await decodeImage(coarse, 'b')];
  assert.ok(coarse.length < fine.length / 2, `${coarse.length}, ${fine.length}`);
  assert.ok(meanDifference(grey, a) < 2, String(meanDifference(grey, a)));
  assert.ok(meanDifference(grey, a) < meanDifference(grey, b) / 2);
});

test('a cut JPEG is refused wherever it is cut, though libjpeg would fill it with grey', async () => {
  const jpeg = await encodeJpeg(drawnPicture(64, 64), 80);
  for (const length of [3, 30, 150, jpeg.length >> 1, jpeg.length - 40, jpeg.length - 2]) {
    await refused(jpeg.subarray(0, length), /cut short|cannot be decoded/);
  }
  assert.is((await decodeImage(jpeg, 'whole')).width, 64);
});

test('files decoded at the same time do not share their errors', async () => {
  const jpeg = await encodeJpeg(picture, 80);
  const results = await Promise.allSettled(
    Array.from({ length: 12 }, (_, i) =>
      decodeImage(i % 3 === 0 ? jpeg.subarray(0, jpeg.length >> 1) : jpeg, `photo ${i}`),
    ),
  );
  assert.equal(
    results.map((result) => result.status),
    results.map((_, i) => (i % 3 === 0 ? 'rejected' : 'fulfilled')),
  );
});

test('a real photograph, whole and cut', async () => {
  const path = join(photographs('lfw'), 'AJ_Cook_0001.jpg');
  const image = await readImage(path);
  assert.equal([image.width, image.height], [250, 250]);
  const bytes = readFileSync(path);
  await refused(bytes.subarray(0, 6000), /Premature end/);
});

test('EXIF orientation is applied', async () => {
  // Top left red, top right green, bottom left blue, bottom right white; wider than high.
  const colours = [0xff0000, 0x00ff00, 0x0000ff, 0xffffff];
  const width = 64;
  const height = 32;
  const data = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const colour = colours[(i % width < 32 ? 0 : 1) + (i < width * 16 ? 0 : 2)];
    data.set([colour >> 16, (colour >> 8) & 255, colour & 255], i * 3);
  }
  const jpeg = await encodeJpeg({ width, height, data }, 95);
  // Where the stored corners come to lie: top left, top right, bottom left, bottom right.
  const expected = {
    1: 'RGBW',
    2: 'GRWB',
    3: 'WBGR',
    4: 'BWRG',
    5: 'RBGW',
    6: 'BRWG',
    7: 'WGBR',
    8: 'GWRB',
  };
  for (const [orientation, corners] of Object.entries(expected)) {
    const exif = Buffer.alloc(36);
    exif.set([0xff, 0xe1, 0, 34]);
    exif.write('Exif\0\0II*\0', 4, 'latin1');
    exif.set([8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, Number(orientation)], 14);
    const tagged = Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]);
    const image = await decodeImage(tagged, 'tagged');
    assert.is(image.width, Number(orientation) < 5 ? width : height);
    const at = (x: number, y: number) => {
      const pixel = (Math.floor(y * image.height) * image.width + Math.floor(x * image.width)) * 3;
      const key = [...image.data.subarray(pixel, pixel + 3)].map((v) => (v > 127 ? 1 : 0)).join('');
      return { '100': 'R', '010': 'G', '001': 'B', '111': 'W' }[key];
    };
    const got = [at(0.2, 0.2), at(0.8, 0.2), at(0.2, 0.8), at(0.8, 0.8)].join('');
    assert.is(got, corners, `orientation ${orientation}`);
  }
});

test('WebP: read, alpha laid over black, cut ones and animations refused', async () => {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@jsquash/webp/codec/enc/webp_enc_simd.wasm');
  await (webp.init as unknown as (module: WebAssembly.Module) => Promise<void>)(
    new WebAssembly.Module(readFileSync(file)),
  );
  const data = new Uint8ClampedArray(32 * 16 * 4);
  for (let i = 0; i < 32 * 16; i++) data.set([200, 100, 40, i % 32 < 16 ? 255 : 128], i * 4);
  const source = { width: 32, height: 16, data, colorSpace: 'srgb' } as ImageData;
  const bytes = new Uint8Array(await webp.default(source, { lossless: 1, exact: 1 }));
  const image = await decodeImage(bytes, 'w');
  assert.equal([...image.data.subarray(0, 3)], [200, 100, 40]);
  assert.equal([...image.data.subarray(-3)], [100, 50, 20]);
  for (const length of [14, 30, bytes.length - 4]) {
    await refused(bytes.subarray(0, length), /cut short/);
  }
  const animated = Buffer.from(
    'RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x1f\0\0\x0f\0\0',
    'latin1',
  );
  await refused(animated, /animated WebP/);
});

test('what is no picture is refused by what it is', async () => {
  await refused(new Uint8Array(0), /is empty/);
  await refused(Buffer.from('Dear reader, this is text.'), /not an image/);
  await refused(Buffer.from('GIF89a......'), /a GIF image/);
  await refused(Buffer.from('\0\0\0\x18ftypmp42....'), /a video/);
  await refused(Buffer.from('\0\0\0\x18ftypheic....'), /a HEIC image/);
  await refused(Buffer.from([0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0, 0, 0, 0]), /damaged JPEG/);
});

test('above 100 megapixels a picture is refused before it is decoded', async () => {
  const jpeg = Buffer.from(await encodeJpeg(picture, 80));
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(60000, frame + 5);
  jpeg.writeUInt16BE(60000, frame + 7);
  await refused(jpeg, /60000 x 60000 pixels, above the limit of 100 megapixels/);
});

test('a missing file, a folder, a coloured mask', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'mask.png'), encodePng(picture));
  const message = async (work: Promise<unknown>) => (await failure(work)).message;
  assert.match(await message(readImage(join(folder, 'none.jpg'))), /none\.jpg does not exist/);
  assert.match(await message(readImage(join(folder, 'sub'))), /sub is a folder/);
  assert.match(await message(readMask(join(folder, 'mask.png'))), /mask\.png: a mask must be grey/);
});
