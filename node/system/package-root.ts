/** Folder of the package, whatever chunk the bundler has put the caller into (Node only). */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LlsmError } from '../../src/base/errors.ts';

/**
 * The folder of this package: a checkout's root, or node_modules/llsm.
 * @throws LlsmError where the code was copied out of its package
 */
export function packageRoot(): string {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    if (nameIn(join(folder, 'package.json')) === 'llsm') return folder;
    if (folder === dirname(folder)) {
      throw new LlsmError(
        `${here} lies in no folder of the package llsm, and needs files from there: ` +
          'call it from its checkout, or from where npm installed it',
      );
    }
  }
}

/** The name in a package.json; undefined where there is none to read. */
function nameIn(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))?.name;
  } catch {
    return undefined;
  }
}
