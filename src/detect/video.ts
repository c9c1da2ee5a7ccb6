/** From a video's frames to what is said of its faces; the same in Node and in a page. */
import { LlsmError } from '../base/errors.ts';
import { appearanceOf, lookOf, Tracker } from '../faces/tracks.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { ExaminedFace, Examiner, FoundCrop } from './examiner.ts';
import {
  type FrameFinding,
  type TrackFinding,
  type VideoFace,
  type VideoFinding,
  type VideoTimes,
  verdictOfAll,
} from './finding.ts';
import { fewestFrames, judgeTrack, type VideoRule } from './pooling.ts';
import type { ViewName } from './views.ts';

/** A frame of a video. */
export interface TimedFrame {
  /** Its number in the video, from 0. */
  frame: number;
  /** Seconds from the video's first frame. */
  time: number;
  image: RgbImage;
}

/** A face of a frame with what it was judged by. */
export type SeenFace = Omit<ExaminedFace, 'finding'> & { finding: VideoFace };

/** A frame with what is said of its faces. */
export interface SeenFrame<P> extends FrameFinding {
  /** The size of the frame, which boxes are told on. */
  size: { width: number; height: number };
  seen: SeenFace[];
  /** What `keep` made of it. */
  picture: P;
}

export interface VideoOptions<P> {
  /** The video's name, for the finding. */
  file: string;
  sha256?: string | null;
  /** The rule for a track's probability (default `mean`, as `llsm eval` has it). */
  rule?: VideoRule;
  /** What is kept of a frame's picture for `onFrame`, until its faces are judged (default: nothing). */
  keep?: (image: RgbImage) => P;
  /** Told of each frame, in their order. */
  onFrame?: (frame: SeenFrame<P>) => void | Promise<void>;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** Frames that wait for their faces to be judged, at most. */
const mostWaiting = 8;

/** A track's faces number 1, 4, 16, 64, ... are seen in all views: few of a long track, one of any. */
function inAllViews(number: number): boolean {
  let next = 1;
  while (next < number) next *= 4;
  return next === number;
}

/**
 * Finds and judges the faces of a video, and puts them to tracks. Faces of several frames go in one
 * run of the network. Of a frame nothing is kept but its crops and what `keep` makes of it, and those
 * only until they are judged.
 * @param frames in the order of time; an LlsmError that they throw ends the video, is told in the
 *   finding, and what was found before stays
 * @throws LlsmError where the GPU failed, and what `onFrame` throws
 */
export async function examineVideo<P = undefined>(
  examiner: Examiner,
  frames: AsyncIterable<TimedFrame>,
  options: VideoOptions<P>,
): Promise<VideoFinding> {
  const { file, sha256 = null, rule = 'mean' } = options;
  const reading = new Reading(examiner, options);
  const error = await reading.readAll(frames);
  const { looked, faces } = reading;
  const tracks = tracksOf(faces, looked.length, { rule, threshold: examiner.threshold });
  const fewest = Math.min(fewestFrames, looked.length);
  const long = tracks.filter(({ scores }) => scores.length >= fewest);
  const scores = (long.length > 0 ? long : tracks).flatMap(({ probability }) => probability ?? []);
  const empty = looked.length === 0 ? `${file} holds no frames` : undefined;
  const message = error ?? empty;
  return {
    file,
    sha256,
    kind: 'video',
    faces,
    frames: looked,
    tracks,
    probability: scores.length > 0 ? Math.max(...scores) : null,
    verdict: looked.length > 0 ? verdictOfAll(tracks) : null,
    videoScore: rule,
    times: reading.times(),
    error: message === undefined ? null : { message },
  };
}

interface Waiting<P> {
  at: FrameFinding;
  size: { width: number; height: number };
  crops: FoundCrop[];
  tracks: number[];
  picture: P;
}

/** The frames until now. */
class Reading<P> {
  readonly looked: FrameFinding[] = [];
  readonly faces: VideoFace[] = [];
  readonly #tracker = new Tracker();
  /** Faces in each track. */
  readonly #lengths: number[] = [];
  readonly #spent: Omit<VideoTimes, 'total'> = {
    ...{ decode: 0, find: 0, prepare: 0, network: 0, write: 0 },
  };
  readonly #now: () => number;
  readonly #started: number;
  #waiting: Waiting<P>[] = [];

  constructor(
    private readonly examiner: Examiner,
    private readonly options: VideoOptions<P>,
  ) {
    this.#now = options.now ?? (() => performance.now());
    this.#started = this.#now();
  }

