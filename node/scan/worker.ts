/**
 * The work of a scan on one file: a file in, a line out (Node only). It keeps nothing from one file
 * to the next, so that any queue can drive it: give it as many files at once as `parallel` says.
 */
import { createHash } from 'node:crypto';
import { LlsmError } from '../../src/base/errors.ts';
import { type ExaminedFace, Examiner, type FoundCrop } from '../../src/detect/examiner.ts';
import { type FaceFinding, verdictOfAll } from '../../src/detect/finding.ts';
import { uncalibrated } from '../../src/detect/verdict.ts';
import { readHeader } from '../../src/image/header.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { Decoder } from './decoder.ts';
import { Gate } from './gate.ts';
import {
  emptyLine,
  type HashKind,
  type ScanIdentity,
  type ScanLine,
  type ScanTask,
} from './line.ts';
import { hashOf, isUrl, readBytesOf, sizeOf } from './read.ts';
import { isVideo } from './task.ts';
import { lookAtParts, type VideoHooks } from './video.ts';

export interface ScanWorkerOptions {
  /** Bytes that files and their decoded pictures may take together (default 512 MiB). */
  memory?: number;
  /** Threads that decode (default 1). */
  threads?: number;
  /** Seconds after which a picture's decoding is given up (default 120). */
  seconds?: number;
  /** Of a video, one of how many frames is looked at (default 10), and the seconds of a part (60). */
  every?: number;
  part?: number;
  /** Prefixes of URLs that may be fetched, as `allowedPrefix` gives them (default none). */
  prefixes?: readonly string[];
}

/**
 * Asked when the hash of a file's bytes is known, and again when that of its decoded picture is:
 * whether they are to be looked at. It may take its time, such as where the same are in hand already.
 */
export type Wanted = (hash: string, of: HashKind) => boolean | Promise<boolean>;

/** Of a video, one of so many frames is looked at where nothing else is said. */
export const everyFrame = 10;

/** Bytes a pixel while a picture is decoded: RGBA from the codec, then RGB, turned once. */
const bytesPerPixel = 10;

interface Pending {
  crops: FoundCrop[];
  resolve(faces: ExaminedFace[]): void;
  reject(error: unknown): void;
}

export class ScanWorker {
  readonly #gates: { files: Gate; pixels: Gate };
  readonly #decoder: Decoder;
  readonly #prefixes: readonly string[];
  readonly #videos: { every: number; seconds: number };
  #stopped = false;
  /** Files whose faces are yet to come. */
  #coming = 0;
  #pending: Pending[] = [];
  #judging = false;

  /** @param identity what the lines are told to be of: the examiner's weights and settings */
  constructor(
    private readonly examiner: Examiner,
    private readonly identity: ScanIdentity,
    options: ScanWorkerOptions = {},
  ) {
    const { memory = 2 ** 29, threads = 1, seconds = 120, prefixes = [] } = options;
    this.#videos = { every: options.every ?? everyFrame, seconds: options.part ?? 60 };
    // Two bounds, entered in this order: who is in the second waits for nobody in the first.
    this.#gates = { files: new Gate(memory / 4), pixels: new Gate((memory * 3) / 4) };
    this.#decoder = new Decoder(threads, seconds);
    this.#prefixes = prefixes;
  }

  /** The threshold of its verdicts. */
  get threshold(): ScanLine['threshold'] {
    const { value = uncalibrated, rule = 'uncalibrated' } = this.examiner.threshold ?? {};
    return { value, rule };
  }

  /** Files to give it at once, so that the GPU's runs are full and decoding is ahead of it. */
  get parallel(): number {
    return Math.max(4, Math.ceil((2 * this.examiner.detector.batch) / this.examiner.views.length));
  }

