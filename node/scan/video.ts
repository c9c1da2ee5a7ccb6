/** A video in parts of minutes, so that whoever goes on with it begins where another stopped (Node only). */
import { availableParallelism } from 'node:os';
import { askAhead } from '../../src/base/ahead.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { Examiner } from '../../src/detect/examiner.ts';
import { type VideoFace, type VideoFinding, verdictOfAll } from '../../src/detect/finding.ts';
import type { VideoRule } from '../../src/detect/pooling.ts';
import { examineVideo, type TimedFrame, tracksOf } from '../../src/detect/video.ts';
import { overlap } from '../../src/model/facefinder/candidates.ts';
import { readTiming, type VideoTiming } from '../files/timed-frames.ts';
import { decodeFrames } from '../files/video.ts';
import { TryAgain } from './read.ts';

/** A part of a video that was looked at. */
export interface VideoPart {
  /** From 0. */
  index: number;
  /** Parts in all. */
  of: number;
  finding: VideoFinding;
}

/** What a video needs besides: its parts of an earlier try, and who keeps those of this one. */
export interface VideoHooks {
  known?: (sha256: string) => VideoPart[] | Promise<VideoPart[]>;
  onPart?: (sha256: string, part: VideoPart) => void | Promise<void>;
}

export interface PartsOptions extends VideoHooks {
  /** One of how many frames is looked at. */
  every: number;
  /** Seconds of a part. */
  seconds: number;
  rule: VideoRule;
  /** Whether to stop after the part that is in hand. */
  stopped: () => boolean;
}

/** Seconds that ffmpeg may give nothing: it decodes what is skipped, too. */
const patience = (skipped: number): number => 120 + skipped / 20;

/**
 * Looks at a video part by part; parts that are known are not looked at again.
 * @throws LlsmError where it cannot be opened, or the GPU failed; TryAgain where it was stopped
 */
export async function lookAtParts(
  examiner: Examiner,
  file: string,
  sha256: string,
  options: PartsOptions,
): Promise<VideoFinding> {
  const { every, seconds, rule } = options;
  const timing = await readTiming(file);
  const wanted = Math.ceil(timing.times.length / every);
  const each = Math.max(1, Math.round((seconds * timing.rate) / every));
  const of = Math.ceil(wanted / each);
  const known = (await options.known?.(sha256)) ?? [];
  const parts: VideoFinding[] = [];
  // Parts count from the first on: behind a gap they would have to be decoded to anyway.
  for (let part = known.find(({ index }) => index === 0); part?.of === of; ) {
    parts.push(part.finding);
    part = known.find(({ index }) => index === parts.length);
  }
  const broken = () => parts.at(-1)?.error ?? null;
  if (parts.length < of && !broken()) {
    const cut = new Cutter(framesFrom(file, timing, every, parts.length * each * every));
    try {
      for (let index = parts.length; index < of && !broken(); index++) {
        if (options.stopped()) throw new TryAgain(`${file}: stopped after part ${index} of ${of}`);
        const frames = cut.until((index + 1) * each * every);
        const finding = await examineVideo(examiner, frames, { file, sha256, rule });
        parts.push(finding);
        await options.onPart?.(sha256, { index, of, finding });
      }
    } finally {
      await cut.close();
    }
  }
  return joined(parts, { file, sha256, rule, threshold: examiner.threshold });
}

/** Frames from one on that is a multiple of `every`. */
function framesFrom(
  file: string,
  { times, rate, cutShort }: VideoTiming,
  every: number,
  from: number,
): AsyncGenerator<TimedFrame, void, undefined> {
  async function* decode(): AsyncGenerator<TimedFrame, void, undefined> {
    const chosen = `gte(n,${from})*not(mod(n,${every}))`;
    const how = {
      threads: Math.min(4, availableParallelism()),
      seconds: patience(from),
      anew: true,
    };
    let frame = from;
    for await (const image of decodeFrames(file, 'rgb', chosen, how)) {
      const time = times[frame] ?? (times[times.length - 1] ?? 0) + 1 / rate;
      yield { frame, time, image };
      frame += every;
    }
    if (frame < times.length) {
      throw new LlsmError(`${file} ends before frame ${frame}, though it names ${times.length}`);
    }
    if (cutShort !== undefined) throw new LlsmError(cutShort);
  }
  return askAhead(decode(), 2);
}

/** One run of frames, given in pieces. */
class Cutter {
  #next: TimedFrame | undefined;

  constructor(private readonly frames: AsyncGenerator<TimedFrame, void, undefined>) {}

  /** The frames before a number; who stops early leaves the rest to the next. */
  async *until(end: number): AsyncGenerator<TimedFrame, void, undefined> {
    for (;;) {
      if (!this.#next) {
        const next = await this.frames.next();
        if (next.done) return;
        this.#next = next.value;
      }
      if (this.#next.frame >= end) return;
      const frame = this.#next;
      this.#next = undefined;
      yield frame;
    }
  }

  async close(): Promise<void> {
    await this.frames.return();
  }
}

/** Boxes of two neighbouring frames that overlap by this much are one face. */
const sameFace = 0.3;

/** One finding of a video's parts in their order; a face that is there across an end keeps its track. */
export function joined(
  parts: readonly VideoFinding[],
  {
    file,
    sha256,
    rule,
    threshold,
  }: Pick<VideoFinding, 'file' | 'sha256'> & {
    rule: VideoRule;
    threshold: Examiner['threshold'];
  },
): VideoFinding {
  const faces: VideoFace[] = [];
  const frames: VideoFinding['frames'] = [];
  let count = 0;
  for (const part of parts) {
    const last = frames.at(-1);
    const before = faces.filter(({ frame }) => frame === last?.frame);
    const after = part.faces.filter(({ frame }) => frame === part.frames[0]?.frame);
    const names = new Map<number, number>();
    const pairs = after
      .flatMap((now) => before.map((then) => ({ now, then, share: shared(now, then) })))
      .filter(({ share }) => share >= sameFace)
      .sort((a, b) => b.share - a.share);
    const taken = new Set<number>();
    for (const { now, then } of pairs) {
      if (names.has(now.track) || taken.has(then.track)) continue;
      names.set(now.track, then.track);
      taken.add(then.track);
    }
    for (const face of part.faces) {
      if (!names.has(face.track)) names.set(face.track, count++);
      faces.push({ ...face, track: names.get(face.track) as number });
    }
    frames.push(...part.frames);
  }
  const tracks = tracksOf(faces, frames.length, { rule, threshold });
  const scores = tracks.flatMap(({ probability }) => probability ?? []);
  const times = { total: 0, decode: 0, find: 0, prepare: 0, network: 0, write: 0 };
  for (const part of parts) {
    for (const key of Object.keys(times) as (keyof typeof times)[]) times[key] += part.times[key];
  }
  const message =
    parts.at(-1)?.error?.message ?? (frames.length === 0 ? `${file} holds no frames` : null);
  return {
    ...{ file, sha256, kind: 'video', faces, frames, tracks, videoScore: rule, times },
    probability: scores.length > 0 ? Math.max(...scores) : null,
    verdict: frames.length > 0 ? verdictOfAll(tracks) : null,
    error: message === null ? null : { message },
  };
}

function shared({ box: a }: VideoFace, { box: b }: VideoFace): number {
  // Where the place was given, it is the same in all frames.
  if (!a || !b) return a === b ? 1 : 0;
  return overlap(a, b);
}
