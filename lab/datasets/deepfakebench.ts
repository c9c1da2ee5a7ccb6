/**
 * The adapter for data that DeepfakeBench has preprocessed: frames cut and aligned to 256 x 256, with
 * masks and landmarks beside them (preprocess.py), and its lists of them (rearrange.py).
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pickFrames } from '../../node/files/video.ts';
import {
  type Clip,
  type Drop,
  type Listing,
  type Picture,
  pictureName,
} from '../../node/sets/clip.ts';
import { makeSet, type SetOptions, type SetResult } from '../../node/sets/make-set.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { Split } from '../../src/faces/manifest.ts';
import { type BenchVideo, parseBenchList } from './bench-list.ts';
import { peopleOfCelebDf } from './celebdf.ts';
import { dfd, ffpp, personId } from './faceforensics.ts';
import { isFolder, namesIn } from './tree.ts';

export interface BenchOptions extends Omit<SetOptions, 'needMasks'> {
  /** List files, or folders of them; none: the .json files of the folder, or of dataset_json/ in it. */
  lists: string[];
  /** Of data sets that have several; the lists name no other for the rest. */
  compression: string;
  splits: Split[];
  /** At most so many videos of each label. */
  limit: number;
}

interface Kind {
  dataset: string;
  label: 0 | 1;
  method: string | null;
  /** The part of the data set, where it is not the method. */
  part?: string;
  people(stem: string): string[];
}

const ofTree =
  (layout: typeof ffpp, method: string | null) =>
  (stem: string): string[] =>
    ((method === null ? layout.original(stem) : layout.forged(stem))?.people ?? []).map((person) =>
      personId(layout.dataset, person),
    );

const treeKind = (layout: typeof ffpp, method: string | null): Kind => ({
  dataset: layout.dataset,
  label: method === null ? 0 : 1,
  method,
  part: method ?? layout.originals,
  people: ofTree(layout, method),
});

/** The people of the first version are among those of the second. */
const celebKinds = (bench: string, dataset: string): Record<string, Kind> => ({
  [`${bench}_real`]: { dataset, label: 0, method: null, people: peopleOfCelebDf },
  [`${bench}_fake`]: { dataset, label: 1, method: 'Celeb-synthesis', people: peopleOfCelebDf },
});

/** What DeepfakeBench's labels stand for; the rest are named `<data set>_real` and `<data set>_fake…`. */
const kinds: Record<string, Kind> = {
  'FF-real': treeKind(ffpp, null),
  'FF-DF': treeKind(ffpp, 'Deepfakes'),
  'FF-F2F': treeKind(ffpp, 'Face2Face'),
  'FF-FS': treeKind(ffpp, 'FaceSwap'),
  'FF-NT': treeKind(ffpp, 'NeuralTextures'),
  'FF-FH': treeKind(ffpp, 'FaceShifter'),
  DFD_real: treeKind(dfd, null),
  DFD_fake: treeKind(dfd, 'DeepFakeDetection'),
  ...celebKinds('CelebDFv1', 'celebdfv1'),
  ...celebKinds('CelebDFv2', 'celebdf'),
};

function kindOf({ label, list }: BenchVideo): Kind {
  if (Object.hasOwn(kinds, label)) return kinds[label];
  const [, dataset, real, method] = /^(.+)_(?:(real)|(fake\w*))$/i.exec(label) ?? [];
  if (!dataset) {
    throw new LlsmError(
      `${list}: label "${label}" is not known, and does not end in _real or _fake.`,
    );
  }
  const forged = real === undefined;
  const people = () => [];
  return { dataset: dataset.toLowerCase(), label: forged ? 1 : 0, method: method ?? null, people };
}

