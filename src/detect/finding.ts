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
  /**
   * The reason why nothing is said; null where something is. Of a video that breaks off, what was said
   * until then stays beside it.
   */
  error: { message: string } | null;
}

/** A face of a video's frame. Most are seen in one view, a few of each track in all. */
export interface VideoFace extends FaceFinding {
  /** The frame's number in the video, from 0, and its time in seconds from the first frame. */
  frame: number;
  time: number;
  /** The place of its track in `tracks`, from 0. */
  track: number;
}

/** A frame that was looked at. */
export interface FrameFinding {
  frame: number;
  time: number;
  /** How many faces were found. */
  faces: number;
  /** The highest probability of its faces; null without one that could be asked. */
  probability: number | null;
  /** Whether it begins a new shot: a cut ends all tracks. */
  cut: boolean;
}

/** One face in the course of time. */
export interface TrackFinding {
  /** The places of its faces in the finding's `faces`, in the order of time. */
  faces: number[];
  /** The faces that the network was asked about. */
  scores: { time: number; frame: number; probability: number }[];
  /** The scores pooled by the finding's `videoScore`; null where all are too small to ask. */
  probability: number | null;
  verdict: FaceVerdict;
  /** The reason for a verdict that the probability alone does not give; in words. */
  note: string | null;
}

/** Where the time went, in seconds; the parts follow one another, and decoding goes on beside all of them. */
export interface VideoTimes {
  total: number;
  /** Waiting for frames: what decoding took longer than the rest. */
  decode: number;
  /** The network that finds faces, with the frame made small for it. */
  find: number;
  /** Tracks, and cutting the faces. */
  prepare: number;
  /** The detector, with its views. */
  network: number;
  /** What was done with each frame: keeping, drawing and writing it. */
  write: number;
}

/** Names of a video's pictures, relative to the folder of results. */
export interface VideoPictures {
  timeline?: string;
  video?: string;
}

/** One video and what is said of it. */
export interface VideoFinding extends Finding {
  kind: 'video';
  /** All faces of all frames that were looked at, in their order. */
  faces: VideoFace[];
  frames: FrameFinding[];
  tracks: TrackFinding[];
  /** The highest probability of its tracks, of those of three frames and more where there are any; null without one. */
  probability: number | null;
  /** The rule by which a track's scores became one. */
  videoScore: string;
  times: VideoTimes;
  pictures?: VideoPictures;
}

export const isVideo = (finding: Finding): finding is VideoFinding => finding.kind === 'video';

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
