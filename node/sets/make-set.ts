/** From clips to a data set: the one pipeline behind every adapter (Node only). */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { LlsmError } from '../../src/base/errors.ts';
import type { FaceInput, Split } from '../../src/faces/manifest.ts';
import { cropScale } from '../../src/faces/place.ts';
import { needFfmpeg } from '../files/ffmpeg.ts';
import { ManifestWriter } from '../files/manifest.ts';
import { Thread, threadFile } from '../system/threads.ts';
import { writeFileWhole } from '../system/write-file.ts';
import { type Clip, type Drop, keepApart, type Listing } from './clip.ts';
import { ClipLog } from './clip-log.ts';
import { type ClipResult, type ExtractOptions, extractClip } from './extract.ts';

export interface SetOptions extends Omit<ExtractOptions, 'out'> {
  /** Threads that make faces (default: as many as the processor runs at once); 0: the caller's own. */
  workers?: number;
  /** Told how many clips are done of how many, after each; those of an earlier run come first. */
  progress?: (done: number, total: number) => void;
}

export interface SetResult {
  /** Faces in all: written now, and by an earlier run with the same options. */
  written: number;
  kept: number;
  splits: Record<Split, number>;
  labels: { real: number; forged: number };
  /** Forged faces without a mask. */
  withoutMask: number;
  people: number;
  notes: string[];
  /** What was left out, by file and frame; also in dropped.jsonl. */
  dropped: Drop[];
}

/** Clips that are begun before the one whose turn it is to be written down is done, for each thread. */
const ahead = 4;
/** Clips under way at once where a finder is asked: some are decoded while it looks at another. */
const besideFinder = 3;

/**
 * Makes the data set `out` of what an adapter found; continues one that is there. Clips are written
 * down in the order of the list, whatever thread is done first, so equal options give equal files.
 * A clip that gave nothing is tried again by the next run.
 * @param made what decides the set's content; continuing with other options is refused
 * @throws LlsmError where nothing is found or usable, `out` is the folder itself or was made
 *   otherwise, or cannot be written
 */
