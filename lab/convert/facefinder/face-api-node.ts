/** The face finder's file from the npm package's (Node only). */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFinder } from '../../../node/files/finder.ts';
import { writeFileWhole } from '../../../node/system/write-file.ts';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import type { FinderCheckpoint } from '../../../src/model/facefinder/checkpoint.ts';
import { networks, readFaceApi } from './face-api.ts';

/**
 * A face finder of the networks in a folder of the package `@vladmandic/face-api`.
 * @throws LlsmError where a file is missing, or is not as expected
 */
export function finderOfFaceApi(
  folder: string,
  detector: 'tiny' | 'ssd' = 'ssd',
  landmarks: 'tiny' | 'full' = 'tiny',
): FinderCheckpoint {
  const names = [detector, landmarks === 'tiny' ? 'landmarks_tiny' : 'landmarks'] as const;
  const tensors = new Map(
    names.flatMap((name) => {
      const { file, convert } = networks[name];
      const path = join(folder, 'model', file);
      const manifest = new TextDecoder().decode(read(`${path}-weights_manifest.json`));
      return [...convert(readFaceApi(manifest, read(`${path}.bin`), path))];
    }),
  );
  const licence = new TextDecoder().decode(read(join(folder, 'LICENSE')));
  return { detector, landmarks, tensors, licence };
}

/**
 * Writes the package's face finder, and the notice of its licence beside it.
 * @param out a name that ends in .safetensors
 * @throws LlsmError as `finderOfFaceApi`, or where a file cannot be written
 */
export function writeFinderOfFaceApi(folder: string, out: string): void {
  const finder = finderOfFaceApi(folder);
  writeFinder(out, finder);
  writeFileWhole(out.replace(/safetensors$/, 'LICENSE.txt'), [
    `${basename(out)} holds weights of @vladmandic/face-api (https://github.com/vladmandic/face-api),\n`,
    `converted to another format, under this licence:\n\n${finder.licence}`,
  ]);
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
}
