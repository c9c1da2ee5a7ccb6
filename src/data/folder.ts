/** The adapter for a folder of photographs: crops faces and writes a data set. */
import { readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { LlsmError, messageOf } from '../errors.ts';
import { Random } from '../random.ts';
import { writeFileWhole } from '../write-file.ts';
import { type FacePlace, faceBox } from './crops.ts';
import type { GreyImage, RgbImage } from './image.ts';
import { encodePng, picturesIn, readImage, readMask } from './image-node.ts';
import type { FaceInput, Split } from './manifest.ts';
import { ManifestWriter } from './manifest-node.ts';
import { type Box, resample, resize } from './pixels.ts';

export interface FolderOptions {
  faces: FacePlace;
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
  split: Split | { val: number; test: number };
  seed: number;
  /** Names (of people or of files without extension) to take; null: all. */
  list: string[] | null;
  /** At most so many pictures, in the order of their names. */
  limit: number;
}

export interface FolderResult {
  written: number;
  /** Of an earlier run with the same options. */
  kept: number;
  splits: Record<Split, number>;
  people: number;
  dropped: { file: string; reason: string }[];
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

const stemOf = (path: string) => basename(path).slice(0, -extname(path).length);

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

class Dropped extends Error {}

async function cropMask(path: string, image: RgbImage, box: Box, size: number): Promise<GreyImage> {
  const mask = await readMask(path);
  if (mask.width !== image.width || mask.height !== image.height) {
    throw new Dropped(
      `its mask is ${mask.width} x ${mask.height}, the picture ${image.width} x ${image.height}`,
    );
  }
  const data = resample(mask, 1, box, size, size, new Uint8ClampedArray(size * size));
  if (!data.some((value) => value > 127))
    throw new Dropped('its mask marks nothing in the face crop');
  return { width: size, height: size, data };
}

/** The options that decide a set's content: continuing with others is refused. */
const decisive = ({
  faces,
  size,
  label,
  method,
  dataset,
  people,
  personPrefix,
  split,
  seed,
}: FolderOptions) => ({
  command: 'data folder',
  ...{ faces, size, label, method, dataset, people, personPrefix, split, seed },
});

/**
 * Writes a data set from the pictures in a folder; continues one that is there.
 * @param progress told after each picture
 * @throws LlsmError where nothing is found, nothing can be used, or `out` was made otherwise.
 */
export async function makeFolderSet(
  folder: string,
  out: string,
  options: FolderOptions,
  progress: (done: number, total: number) => void = () => {},
): Promise<FolderResult> {
  const dropped: FolderResult['dropped'] = [];
  let paths = picturesIn(folder);
  if (paths.length === 0) {
    throw new LlsmError(`${folder} holds no JPEG, PNG or WebP pictures.`);
  }
  if (resolve(out) === resolve(folder)) {
    throw new LlsmError(`--out must be another folder than the pictures' own (${folder}).`);
  }
  if (options.list) {
    const wanted = new Set(options.list);
    const found = new Set<string>();
    paths = paths.filter((path) => {
      const hits = [stemOf(path), personOf(path, options.people), personOfStem(stemOf(path))];
      const hit = hits.find((name) => name !== null && wanted.has(name));
      if (hit) found.add(hit);
      return hit;
    });
    for (const name of options.list) {
      if (!found.has(name))
        dropped.push({ file: name, reason: 'listed, but there is no picture of that name' });
    }
  }
  paths = paths.slice(0, options.limit);
  const masks = new Map<string, string>();
  if (options.masks !== null) {
    for (const path of picturesIn(options.masks)) {
      masks.set(path.slice(0, -extname(path).length), join(options.masks, path));
    }
  }
  const writer = await ManifestWriter.open(out, decisive(options));
  const splits = { train: 0, val: 0, test: 0 };
  const everybody = new Set<string>();
  const count = (face: { split: Split; people?: string[] }) => {
    splits[face.split]++;
    for (const person of face.people ?? []) everybody.add(person);
  };
  const have = new Set(writer.existing.map((face) => face.image));
  for (const face of writer.existing) count(face);
  const named = new Map<string, string>();
  let written = 0;
  try {
    for (const [done, path] of paths.entries()) {
      const name = `${path.slice(0, -extname(path).length).replaceAll('/', '__')}.png`;
      const other = named.get(name);
      named.set(name, other ?? path);
      if (other) {
        dropped.push({ file: path, reason: `${other} has the same name` });
      } else if (!have.has(`images/${name}`)) {
        try {
          count(await writeFace(writer, folder, path, name, masks, options));
          written++;
        } catch (error) {
          if (!(error instanceof Dropped)) throw error;
          dropped.push({ file: path, reason: error.message });
        }
      }
      progress(done + 1, paths.length);
    }
  } finally {
    await writer.close();
  }
  const lines = dropped.map((entry) => `${JSON.stringify(entry)}\n`);
  writeFileWhole(join(out, 'dropped.jsonl'), lines);
  if (written + writer.existing.length === 0) {
    throw new LlsmError(
      `none of ${paths.length} pictures in ${folder} could be used${dropped.length ? `: ${dropped[0].file}: ${dropped[0].reason}` : ''}. All reasons are in ${join(out, 'dropped.jsonl')}.`,
    );
  }
  return { written, kept: writer.existing.length, splits, people: everybody.size, dropped };
}

async function writeFace(
  writer: ManifestWriter,
  folder: string,
  path: string,
  name: string,
  masks: Map<string, string>,
  options: FolderOptions,
): Promise<FaceInput> {
  const { size, label, dataset, method } = options;
  const stem = path.slice(0, -extname(path).length);
  const person = personOf(path, options.people);
  if (person === null && options.people === 'folder') {
    throw new Dropped('it lies in no folder of a person (--people folder)');
  }
  let image: RgbImage;
  let mask: GreyImage | null = null;
  try {
    image = await readImage(join(folder, path));
    const box = faceBox(image.width, image.height, options.faces);
    if (Math.min(box[2], box[3]) < 32) {
      throw new Dropped(
        `its face crop has only ${Math.floor(box[2])} x ${Math.floor(box[3])} pixels (32 is the least)`,
      );
    }
    if (options.masks !== null) {
      const maskPath = masks.get(stem);
      if (!maskPath) throw new Dropped(`there is no mask ${stem}.* in ${options.masks}`);
      mask = await cropMask(maskPath, image, box, size);
    }
    image = resize(image, size, size, box);
  } catch (error) {
    if (error instanceof LlsmError) throw new Dropped(error.message);
    throw error;
  }
  writeFileWhole(join(writer.folder, 'images', name), [encodePng(image)]);
  if (mask) writeFileWhole(join(writer.folder, 'masks', name), [encodePng(mask)]);
  const id = person === null ? null : options.personPrefix + person;
  const face: FaceInput = {
    image: `images/${name}`,
    label,
    mask: mask && `masks/${name}`,
    video: [dataset, ...(method ? [method] : []), stem].join('/'),
    people: id === null ? [] : [id],
    dataset,
    method,
    split: splitOf(id ?? stem, options),
  };
  await writer.append(face);
  return face;
}
