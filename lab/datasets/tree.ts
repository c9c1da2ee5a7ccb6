/** Folders of videos, with errors that say what is missing. */
import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

/**
 * What a folder holds, sorted; hidden names are left out.
 * @param advice what to do where it is missing
 * @throws LlsmError where it is missing, no folder, or cannot be read
 */
export function namesIn(folder: string, advice: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new LlsmError(`${folder} does not exist. ${advice}`);
    if (code === 'ENOTDIR') throw new LlsmError(`${folder} is not a folder. ${advice}`);
    throw new LlsmError(`${folder} cannot be read: ${messageOf(error)}`);
  }
}

export const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The .mp4 files of a folder by their names without the ending, sorted; errors as `namesIn`. */
export function videosIn(folder: string, advice: string): Map<string, string> {
  const names = namesIn(folder, advice).filter((name) => extname(name).toLowerCase() === '.mp4');
  return new Map(names.map((name) => [name.slice(0, -4), join(folder, name)]));
}
