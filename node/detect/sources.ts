/** The files that a command was pointed at (Node only). */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { filesIn, pictureName } from '../files/image.ts';

/** A picture or a video to look at, or why there is none. */
export interface Source {
  path: string;
  video?: true;
  /** The name of its pictures without the ending; unlike any other source's. */
  stem: string;
  error?: string;
}

/** Endings of the videos that are read. */
const videoName = /\.(mp4|m4v|mov|mkv|webm|avi)$/i;

/** Bytes by which a file is told to be a video, whatever it is called. */
const beginning = 12;

/** Kinds of pictures that begin as an MP4 does. */
const stills = ['heic', 'heix', 'mif1', 'avif'];

/** Whether a file is to be read as a video: by its name's ending, else by its first bytes. */
export function isVideoFile(path: string): boolean {
  if (videoName.test(path)) return true;
  if (pictureName.test(path)) return false;
  const bytes = Buffer.alloc(beginning);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, bytes, 0, beginning, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // Whoever reads it says what is wrong.
  }
  const text = bytes.toString('latin1');
  if (text.startsWith('\x1a\x45\xdf\xa3')) return true; // Matroska and WebM
  if (text.startsWith('RIFF')) return text.slice(8, 12) === 'AVI ';
  return text.slice(4, 8) === 'ftyp' && !stills.includes(text.slice(8, 12));
}

/**
 * The files named, and the pictures and videos under the folders named, sorted and each once. Hidden files and
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
    const video = error === undefined && isVideoFile(path);
    sources.push({ path, stem, ...(video && { video }), ...(error !== undefined && { error }) });
  };
  const written = out === undefined ? undefined : resolve(out) + sep;
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      add(path, basename(path));
      continue;
    }
    let found: string[];
    try {
      found = filesIn(path, (name) => pictureName.test(name) || videoName.test(name)).filter(
        (name) => !written || !resolve(path, name).startsWith(written),
      );
    } catch (error) {
      add(path, basename(resolve(path)), messageOf(error));
      continue;
    }
    if (found.length === 0) {
      add(
        path,
        basename(resolve(path)),
        `${path} holds no JPEG, PNG or WebP pictures and no videos.`,
      );
    }
    for (const name of found) add(join(path, name), name);
  }
  return sources;
}
