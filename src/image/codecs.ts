/**
 * Photographs in and out: JPEG, PNG and WebP through the same WebAssembly codecs in Node and in the
 * browser. Who uses this file says where the codecs are, once: image-node.ts does it for Node.
 */
import * as jpegDecoder from '@jsquash/jpeg/decode.js';
import * as jpegEncoder from '@jsquash/jpeg/encode.js';
import * as pngDecoder from '@jsquash/png/decode.js';
import * as webpDecoder from '@jsquash/webp/decode.js';
import exifr from 'exifr';
import { LlsmError, messageOf } from '../base/errors.ts';
import { type ImageHeader, readHeader } from './header.ts';
import { orient } from './pixels.ts';
import type { GreyImage, RgbImage } from './rgb.ts';

/** The WebAssembly files, as package paths. */
export const codecFiles = {
  jpegDecoder: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  jpegEncoder: '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm',
  png: '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  webpDecoder: '@jsquash/webp/codec/dec/webp_dec.wasm',
} as const;

type Codec = keyof typeof codecFiles;

let compile: ((codec: Codec) => WebAssembly.Module | Promise<WebAssembly.Module>) | undefined;
const ready = new Map<Codec, Promise<unknown>>();

/** Says how a codec's WebAssembly is fetched and compiled; each is asked for once, when needed. */
export function provideCodecs(compileCodec: NonNullable<typeof compile>): void {
  compile = compileCodec;
  ready.clear();
}

/** Lines that the codec last wrote to its standard error: libjpeg's warnings and reasons. */
let complaints: string[] = [];

async function start(codec: Codec): Promise<void> {
  if (!compile) throw new Error('provideCodecs has not been called');
  const module = await compile(codec);
  const options = {
    printErr: (line: string) => complaints.push(line),
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: never) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance as never);
      return instance.exports;
    },
  };
  if (codec === 'png') await pngDecoder.init(module);
  else if (codec === 'webpDecoder') await webpDecoder.init(options);
  else if (codec === 'jpegDecoder') await jpegDecoder.init(options);
  else await jpegEncoder.init(options);
}

function need(codec: Codec): Promise<unknown> {
  let promise = ready.get(codec);
  if (!promise) {
    promise = start(codec);
    ready.set(codec, promise);
  }
  return promise;
}

/** Lays a picture with alpha over black. */
function withoutAlpha(image: { width: number; height: number; data: ArrayLike<number> }): RgbImage {
  const rgba = image.data;
  const data = new Uint8ClampedArray((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    if (alpha === 255) {
      data[to] = rgba[from];
      data[to + 1] = rgba[from + 1];
      data[to + 2] = rgba[from + 2];
    } else {
      data[to] = (rgba[from] * alpha) / 255;
      data[to + 1] = (rgba[from + 1] * alpha) / 255;
      data[to + 2] = (rgba[from + 2] * alpha) / 255;
    }
  }
  return { width: image.width, height: image.height, data };
}

/** EXIF orientation 1 to 8; 1 where there is none, or where the EXIF data cannot be read. */
async function orientationOf(exif: Uint8Array | null): Promise<number> {
  if (!exif) return 1;
  try {
    const value = await exifr.orientation(exif);
    return value && value >= 1 && value <= 8 ? value : 1;
  } catch {
    return 1;
  }
}

const decoders = {
  jpeg: [jpegDecoder.default, 'jpegDecoder', 'JPEG'],
  png: [pngDecoder.decode, 'png', 'PNG'],
  webp: [webpDecoder.default, 'webpDecoder', 'WebP'],
} as const;

/**
 * Decodes a JPEG, PNG or WebP file. EXIF orientation is applied; alpha is laid over black; grey,
 * palette and 16-bit pictures become 8-bit RGB. Colour profiles are not applied.
 * @param name the file's name, for messages
 * @throws LlsmError for what is not such a file, is above 100 megapixels, or is cut short or
 *   damaged, also where a decoder would fill the missing part with grey.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  const header = readHeader(bytes, name);
  const decoded = inTurn(() => decodePixels(bytes, header.format, name));
  return orient(withoutAlpha(await decoded), await orientationOf(header.exif));
}

/** One decoding after the other, so that complaints belong to the file that caused them. */
let turn: Promise<unknown> = Promise.resolve();
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => {});
  return result;
}

async function decodePixels(
  bytes: Uint8Array,
  format: ImageHeader['format'],
  name: string,
): Promise<ImageData> {
  const [decode, codec, title] = decoders[format];
  await need(codec);
  complaints = [];
  let decoded: ImageData;
  try {
    decoded = await decode(bytes as unknown as ArrayBuffer);
  } catch (error) {
    ready.delete(codec); // after an abort the instance is not to be trusted
    const reason = complaints.join('; ') || (format === 'jpeg' ? messageOf(error) : '');
    throw new LlsmError(
      `${name}: the ${title} cannot be decoded${reason ? ` (${reason})` : ': its image data are damaged or cut short'}. Get the file again, or convert it.`,
    );
  }
  // libjpeg goes on after these, and fills what is missing.
  const damage = complaints.find((line) =>
    /^(Premature end|Corrupt JPEG(?!.*extraneous))/.test(line),
  );
  if (damage) {
    throw new LlsmError(
      `${name}: the JPEG is cut short or damaged (${damage.trim()}). Get the file again.`,
    );
  }
  return decoded;
}

/**
 * Encodes as a baseline JPEG with the tables of ITU-T T.81 Annex K and 4:2:0 chroma.
 * @param quality 1 to 100, on libjpeg's scale
 */
export async function encodeJpeg(image: RgbImage, quality: number): Promise<Uint8Array> {
  await need('jpegEncoder');
  const rgba = new Uint8ClampedArray(image.width * image.height * 4).fill(255);
  for (let from = 0, to = 0; from < image.data.length; from += 3, to += 4) {
    rgba[to] = image.data[from];
    rgba[to + 1] = image.data[from + 1];
    rgba[to + 2] = image.data[from + 2];
  }
  const { width, height } = image;
  const options = {
    quality,
    baseline: true,
    progressive: false,
    quant_table: 0,
    auto_subsample: false,
    chroma_subsample: 2,
  };
  const source = { width, height, data: rgba, colorSpace: 'srgb' } as ImageData;
  return new Uint8Array(await jpegEncoder.default(source, options));
}

/** The image after one trip through JPEG at this quality. */
export async function throughJpeg(image: RgbImage, quality: number): Promise<RgbImage> {
  return decodeImage(await encodeJpeg(image, quality), 'JPEG');
}

/**
 * A mask from a decoded picture: its grey values.
 * @throws LlsmError naming the file, where the picture is coloured.
 */
export function greyOf(image: RgbImage, name: string): GreyImage {
  const data = new Uint8ClampedArray(image.width * image.height);
  for (let i = 0; i < data.length; i++) {
    const value = image.data[i * 3];
    if (value !== image.data[i * 3 + 1] || value !== image.data[i * 3 + 2]) {
      throw new LlsmError(
        `${name}: a mask must be grey (0 untouched, 255 altered), but pixel ${i % image.width}, ${Math.floor(i / image.width)} is coloured.`,
      );
    }
    data[i] = value;
  }
  return { width: image.width, height: image.height, data };
}
