/** Files that are either whole or not there. */
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LlsmError, messageOf } from '../errors.ts';

/**
 * Writes aside, syncs, renames: whoever reads `path` sees the old bytes or all of the new ones.
 * @throws LlsmError naming the file.
 */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw new LlsmError(`${path} cannot be written: ${messageOf(error)}`);
  }
}