export async function makeSet(
  out: string,
  made: Record<string, unknown>,
  listing: Listing,
  { workers: threads = availableParallelism(), progress = () => {}, ...options }: SetOptions,
): Promise<SetResult> {
  const { clips, dropped, folder, notes } = keepApart(listing);
  const { faces, size, frames, maskThreshold, needMasks, finder } = options;
  const found = { size, frames, maskThreshold, needMasks };
  const decisive = { faces: finder ? { auto: finder.name, scale: cropScale } : faces, ...found };
  // The GPU belongs to this thread; ffmpeg has its own processes anyway.
  const workers = finder ? 0 : threads;
  if (resolve(out) === resolve(folder)) {
    throw new LlsmError(`--out must be another folder than the one that is read (${folder}).`);
  }
  let log: ClipLog | undefined;
  const writer = await ManifestWriter.open(out, { ...made, ...decisive }, (lines) => {
    log = new ClipLog(out, lines);
    return log.faces;
  });
  if (!log) throw new TypeError('the writer did not ask for the log');
  const tally = new Tally();
  for (const face of writer.existing) tally.add(face);
  const done = new Set(log.entries.map(({ clip }) => clip));
  const todo = clips.filter(({ name }) => !done.has(name));
  const failed: Drop[] = [];
  const pool = new Extractors({ out, faces, finder, ...found }, Math.min(workers, todo.length));
  let written = 0;
  try {
    if (todo.some(({ source }) => 'video' in source)) await needFfmpeg('frames of videos');
    let count = clips.length - todo.length;
    for await (const [clip, result] of pool.inOrder(todo)) {
      if (result.faces.length > 0) {
        await writer.append(...result.faces);
        log.append({ clip: clip.name, faces: result.faces.length, dropped: result.dropped });
        for (const face of result.faces) tally.add(face);
        written += result.faces.length;
      } else failed.push(...result.dropped);
      progress(++count, clips.length);
    }
  } finally {
    await pool.close();
    await writer.close();
    log.close();
  }
  const all = [...dropped, ...log.entries.flatMap((entry) => entry.dropped), ...failed];
  all.sort((a, b) => compare(a.file, b.file) || (a.frame ?? 0) - (b.frame ?? 0));
  writeFileWhole(
    join(out, 'dropped.jsonl'),
    all.map((entry) => `${JSON.stringify(entry)}\n`),
  );
  if (written + writer.existing.length === 0) {
    const [first] = failed.length > 0 ? failed : all;
    const example = first ? `: ${first.file}: ${first.reason}` : '';
    throw new LlsmError(
      `nothing in ${folder} could be used (${clips.length} tried)${example}. All reasons are in ${join(out, 'dropped.jsonl')}.`,
    );
  }
  return { written, kept: writer.existing.length, ...tally.counts(), notes, dropped: all };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What is in a set. */
class Tally {
  readonly #splits = { train: 0, val: 0, test: 0 };
  readonly #labels = { real: 0, forged: 0 };
  readonly #people = new Set<string>();
  #withoutMask = 0;

  add({ split, label, mask, people }: FaceInput): void {
    this.#splits[split]++;
    this.#labels[label === 1 ? 'forged' : 'real']++;
    if (label === 1 && !mask) this.#withoutMask++;
    for (const person of people ?? []) this.#people.add(person);
  }

  counts(): Pick<SetResult, 'splits' | 'labels' | 'withoutMask' | 'people'> {
    return {
      splits: this.#splits,
      labels: this.#labels,
      withoutMask: this.#withoutMask,
      people: this.#people.size,
    };
  }
}

/** Threads that make faces of clips. */
class Extractors {
  readonly #options: ExtractOptions;
  readonly #threads: Thread<Clip, ClipResult>[];
  readonly #free: Thread<Clip, ClipResult>[];
  readonly #queue: ((thread: Thread<Clip, ClipResult>) => void)[] = [];

  constructor(options: ExtractOptions, workers: number) {
    this.#options = options;
    const path = workers > 0 ? threadFile('node/sets/extract.worker') : '';
    this.#threads = Array.from({ length: workers }, () => new Thread(path, options, ended));
    this.#free = [...this.#threads];
  }

  async #extract(clip: Clip): Promise<ClipResult> {
    if (this.#threads.length === 0) return extractClip(clip, this.#options);
    const thread =
      this.#free.pop() ??
      (await new Promise<Thread<Clip, ClipResult>>((resolve) => this.#queue.push(resolve)));
    try {
      return await thread.ask(clip);
    } finally {
      const next = this.#queue.shift();
      if (next) next(thread);
      else this.#free.push(thread);
    }
  }

  /** What comes of each, in the order of the clips. */
  async *inOrder(clips: readonly Clip[]): AsyncGenerator<[Clip, ClipResult], void, undefined> {
    const width = Math.max(this.#options.finder ? besideFinder : 1, this.#threads.length * ahead);
    const begun: Promise<ClipResult>[] = [];
    for (const [turn, clip] of clips.entries()) {
      for (let next = turn + begun.length; next < Math.min(clips.length, turn + width); next++) {
        const result = this.#extract(clips[next]);
        // Whoever comes to it is told; until then it is no unhandled error.
        result.catch(() => {});
        begun.push(result);
      }
      yield [clip, await (begun.shift() as Promise<ClipResult>)];
    }
  }

  async close(): Promise<void> {
    const closed = new LlsmError('making faces was stopped');
    await Promise.all(this.#threads.map((thread) => thread.close(closed)));
  }
}

const ended = (reason: string): string =>
  `A thread that makes faces ended (${reason}), and the run with it. Run it again, and it continues; ` +
  'where memory was short, with fewer threads (--workers)';