/** Finds listed paths, which begin where the bench lay when the list was written, in a folder. */
class PathFinder {
  readonly #folder: string;
  /** Leading parts that were to be left off, of the last path that was found. */
  #left = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A listed folder's path here; undefined where it is not there. */
  find(listed: string): string | undefined {
    const parts = listed.replaceAll('\\', '/').split('/');
    if (parts.includes('..')) return undefined;
    for (const left of [this.#left, ...parts.keys()]) {
      const path = join(this.#folder, ...parts.slice(left));
      if (left >= parts.length || !isFolder(path)) continue;
      this.#left = left;
      return path;
    }
    return undefined;
  }
}

const numberOf = (name: string, index: number): number =>
  Number(/(\d+)\.\w+$/.exec(name)?.[1] ?? index);

/** A video's wanted frames, with what lies beside them. */
function picturesOf(
  { frames, masks }: BenchVideo,
  { identity, folder, forged }: { identity: string; folder: string; forged: boolean },
  wanted: number,
  drop: (reason: string, part: Drop['part'], frame?: number) => void,
): Picture[] {
  const files = [...new Set(frames.map((path) => basename(path.replaceAll('\\', '/'))))];
  const numbered = files.map((name, index) => ({ name, frame: numberOf(name, index) }));
  numbered.sort((a, b) => a.frame - b.frame);
  // The bench finds masks and landmarks in the same way, whatever its lists say of them.
  const beside = (kind: string): string | null => {
    const place = /^(.*[/\\])frames([/\\].*)$/.exec(folder);
    return place && `${place[1]}${kind}${place[2]}`;
  };
  const holds = (path: string | null) => new Set(path && isFolder(path) ? namesIn(path, '') : []);
  const [maskFolder, markFolder] = [beside('masks'), beside('landmarks')];
  const [maskNames, markNames] = [holds(maskFolder), holds(markFolder)];
  if (forged && maskNames.size === 0) {
    const listed =
      masks.length > 0 ? `: ${masks.length} are listed, but ${maskFolder} has none` : '';
    drop(`it has no masks${listed}`, 'mask');
  }
  if (markNames.size === 0) drop('it has no landmarks', 'landmarks');
  return pickFrames(numbered.length, wanted).map((pick) => {
    const { name, frame } = numbered[pick];
    const points = name.replace(/\.\w+$/, '.npy');
    const mask = forged && maskFolder && maskNames.has(name) ? join(maskFolder, name) : null;
    const landmarks = markFolder && markNames.has(points) ? join(markFolder, points) : null;
    if (forged && !mask && maskNames.size > 0) drop(`there is no mask ${name}`, 'mask', frame);
    if (!landmarks && markNames.size > 0) drop(`there is no ${points}`, 'landmarks', frame);
    return {
      path: join(folder, name),
      name: pictureName(identity, frame),
      frame,
      mask,
      landmarks,
    };
  });
}

/** The part of a data set that a video's frames lie in: `Celeb-real` of `…/Celeb-real/frames/id0_0000/…`. */
const partIn = (path: string): string | undefined =>
  /([^/]+)\/frames\//.exec(path.replaceAll('\\', '/'))?.[1];

const splitOrder: Split[] = ['test', 'val', 'train'];

function listVideos(
  folder: string,
  videos: BenchVideo[],
  { compression, splits, limit, frames }: BenchOptions,
): Listing {
  const dropped: Drop[] = [];
  const found = new Map<string, { video: BenchVideo; kind: Kind; listed: Set<Split> }>();
  for (const video of videos) {
    if (video.compression !== null && video.compression !== compression) continue;
    const kind = kindOf(video);
    const part = kind.part ?? kind.method ?? partIn(video.frames[0] ?? '') ?? video.label;
    const inSet = [
      kind.dataset,
      part,
      ...(video.compression ? [video.compression] : []),
      video.stem,
    ];
    const identity = inSet.join('/');
    const known = found.get(identity);
    if (known) known.listed.add(video.split);
    else found.set(identity, { video, kind, listed: new Set([video.split]) });
  }
  const clips: Clip[] = [];
  const notes: string[] = [];
  const taken = new Map<string, number>();
  const several = new Map<string, number>();
  const finder = new PathFinder(folder);
  for (const [identity, { video, kind, listed }] of found) {
    const split = splitOrder.find((name) => listed.has(name)) as Split;
    if (!splits.includes(split)) continue;
    const drop = (reason: string, part?: Drop['part'], frame?: number) =>
      dropped.push({
        ...{ file: identity, ...(frame !== undefined && { frame }), ...(part && { part }) },
        reason,
      });
    const place = video.frames[0]?.replace(/[/\\][^/\\]*$/, '');
    const here = place && finder.find(place);
    if (!here) {
      drop(place ? `its frames ${place} are not in ${folder}` : 'it lists no frames');
      continue;
    }
    const count = taken.get(video.label) ?? 0;
    if (count === limit) continue;
    taken.set(video.label, count + 1);
    if (listed.size > 1) {
      const names = splitOrder.filter((name) => listed.has(name)).join(', ');
      several.set(names, (several.get(names) ?? 0) + 1);
    }
    const { dataset, label, method, people } = kind;
    const where = { identity, folder: here, forged: label === 1 };
    clips.push({
      name: identity,
      source: { pictures: picturesOf(video, where, frames, drop) },
      face: { label, video: identity, people: people(video.stem), dataset, method, split },
    });
  }
  for (const [names, count] of several) {
    notes.push(
      `${count} videos are listed in several splits (${names}) and were taken for the first of them`,
    );
  }
  return { folder, clips, dropped, notes };
}

const listsIn = (folder: string): string[] =>
  namesIn(folder, 'Name the folder of preprocessed data sets.')
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name));

/** @throws LlsmError where there is none */
function findLists(folder: string, given: string[]): string[] {
  if (given.length > 0) {
    const lists = given.flatMap((path) => (isFolder(path) ? listsIn(path) : [path]));
    if (lists.length > 0) return lists;
    throw new LlsmError(`${given.join(', ')} holds no lists (.json).`);
  }
  const inner = join(folder, 'dataset_json');
  const lists = listsIn(folder);
  if (lists.length === 0 && isFolder(inner)) lists.push(...listsIn(inner));
  if (lists.length > 0) return lists;
  throw new LlsmError(
    `${folder} holds no lists (.json, nor in dataset_json/). Name those that rearrange.py wrote with --lists.`,
  );
}

/**
 * Frames that DeepfakeBench has cut. Its lists often name a video in several splits: here it is in one,
 * test before val before train, and nobody of it in another.
 * @throws LlsmError as `makeSet` and `parseBenchList`
 */
export async function makeBenchSet(
  folder: string,
  out: string,
  options: BenchOptions,
): Promise<SetResult> {
  const lists = findLists(folder, options.lists);
  const videos = lists.flatMap((path) => {
    try {
      return parseBenchList(readFileSync(path, 'utf8'), path);
    } catch (error) {
      if (error instanceof LlsmError) throw error;
      throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
    }
  });
  const { compression, splits } = options;
  const made = { command: 'data deepfakebench', compression, splits };
  const names = lists.map((path) => basename(path)).sort();
  const listing = listVideos(folder, videos, options);
  return makeSet(out, { ...made, lists: names }, listing, { ...options, needMasks: false });
}