  /**
   * Looks at a file.
   * @param video what a video goes on from, and who keeps its parts
   * @returns its line, also where it cannot be read or decoded; without a finding where its picture is
   *   not wanted (`isUnsaid`); null where its bytes are not
   * @throws TryAgain where another try may fare better; LlsmError where the GPU failed
   */
  async examine(
    { file }: ScanTask,
    wanted: Wanted = () => true,
    video: VideoHooks = {},
  ): Promise<ScanLine | null> {
    const line = emptyLine(file, isVideo(file) ? 'video' : 'image', this.identity, this.threshold);
    const { times } = line;
    let leaveFiles = () => {};
    let leavePixels = () => {};
    try {
      if (isVideo(file)) {
        const looked = await this.#video(line, wanted, video);
        if (!looked) return null;
        looked.times.at = new Date().toISOString();
        return looked;
      }
      leaveFiles = await this.#gates.files.enter(await sizeOf(file));
      const { bytes, modified } = await timed(times, 'read', () =>
        readBytesOf(file, this.#prefixes),
      );
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      Object.assign(line, { size: bytes.length, modified, sha256 });
      if (!(await wanted(sha256, 'bytes'))) return null;
      const { width, height } = readHeader(bytes, file);
      leavePixels = await this.#gates.pixels.enter(width * height * bytesPerPixel);
      const { image, pixels, print } = await this.#announced(() =>
        timed(times, 'decode', () => this.#decoder.decode({ bytes, name: file })),
      );
      leaveFiles();
      Object.assign(line, { pixels, print });
      // Not announced: this may wait for a file whose faces wait for all that are announced.
      if (!(await wanted(pixels, 'pixels'))) return line;
      const crops = await this.#announced(() =>
        timed(times, 'find', () => engine(this.examiner.find(image))),
      );
      leavePixels();
      const examined = await timed(times, 'judge', () => this.#judged(crops));
      line.faces = examined.map(({ finding }): FaceFinding => finding);
      line.verdict = verdictOfAll(line.faces);
    } catch (error) {
      if (!(error instanceof LlsmError) || error instanceof EngineFailure) throw error;
      line.error = { message: error.message };
    } finally {
      leaveFiles();
      leavePixels();
    }
    times.at = new Date().toISOString();
    return line;
  }

  /** A video's line: its finding, with the times of a line. */
  async #video(line: ScanLine, wanted: Wanted, hooks: VideoHooks): Promise<ScanLine | null> {
    const { file, times } = line;
    if (isUrl(file)) throw new LlsmError(`${file} is a video: of videos only files are looked at.`);
    const { sha256, size, modified } = await timed(times, 'read', () => hashOf(file));
    Object.assign(line, { sha256, size, modified });
    if (!(await wanted(sha256, 'bytes'))) return null;
    const examiner = new Through(this.examiner, (crops) => this.#judged(crops));
    const options = {
      ...this.#videos,
      ...hooks,
      rule: 'mean' as const,
      stopped: () => this.#stopped,
    };
    const { times: spent, ...finding } = await lookAtParts(examiner, file, sha256, options);
    const ms = (seconds: number) => Math.round(1000 * seconds);
    Object.assign(times, { decode: ms(spent.decode), find: ms(spent.find + spent.prepare) });
    return { ...line, ...finding, times: { ...times, judge: ms(spent.network) } };
  }

  /** Has videos in hand end after their part, to be gone on with. */
  stop(): void {
    this.#stopped = true;
  }

  /** Counts a file whose faces are coming, so that the next run of the network waits for them. */
  async #announced<T>(find: () => Promise<T>): Promise<T> {
    this.#coming++;
    try {
      return await find();
    } finally {
      this.#coming--;
      // Whoever was waiting for this file's faces waits in vain where there are none.
      setImmediate(() => void this.#judge());
    }
  }

  #judged(crops: FoundCrop[]): Promise<ExaminedFace[]> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ crops, resolve, reject });
      void this.#judge();
    });
  }

  /** Runs the network while a run is full, or nothing else is coming that could fill it. */
  async #judge(): Promise<void> {
    if (this.#judging) return;
    this.#judging = true;
    const { batch } = this.examiner.detector;
    const viewsOf = ({ crops }: Pending) =>
      crops.reduce((sum, { face, views }) => sum + (face ? views.length : 0), 0);
    while (this.#pending.length > 0) {
      const all = this.#pending.reduce((sum, each) => sum + viewsOf(each), 0);
      if (all < batch && this.#coming > 0) break;
      const taken: Pending[] = [];
      for (let sum = 0; this.#pending.length > 0 && (sum < batch || taken.length === 0); ) {
        const next = this.#pending.shift() as Pending;
        sum += viewsOf(next);
        taken.push(next);
      }
      try {
        const faces = await engine(this.examiner.judge(taken.flatMap(({ crops }) => crops)));
        for (const { crops, resolve } of taken) resolve(faces.splice(0, crops.length));
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#judging = false;
  }

  async close(): Promise<void> {
    await this.#decoder.close();
    this.examiner.destroy();
  }
}

/** An examiner whose runs of the network are shared with other files. */
class Through extends Examiner {
  constructor(
    { detector, finder, threshold, views }: Examiner,
    private readonly through: (crops: FoundCrop[]) => Promise<ExaminedFace[]>,
  ) {
    const { name } = finder;
    const find = (image: RgbImage) => engine(finder.find(image));
    super(detector, { name, find, dispose: () => {} }, { threshold, views });
  }

  override judge(crops: readonly FoundCrop[]): Promise<ExaminedFace[]> {
    return this.through([...crops]);
  }
}

/** The GPU failed, or the network: nothing can be said of any file. */
export class EngineFailure extends LlsmError {
  override name = 'EngineFailure';
}

/** What goes wrong here is no fault of one file's: it must not become a line's error. */
async function engine<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LlsmError) throw new EngineFailure(error.message);
    throw error;
  }
}

type Stage = 'read' | 'decode' | 'find' | 'judge';

async function timed<T>(
  times: ScanLine['times'],
  stage: Stage,
  work: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    times[stage] = Math.round(10 * (performance.now() - begun)) / 10;
  }
}
