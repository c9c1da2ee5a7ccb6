/** The files that a command was pointed at (Node only). */
import { statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { picturesIn } from '../files/image.ts';

/** A picture to look at, or why there is none. */
export interface Source {
  path: string;
  /** The name of its pictures without the ending; unlike any other source's. */
  stem: string;
  error?: string;
}

/**
 * The files named, and the pictures under the folders named, sorted and each once. Hidden files and
 * what lies under `out` are left out.
 */
export function listSources(paths: readonly string[], out?: string): Source[] {
  const sources: Source[] = [];
  const seen = new Set<string>();
  const stems = new Set<string>();
  const add = (path: string, name: string, error?: string) => {
    if (seen.has(resolve(path))) return;
    seen.add(resolve(path));
    const plain = name.slice(0, name.length - extname(name).length).replaceAll('/', '__');
    let stem = plain;
    for (let n = 2; stems.has(stem.toLowerCase()); n++) stem = `${plain}-${n}`;
    stems.add(stem.toLowerCase());
    sources.push({ path, stem, ...(error !== undefined && { error }) });
  };
  const written = out === undefined ? undefined : resolve(out) + sep;
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      add(path, basename(path));
      continue;
    }
    let found: string[];
    try {
      found = picturesIn(path).filter(
        (name) => !written || !resolve(path, name).startsWith(written),
      );
    } catch (error) {
      add(path, basename(resolve(path)), messageOf(error));
      continue;
    }
    if (found.length === 0) {
      add(path, basename(resolve(path)), `${path} holds no JPEG, PNG or WebP pictures.`);
    }
    for (const name of found) add(join(path, name), name);
  }
  return sources;
}
