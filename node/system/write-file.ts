/** Files that are either there whole or not there (Node only). */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

/** Middle of the name of a file that is not yet whole: its name, this, and the process's id. */
export const PART = '.part-';

/**
 * Writes a file aside, syncs it, renames it into place and syncs the folder: whatever ends the
 * process or the machine meanwhile, `path` holds its old content or its new one.
 *
 * @throws LlsmError naming the file
 */
export function writeFileWhole(path: string, parts: readonly (Uint8Array | string)[]): void {
  const aside = `${path}${PART}${process.pid}`;
  try {
    const file = openSync(aside, 'w');
    try {
      for (const part of parts) writeAll(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(aside, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(aside, { force: true });
    throw new LlsmError(`${path} cannot be written: ${messageOf(error)}`);
  }
}

/** Makes a folder for results, before the work. @throws LlsmError naming it */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new LlsmError(`${path} cannot be made: ${messageOf(error)}`);
  }
}

/**
 * For before the work whose result goes there.
 * @throws LlsmError where the file's folder is missing
 */
export function checkFolderOf(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw new LlsmError(`${path} cannot be written: there is no folder ${folder}`);
  }
}

function writeAll(file: number, part: Uint8Array | string) {
  const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : part;
  // One write may take less than it was given, and never more than 2 GiB.
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Makes renames and new names in a folder last; Windows does so itself and refuses the call. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
