/** What is said of a picture or a video: the JSON of `llsm detect`, of the library and of a scan's lines. */
import type { Point } from '../faces/place.ts';
import type { Box } from '../image/pixels.ts';
import type { ViewName } from './views.ts';

/** What is said of one face. `unsure` is an answer: the views disagree, or such scores often err. */
export type FaceVerdict = 'altered' | 'nothing found' | 'unsure' | 'face too small';

/** What is said of a whole picture, track or video. */
export type Verdict = FaceVerdict | 'no face found';

/** The probability that a face is forged, of the same face seen in another way. */
export interface View {
  name: ViewName;
  probability: number;
}

/** Names of a face's pictures, relative to the folder of results. */
export interface FacePictures {
  overlay?: string;
  dissimilarity?: string;
  cam?: string;
  panel?: string;
}

/** One face and what the network says of it. */
export interface FaceFinding {
  /** The face's box in pixels of the picture; null where the place was given (`--faces whole`). */
  box: Box | null;
  /** Right eye, left eye, nose, right and left corner of the mouth: the person's own sides. */
  landmarks: Point[] | null;
  /** The finder's name, and how sure it is that this is a face, 0 to 1. */
  finder: { name: string; score: number } | null;
  /** Probability that the face is forged, as it is; null where the face is too small to ask. */
  probability: number | null;
  verdict: FaceVerdict;
  /** The reason for a verdict that the probability alone does not give, or a caution; in words. */
  note: string | null;
  /** The face in each view, the picture as it is first; empty where the face is too small. */
  views: View[];
  /** Part of the face crop that the mask marks as altered, 0 to 1; null without a mask. */
  alteredShare: number | null;
  pictures?: FacePictures;
}

/** One file and what is said of it. */
export interface Finding {
  file: string;
  /** SHA-256 of the file's bytes, in hexadecimal; null where the file could not be read. */
  sha256: string | null;
  kind: 'image' | 'video';
  faces: FaceFinding[];
  /** Null where the file could not be looked at. */
  verdict: Verdict | null;
  /** The reason why nothing is said; null where something is. */
  error: { message: string } | null;
}

/**
 * The verdict on a picture from those on its faces: altered if any face is; else unsure if any is.
 * Where every face is too small to be asked, it is `face too small`; without a face, `no face found`.
 */
export function verdictOfAll(faces: readonly { verdict: FaceVerdict }[]): Verdict {
  const has = (verdict: FaceVerdict) => faces.some((face) => face.verdict === verdict);
  if (faces.length === 0) return 'no face found';
  for (const verdict of ['altered', 'unsure', 'nothing found'] as const) {
    if (has(verdict)) return verdict;
  }
  return 'face too small';
}
