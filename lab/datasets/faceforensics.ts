/**
 * The adapters for the tree of FaceForensics++ (dataset/README.md of ondyari/FaceForensics): its own
 * videos (ffpp), and Google's DeepFakeDetection in the same tree (dfd).
 */
import { join } from 'node:path';
import type { Clip, Drop, Listing } from '../../node/sets/clip.ts';
import { makeSet, type SetOptions, type SetResult } from '../../node/sets/make-set.ts';
import { Random } from '../../src/base/random.ts';
import type { Split } from '../../src/faces/manifest.ts';
import { type Shares, shareOut } from '../../src/faces/splits.ts';
import { officialPairs } from './ffpp-splits.ts';
import { isFolder, namesIn, videosIn } from './tree.ts';

/** As folders of the tree are called: none, and H.264 at a quantiser of 23 and of 40. */
export const compressions = ['raw', 'c23', 'c40'] as const;
export type Compression = (typeof compressions)[number];

export interface TreeOptions extends Omit<SetOptions, 'needMasks'> {
  compression: Compression;
  /** At most so many videos of each method, and of the originals. */
  limit: number;
}

/** Where a data set's videos are in the tree, and what their names say. */
interface Layout {
  dataset: string;
  /** The folder of the originals in original_sequences/. */
  originals: string;
  /** Folders in manipulated_sequences/; their masks say where a target's face is, the first first. */
  methods: readonly string[];
  /** What the name of an original and of a forged video says; undefined: it is named otherwise. */
  original(stem: string): Named | undefined;
  forged(stem: string): Named | undefined;
}

interface Named {
  people: string[];
  /** The original that a forged video was made from, or itself: frames of both show the same face. */
  target: string;
}

export const ffpp: Layout = {
  dataset: 'ffpp',
  originals: 'youtube',
  methods: ['Deepfakes', 'Face2Face', 'FaceSwap', 'NeuralTextures', 'FaceShifter'],
  original: (stem) => (/^\d{3}$/.test(stem) ? { people: [stem], target: stem } : undefined),
  forged(stem) {
    const [, target, source] = /^(\d{3})_(\d{3})$/.exec(stem) ?? [];
    return target ? { people: [target, source], target } : undefined;
  },
};

export const dfd: Layout = {
  dataset: 'dfd',
  originals: 'actors',
  methods: ['DeepFakeDetection'],
  original(stem) {
    const [, actor] = /^(\d{2})__./.exec(stem) ?? [];
    return actor ? { people: [actor], target: stem } : undefined;
  },
  forged(stem) {
    const [, target, source, scene] = /^(\d{2})_(\d{2})__(.+)__\w{8}$/.exec(stem) ?? [];
    return target ? { people: [target, source], target: `${target}__${scene}` } : undefined;
  },
};

/** The one method of FaceForensics++ that is taken only where it is asked for, and comes without masks. */
const laterMethod = 'FaceShifter';
/** What is taken where no methods are named. */
export const defaultMethods = ffpp.methods.filter((method) => method !== laterMethod);

/** Ids of people carry the data set's name: in another set the same number is somebody else. */
export const personId = (dataset: string, person: string): string => `${dataset}/${person}`;

interface Video extends Named {
  /** Inside the tree. */
  name: string;
  path: string;
  stem: string;
  /** null: an original. */
  method: string | null;
  mask: string | null;
  mark: string | null;
  /** null: it is one itself, or its original is not there. */
  original: string | null;
}

const masksOf = (folder: string, method: string): string =>
  join(folder, 'manipulated_sequences', method, 'masks', 'videos');

/** Where the videos of a method, or the originals, are in the tree. */
const partOf = ({ originals }: Layout, method: string | null, compression: Compression): string => {
  const part =
    method === null ? `original_sequences/${originals}` : `manipulated_sequences/${method}`;
  return `${part}/${compression}/videos`;
};

/** Where each target's face is: in the mask video of the first forgery of it that has one. */
function findMarks(folder: string, layout: Layout): Map<string, string> {
  const marks = new Map<string, string>();
  for (const method of layout.methods) {
    const masks = masksOf(folder, method);
    if (!isFolder(masks)) continue;
    for (const [stem, path] of videosIn(masks, '')) {
      const target = layout.forged(stem)?.target;
      if (target && !marks.has(target)) marks.set(target, path);
    }
  }
  return marks;
}

/** The videos of the tree in a compression. @throws LlsmError where a part that was asked for is not there */
function scan(
  folder: string,
  layout: Layout,
  methods: readonly string[],
  compression: Compression,
): { videos: Video[]; dropped: Drop[] } {
  const advice = `Name the folder that holds original_sequences/ and manipulated_sequences/, and a compression that is there (${compressions.join(', ')}).`;
  namesIn(folder, advice);
  const marks = findMarks(folder, layout);
  const originalsFolder = join(folder, partOf(layout, null, compression));
  const originals = new Map(
    [...videosIn(originalsFolder, advice)].flatMap(([stem, path]) => {
      const named = layout.original(stem);
      return named ? [[named.target, path] as const] : [];
    }),
  );
  const videos: Video[] = [];
  const dropped: Drop[] = [];
  for (const method of [null, ...methods]) {
    const within = partOf(layout, method, compression);
    const masks = method && isFolder(masksOf(folder, method)) ? masksOf(folder, method) : null;
    const maskOf = masks ? videosIn(masks, '') : new Map<string, string>();
    for (const [stem, path] of videosIn(join(folder, within), advice)) {
      const name = `${within}/${path.slice(join(folder, within).length + 1)}`;
      const named = method === null ? layout.original(stem) : layout.forged(stem);
      if (!named) {
        dropped.push({ file: name, reason: 'it is not named as the videos of this part are' });
        continue;
      }
      const mask = maskOf.get(stem) ?? null;
      const mark = marks.get(named.target) ?? null;
      const original = method === null ? null : (originals.get(named.target) ?? null);
      videos.push({ name, path, stem, method, mask, mark, original, ...named });
      if (method !== null && mask === null) {
        const reason = masks
          ? 'there is no mask video of its name'
          : `${method} has no mask videos`;
        dropped.push({ file: name, part: 'mask', reason });
      }
    }
  }
  return { videos, dropped };
}