  times(): VideoTimes {
    return { total: (this.#now() - this.#started) / 1000, ...this.#spent };
  }

  async #timed<T>(part: keyof Omit<VideoTimes, 'total'>, work: () => T | Promise<T>): Promise<T> {
    const from = this.#now();
    try {
      return await work();
    } finally {
      this.#spent[part] += (this.#now() - from) / 1000;
    }
  }

  /** @returns the reason where the frames break off */
  async readAll(frames: AsyncIterable<TimedFrame>): Promise<string | undefined> {
    const iterator = frames[Symbol.asyncIterator]();
    let error: string | undefined;
    try {
      for (;;) {
        let next: IteratorResult<TimedFrame>;
        try {
          next = await this.#timed('decode', () => iterator.next());
        } catch (thrown) {
          if (!(thrown instanceof LlsmError)) throw thrown;
          error = thrown.message;
          break;
        }
        if (next.done) break;
        await this.#look(next.value);
        if (this.#isFull()) await this.#judge();
      }
      await this.#judge();
    } finally {
      await iterator.return?.();
    }
    return error;
  }

  #isFull(): boolean {
    const asked = this.#waiting.flatMap(({ crops }) => crops.filter(({ face }) => face !== null));
    const views = asked.reduce((sum, crop) => sum + crop.views.length, 0);
    return views >= this.examiner.detector.batch || this.#waiting.length >= mostWaiting;
  }

  async #look({ frame, time, image }: TimedFrame): Promise<void> {
    const { examiner } = this;
    const found = await this.#timed('find', () => examiner.finder.find(image));
    await this.#timed('prepare', () => {
      const seen = found.map((face) => ({ ...face, appearance: appearanceOf(image, face) }));
      const { tracks, cut } = this.#tracker.add(time, seen, lookOf(image));
      const crops = found.map((face, k) => examiner.cut(image, face, this.#viewsFor(tracks[k])));
      const at = { frame, time, faces: found.length, probability: null, cut };
      const size = { width: image.width, height: image.height };
      this.#waiting.push({ at, size, crops, tracks, picture: undefined as P });
    });
    const last = this.#waiting[this.#waiting.length - 1];
    last.picture = await this.#timed('write', () => this.options.keep?.(image) as P);
  }

  #viewsFor(track: number): readonly ViewName[] {
    const number = (this.#lengths[track] ?? 0) + 1;
    this.#lengths[track] = number;
    const { views } = this.examiner;
    return inAllViews(number) ? views : views.slice(0, 1);
  }

  async #judge(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const crops = waiting.flatMap((frame) => frame.crops);
    const judged = await this.#timed('network', () => this.examiner.judge(crops));
    for (const { at, size, tracks, picture } of waiting) {
      const { frame, time } = at;
      const seen = judged.splice(0, tracks.length).map((face, k) => ({
        ...face,
        finding: { ...face.finding, frame, time, track: tracks[k] },
      }));
      const scores = seen.flatMap(({ finding }) => finding.probability ?? []);
      const told = { ...at, probability: scores.length > 0 ? Math.max(...scores) : null };
      this.looked.push(told);
      for (const { finding } of seen) this.faces.push(finding);
      await this.#timed('write', () => this.options.onFrame?.({ ...told, size, seen, picture }));
    }
  }
}

/**
 * The tracks of a video's faces, judged.
 * @param looked frames that were looked at
 */
export function tracksOf(
  faces: readonly VideoFace[],
  looked: number,
  how: Parameters<typeof judgeTrack>[3],
): TrackFinding[] {
  const tracks: number[][] = [];
  faces.forEach(({ track }, k) => {
    tracks[track] ??= [];
    tracks[track].push(k);
  });
  return tracks.map((places) => {
    const scores: TrackFinding['scores'] = [];
    for (const k of places) {
      const { time, frame, probability } = faces[k];
      if (probability !== null) scores.push({ time, frame, probability });
    }
    if (scores.length === 0) {
      const { note } = faces[places[0]];
      return { faces: places, scores, probability: null, verdict: 'face too small', note };
    }
    const views = places.map((k) => faces[k].views).filter(({ length }) => length > 1);
    const probabilities = scores.map(({ probability }) => probability);
    const { probability, verdict, why } = judgeTrack(probabilities, views, looked, how);
    return { faces: places, scores, probability, verdict, note: why };
  });
}
