/**
 * What an adapter finds in a data set's folder, and what becomes of it. An adapter only lists clips;
 * extract.ts makes faces of one, make-set.ts a data set of all.
 */
import type { Face, FaceInput, Split } from '../../src/faces/manifest.ts';
import type { Box } from '../../src/image/pixels.ts';

/** A frame that is a picture file already. */
export interface Picture {
  path: string;
  /** What its face is called in the data set, without ending. */
  name: string;
  frame: number;
  mask: string | null;
  /** A .npy file of 68 or 81 points, or the five of the manifest in pixels of the picture. */
  landmarks: string | Face['landmarks'];
  /** Where the face is, in pixels of the picture; absent: not known. */
  box?: Box;
}

/** A video, or the pictures of one: the unit of work, of resuming and of the summary. */
export interface Clip {
  /** Its path inside the data set's folder. Unlike any other clip's. */
  name: string;
  source:
    | {
        video: string;
        /** A video of the same frames that is white where they were altered. */
        mask: string | null;
        /** Likewise, of this face though maybe of another forgery of it: says where the face is. */
        mark: string | null;
        /**
         * The video that this one was made from, frame by frame: faces are looked for there, so that
         * an original and its forgeries are cut alike. null: this one is looked at itself.
         */
        original: string | null;
      }
    | { pictures: Picture[] };
  /** What all of its faces have in common. */
  face: Required<Pick<FaceInput, 'label' | 'video' | 'people' | 'dataset' | 'method' | 'split'>>;
}

/** Something that was left out, and why. */
export interface Drop {
  /** Path inside the data set's folder, or what a list names. */
  file: string;
  /** One frame of it; absent: all. */
  frame?: number;
  /** The face was kept without this; absent: it was not kept. */
  part?: 'mask' | 'landmarks';
  reason: string;
}

/** What an adapter found. */
export interface Listing {
  /** The folder that was read, for messages. */
  folder: string;
  clips: Clip[];
  dropped: Drop[];
  /** What else whoever uses the data should know of how it was read. */
  notes: string[];
}

/** What an item is left out for. */
export class Dropped extends Error {}

/** The frames of a video as pictures are called so, in one folder for all videos. */
export const pictureName = (video: string, frame: number): string =>
  `${video.replaceAll('/', '__')}__${String(frame).padStart(5, '0')}`;

const splitOrder: Split[] = ['test', 'val', 'train'];

/**
 * Nobody is in two splits: a clip with a person who is also in the test split, or, for one of the
 * training split, in the validation split, is left out.
 */
export function keepApart(listing: Listing): Listing {
  const splitOf = new Map<string, Split>();
  const dropped: Drop[] = [];
  const kept = new Set<Clip>();
  for (const split of splitOrder) {
    const clips = listing.clips.filter((clip) => clip.face.split === split);
    for (const clip of clips) {
      const shared = clip.face.people.find((id) => splitOf.has(id));
      if (shared === undefined) kept.add(clip);
      else {
        const reason = `its person ${shared} is in split ${splitOf.get(shared)} too, and nobody may be in two`;
        dropped.push({ file: clip.name, reason: `of split ${split}: ${reason}` });
      }
    }
    for (const clip of clips) {
      if (kept.has(clip)) for (const id of clip.face.people) splitOf.set(id, split);
    }
  }
  if (dropped.length === 0) return listing;
  const clips = listing.clips.filter((clip) => kept.has(clip));
  return { ...listing, clips, dropped: [...listing.dropped, ...dropped] };
}
