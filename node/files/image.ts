/** Image files in Node: where the codecs are, reading with clear errors, writing PNG. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';
import { PNG } from 'pngjs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { codecFiles, decodeImage, greyOf, provideCodecs } from '../../src/image/codecs.ts';
import { addPngText } from '../../src/image/png.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';

const require = createRequire(import.meta.url);
provideCodecs((codec) => new WebAssembly.Module(readFileSync(require.resolve(codecFiles[codec]))));

/**
 * The bytes of a file.
 * @throws LlsmError naming it, where it is missing, a folder, or cannot be read.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).isDirectory()) {
      throw new LlsmError(`${path} is a folder, not an image. Name a file inside it.`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof LlsmError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new LlsmError(`${path} does not exist. Check the name.`);
    }
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** Endings of the pictures that are read. */
export const pictureName = /\.(jpe?g|png|webp)$/i;

/** The JPEG, PNG and WebP files under a folder; see `filesIn`. */
export const picturesIn = (folder: string): string[] =>
  filesIn(folder, (name) => pictureName.test(name));

/**
 * The files under a folder whose names are wanted, as sorted relative paths with "/". Hidden files, and
 * what lies in hidden folders, are left out.
 * @throws LlsmError where it is no folder, or cannot be read
 */
export function filesIn(folder: string, wanted: (name: string) => boolean): string[] {
  let entries: Dirent[];
  try {
    if (!statSync(folder).isDirectory()) throw new LlsmError(`${folder} is not a folder.`);
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error instanceof LlsmError) throw error;
    throw new LlsmError(`${folder} cannot be read: ${messageOf(error)}`);
  }
  return entries
    .filter((entry) => !entry.isDirectory() && wanted(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep))
    .filter((parts) => !parts.some((part) => part.startsWith('.')))
    .map((parts) => parts.join('/'))
    .sort();
}

/** Reads and decodes a JPEG, PNG or WebP file; errors as `decodeImage` and `readBytes`. */
export async function readImage(path: string): Promise<RgbImage> {
  return decodeImage(await readBytes(path), path);
}

/** Reads a mask: a grey picture, 255 where altered. */
export async function readMask(path: string): Promise<GreyImage> {
  return greyOf(await readImage(path), path);
}

/**
 * A PNG file's bytes: 8-bit RGB, or 8-bit grey where there is one value a pixel.
 * @param text written as tEXt chunks (Latin-1)
 */
export function encodePng(
  image: RgbImage | GreyImage,
  text: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { width, height, data } = image;
  const colorType = data.length === width * height ? 0 : 2;
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const bytes = PNG.sync.write(png, {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: false,
    bitDepth: 8,
    filterType: 4,
  });
  return addPngText(bytes, text);
}
