/** Face finders as files (Node only). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { type FinderOptions, NetworkFinder } from '../../src/faces/network-finder.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { type FinderCheckpoint, serialiseFinder } from '../../src/model/facefinder/checkpoint.ts';
import { packageRoot } from '../system/package-root.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** The path of the face finder that comes with the package, beside the page, which has it too; the build makes it. */
export const defaultFinder = (): string =>
  join(packageRoot(), 'dist', 'web', 'facefinder.safetensors');

/**
 * @param path the finder's file; without one, the package's own
 * @throws LlsmError naming the file, where it cannot be read or is no face finder, and as
 *   `NetworkFinder.build`
 */
export async function loadFinder(
  gpu: Gpu,
  path = defaultFinder(),
  options: FinderOptions = {},
): Promise<NetworkFinder> {
  let file: Uint8Array;
  try {
    file = readFileSync(path);
  } catch (error) {
    const own = path === defaultFinder();
    const how = own ? '. `npm ci`, then `npm run build`, make it in a checkout' : '';
    throw new LlsmError(`The face finder ${path} cannot be read: ${messageOf(error)}${how}`);
  }
  return NetworkFinder.load(gpu, file, path, options);
}

/** Writes whole or not at all. @throws LlsmError naming the file */
export function writeFinder(path: string, checkpoint: FinderCheckpoint): void {
  writeFileWhole(path, serialiseFinder(checkpoint));
}
