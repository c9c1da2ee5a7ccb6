/** What the process that looks at files and the one that started it say to each other. */
import type { HashKind, ScanLine, ScanTask } from './line.ts';
import type { VideoPart } from './video.ts';

/** To the process that looks at files. */
export type ToExaminer =
  /** A file to look at. */
  | { id: number; task: ScanTask }
  /** The answer to whether a file is wanted. */
  | { id: number; wanted: boolean; parts: VideoPart[] }
  /** The part of a video that was told is kept, or could not be. */
  | { id: number; kept: boolean }
  /** Videos in hand shall end after their part. */
  | { stop: true };

/** What it says of itself once it can be asked. */
export interface Ready {
  adapter: string;
  /** Files to give it at once. */
  parallel: number;
  /** The threshold of its verdicts. */
  threshold: ScanLine['threshold'];
}

/** From it. */
export type FromExaminer =
  /** It can be asked from now on. */
  | { ready: Ready }
  /** The bytes of a file are known, or its pixels: are they wanted? */
  | { id: number; hash: string; of: HashKind }
  /** A part of a video was looked at. */
  | { id: number; of: string; part: VideoPart }
  /** A file's line; null where it was not wanted. */
  | { id: number; line: ScanLine | null }
  /** Another try may fare better. */
  | { id: number; again: string }
  /** Nothing can be looked at, for this reason; it ends. */
  | { fatal: string; expected: boolean }
  | { note: string };