/** Clips of the videos that have a split; a text says why one has none, null that it is not wanted. */
function listVideos(
  folder: string,
  { dataset, originals }: Layout,
  { videos, dropped: unusable }: { videos: Video[]; dropped: Drop[] },
  { compression, limit }: TreeOptions,
  splitOf: (video: Video) => Split | { reason: string } | null,
): Listing {
  const clips: Clip[] = [];
  const dropped: Drop[] = [];
  const taken = new Map<string | null, number>();
  for (const video of videos) {
    const { name, path, stem, method, mask, mark, original } = video;
    const split = splitOf(video);
    if (split === null) continue;
    if (typeof split === 'object') {
      dropped.push({ file: name, reason: split.reason });
      continue;
    }
    const count = taken.get(method) ?? 0;
    if (count === limit) continue;
    taken.set(method, count + 1);
    clips.push({
      name,
      source: { video: path, mask, mark, original },
      face: {
        label: method === null ? 0 : 1,
        video: [dataset, method ?? originals, compression, stem].join('/'),
        people: video.people.map((person) => personId(dataset, person)),
        dataset,
        method,
        split,
      },
    });
  }
  // Of a video that is not taken there is nothing to say about its mask.
  const kept = new Set(clips.map((clip) => clip.name));
  dropped.push(...unusable.filter(({ file, part }) => part === undefined || kept.has(file)));
  return { folder, clips, dropped, notes: [] };
}

export interface FfppOptions extends TreeOptions {
  methods: string[];
  /** The official splits to take. */
  splits: Split[];
}

/**
 * FaceForensics++ with its official splits. Videos of the splits that are not there are told.
 * @throws LlsmError as `makeSet`, and where a method or the compression is not there
 */
export async function makeFfppSet(
  folder: string,
  out: string,
  { methods, splits, ...options }: FfppOptions,
): Promise<SetResult> {
  const splitOf = new Map<string, Split>();
  for (const split of ['train', 'val', 'test'] as const) {
    for (const [a, b] of officialPairs(split)) {
      for (const name of [a, b, `${a}_${b}`, `${b}_${a}`]) splitOf.set(name, split);
    }
  }
  const { compression, limit } = options;
  const scanned = scan(folder, ffpp, methods, compression);
  const listing = listVideos(folder, ffpp, scanned, options, ({ stem }) => {
    const split = splitOf.get(stem);
    if (!split) return { reason: 'it is in none of the official splits' };
    return splits.includes(split) ? split : null;
  });
  if (limit === Number.POSITIVE_INFINITY) {
    const there = new Set(scanned.videos.map(({ stem, method }) => `${method}/${stem}`));
    for (const [stem, split] of splitOf) {
      if (!splits.includes(split)) continue;
      for (const method of stem.includes('_') ? methods : [null]) {
        if (there.has(`${method}/${stem}`)) continue;
        const file = `${partOf(ffpp, method, compression)}/${stem}.mp4`;
        listing.dropped.push({ file, reason: `in the official split ${split}, but not there` });
      }
    }
  }
  const made = { command: 'data ffpp', compression, methods, splits };
  return makeSet(out, made, listing, { ...options, needMasks: false });
}

export interface DfdOptions extends TreeOptions {
  /** One split for all, since the data set has no official one, or shares of the actors. */
  split: Split | Shares;
  seed: number;
}

/**
 * DeepFakeDetection. Where actors are shared out, a forgery between two splits is left out.
 * @throws LlsmError as `makeSet`, and where the compression is not there
 */
export async function makeDfdSet(
  folder: string,
  out: string,
  { split, seed, ...options }: DfdOptions,
): Promise<SetResult> {
  const { compression } = options;
  const scanned = scan(folder, dfd, dfd.methods, compression);
  const actors = [...new Set(scanned.videos.flatMap(({ people }) => people))].sort();
  const whole = typeof split === 'string';
  const drawn = whole ? [] : shareOut(actors.length, split, new Random(seed, 'actors of dfd'));
  const splitOf = new Map(actors.map((actor, k) => [actor, whole ? split : drawn[k]]));
  const listing = listVideos(folder, dfd, scanned, options, ({ people }) => {
    const [first, second = first] = people.map((actor) => splitOf.get(actor) as Split);
    if (first === second) return first;
    return { reason: `its actors ${people.join(' and ')} are in splits ${first} and ${second}` };
  });
  // Who is drawn depends on who is there, so a folder that has changed is another set.
  const made = { command: 'data dfd', compression, split, ...(!whole && { seed, actors }) };
  return makeSet(out, made, listing, { ...options, needMasks: false });
}
