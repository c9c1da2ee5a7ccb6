/** The adapter for a folder of photographs. */
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import type { Split } from '../../src/faces/manifest.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import type { Shares } from '../../src/faces/splits.ts';
import { picturesIn } from '../files/image.ts';
import type { Clip, Drop, Listing } from './clip.ts';
import { makeSet, type SetOptions, type SetResult } from './make-set.ts';

export interface FolderOptions extends Pick<SetOptions, 'workers' | 'progress' | 'finder'> {
  faces: FacePlace | 'auto';
  /** Side of the crops that are written, in pixels. */
  size: number;
  label: 0 | 1;
  /** A folder with a mask of the same name for each picture; null: masks are not known. */
  masks: string | null;
  method: string | null;
  dataset: string;
  /** Who is on a picture: its name without a final number, its folder, or not known. */
  people: 'file-stem' | 'folder' | 'none';
  /** Put before each person's id, where two sets use the same ids for different people. */
  personPrefix: string;
  /** One split for all, or the shares of people for validation and test. */
  split: Split | Shares;
  seed: number;
  /** Names (of people or of files without extension) to take; null: all. */
  list: string[] | null;
  /** At most so many pictures, in the order of their names. */
  limit: number;
}

/**
 * Names to take: the first tab- or comma-separated column of each line. A first line that only says how many
 * lines follow (as in LFW's peopleDevTrain.txt) is passed over.
 * @throws LlsmError where the file cannot be read or names nothing.
 */
export async function readNameList(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const names = lines.map((line) => line.split(/[\t,]/)[0].trim());
  if (lines.length > 1 && Number(lines[0]) === lines.length - 1) names.shift();
  if (names.length === 0) throw new LlsmError(`${path} lists no names, one a line.`);
  return names;
}

const withoutEnding = (path: string) => path.slice(0, path.length - extname(path).length);
const stemOf = (path: string) => basename(withoutEnding(path));

/** `Ann_Lee_0003.jpg` is a picture of Ann_Lee. */
const personOfStem = (stem: string) => stem.replace(/(?<=.)_\d+$/, '');

function personOf(path: string, people: FolderOptions['people']): string | null {
  if (people === 'none') return null;
  if (people === 'file-stem') return personOfStem(stemOf(path));
  const parts = path.split('/');
  return parts.length > 1 ? parts[parts.length - 2] : null;
}

/** By person, so that nobody is in two splits, and independent of who else is there. */
function splitOf(key: string, { split, seed }: FolderOptions): Split {
  if (typeof split === 'string') return split;
  const draw = new Random(seed, `split of ${key}`).next();
  if (draw < split.val) return 'val';
  return draw < split.val + split.test ? 'test' : 'train';
}

/** Those of the pictures that the list names; what it names in vain is told. */
function takeListed(
  paths: string[],
  { list, people }: FolderOptions,
): { taken: string[]; missing: Drop[] } {
  if (!list) return { taken: paths, missing: [] };
  const wanted = new Set(list);
  const found = new Set<string>();
  const taken = paths.filter((path) => {
    const hits = [stemOf(path), personOf(path, people), personOfStem(stemOf(path))];
    const hit = hits.find((name) => name !== null && wanted.has(name));
    if (hit) found.add(hit);
    return hit;
  });
  const reason = 'listed, but there is no picture of that name';
  const missing = list.filter((name) => !found.has(name)).map((file) => ({ file, reason }));
  return { taken, missing };
}

/** Each picture is a clip of its own. @throws LlsmError where a folder cannot be read or holds no pictures */
function listPictures(folder: string, options: FolderOptions): Listing {
  const { label, dataset, method, people, personPrefix } = options;
  const paths = picturesIn(folder);
  if (paths.length === 0) throw new LlsmError(`${folder} holds no JPEG, PNG or WebP pictures.`);
  const { taken, missing } = takeListed(paths, options);
  const masks = new Map<string, string>();
  for (const path of options.masks === null ? [] : picturesIn(options.masks)) {
    masks.set(withoutEnding(path), join(options.masks as string, path));
  }
  const clips: Clip[] = [];
  const dropped: Drop[] = [...missing];
  const named = new Map<string, string>();
  for (const path of taken.slice(0, options.limit)) {
    const stem = withoutEnding(path);
    const name = stem.replaceAll('/', '__');
    const person = personOf(path, people);
    const mask = masks.get(stem) ?? null;
    const other = named.get(name);
    named.set(name, other ?? path);
    const reason = other
      ? `${other} has the same name`
      : person === null && people === 'folder'
        ? 'it lies in no folder of a person (--people folder)'
        : mask === null && options.masks !== null
          ? `there is no mask ${stem}.* in ${options.masks}`
          : undefined;
    if (reason) {
      dropped.push({ file: path, reason });
      continue;
    }
    const id = person === null ? null : personPrefix + person;
    const picture = { path: join(folder, path), name, frame: 0, mask, landmarks: null };
    clips.push({
      name: path,
      source: { pictures: [picture] },
      face: {
        label,
        video: [dataset, ...(method ? [method] : []), stem].join('/'),
        people: id === null ? [] : [id],
        dataset,
        method,
        split: splitOf(id ?? stem, options),
      },
    });
  }
  return { folder, clips, dropped, notes: [] };
}

/**
 * Writes a data set from the pictures in a folder; continues one that is there.
 * @throws LlsmError where nothing is found, nothing can be used, or `out` was made otherwise.
 */
export async function makeFolderSet(
  folder: string,
  out: string,
  options: FolderOptions,
): Promise<SetResult> {
  const { label, method, dataset, people, personPrefix, split, seed } = options;
  return makeSet(
    out,
    {
      command: 'data folder',
      ...{ label, method, dataset, people, personPrefix, split, seed },
    },
    listPictures(folder, options),
    { ...options, frames: 1, maskThreshold: null, needMasks: true },
  );
}
