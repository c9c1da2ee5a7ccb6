/// <reference lib="esnext.disposable" preserve="true" />
/** The detector as applications use it: a picture in, a finding out; the same in Node and in a page. */
import { LlsmError } from '../base/errors.ts';
import { NetworkFinder } from '../faces/network-finder.ts';
import type { FaceFinder } from '../faces/place.ts';
import { type Gpu, gpuOf } from '../gpu/device.ts';
import { decodeImage } from '../image/codecs.ts';
import type { RgbImage } from '../image/rgb.ts';
import { type Checkpoint, parseCheckpoint } from '../model/llsm/checkpoint.ts';
import { type ExaminedFace, Examiner, type FoundCrop } from './examiner.ts';
import { type Finding, verdictOfAll } from './finding.ts';
import { bytesOf, hostOf, nameOf, type Source, sha256Of } from './host.ts';
import { FaceScorer } from './scorer.ts';
import { type ViewName, viewNames } from './views.ts';

/** How far loading is, in bytes; `network` is what the adapter compiles, of unknown length. */
export interface LoadProgress {
  what: 'weights' | 'face finder' | 'network';
  loaded: number;
  /** 0 where it is not known. */
  total: number;
}

export interface LoadOptions {
  /** A checkpoint's file (default: the one that comes with llsm). */
  weights?: Source;
  /** Who finds the faces: a finder, or a finder's file (default: the one that comes with llsm). */
  finder?: FaceFinder | Source;
  /** The device to compute on (default: one of its own, which `dispose` closes). */
  gpu?: Gpu | GPUDevice;
  /** Views that each face is seen in, as it is first (default all). */
  views?: readonly ViewName[];
  signal?: AbortSignal;
  onProgress?(progress: LoadProgress): void;
}

/** A picture: a file (JPEG, PNG, WebP), its bytes, or pixels. Text is a URL, in Node also a path. */
export type Picture = Source | ImageData | RgbImage;

export interface DetectOptions {
  /** The picture's name in the finding and in messages (default: a file's own). */
  name?: string;
  signal?: AbortSignal;
  /** Told of the faces as soon as they are found, best first. */
  onFound?(faces: readonly FoundCrop[], image: RgbImage): void;
  /** Told of each face as soon as it has been judged. */
  onFace?(face: ExaminedFace, k: number): void;
}

/** What is known of the weights that are in use. */
export interface WeightsInfo extends Pick<Checkpoint, 'config' | 'threshold'> {
  name: string;
  /** Of the file, in hexadecimal; null where the page is from no secure place. */
  sha256: string | null;
}

/** A finding with what it was made from. */
export interface Examination {
  finding: Finding;
  /** The picture, upright. */
  image: RgbImage;
  /** The faces of the finding, in its order, with their masks and dissimilarities. */
  faces: ExaminedFace[];
}

const isPixels = (picture: Picture): picture is ImageData | RgbImage =>
  typeof picture === 'object' && 'width' in picture && 'data' in picture;

/** RGB of pixels; alpha is laid over black. */
function rgbOf({ width, height, data }: ImageData | RgbImage): RgbImage {
  if (data.length === width * height * 3) return { width, height, data: data as Uint8ClampedArray };
  if (data.length !== width * height * 4) {
    throw new LlsmError(
      `A picture of ${width} x ${height} has 3 or 4 values a pixel, not ${data.length} in all`,
    );
  }
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const alpha = data[from + 3] / 255;
    for (let c = 0; c < 3; c++) rgb[to + c] = data[from + c] * alpha;
  }
  return { width, height, data: rgb };
}

/**
 * Reads and decodes a picture.
 * @throws LlsmError naming it, where it cannot be read or is no JPEG, PNG or WebP
 */
export async function openPicture(
  picture: Picture,
  { name, signal }: Pick<DetectOptions, 'name' | 'signal'> = {},
): Promise<{ image: RgbImage; name: string; sha256: string | null }> {
  if (isPixels(picture)) return { image: rgbOf(picture), name: name ?? 'picture', sha256: null };
  const called = name ?? nameOf(picture, 'picture');
  const bytes = await bytesOf(picture, { signal });
  const [image, sha256] = await Promise.all([decodeImage(bytes, called), sha256Of(bytes)]);
  return { image, name: called, sha256 };
}

/**
 * A network that finds faces, made ready. Its `find` takes a decoded picture (`openPicture`).
 * @param source a finder's file (default: the one that comes with llsm)
 * @throws LlsmError where the file is none, or the adapter cannot run it
 */
export async function loadFaceFinder(
  gpu: Gpu | GPUDevice,
  source: Source = hostOf().finder,
  options: Pick<LoadOptions, 'signal' | 'onProgress'> = {},
): Promise<FaceFinder> {
  const file = await bytesOf(source, reading('face finder', options));
  return NetworkFinder.load(asGpu(gpu), file, nameOf(source, 'the face finder'));
}

const asGpu = (gpu: Gpu | GPUDevice): Gpu => ('wait' in gpu ? gpu : gpuOf(gpu));

const reading = (
  what: LoadProgress['what'],
  { signal, onProgress }: Pick<LoadOptions, 'signal' | 'onProgress'>,
) => ({
  signal,
  onBytes: (loaded: number, total: number) => onProgress?.({ what, loaded, total }),
});

/**
 * Detector of altered faces: loaded once, then asked about any number of pictures, one after the other
 * however they are asked. `using` and `await using` give its memory back at the end of a block.
 */
export class Detector {
  /** The pictures asked about before. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly gpu: Gpu,
    readonly weights: WeightsInfo,
    readonly examiner: Examiner,
    private readonly letGo: () => void,
  ) {}

  /**
   * Reads the networks and makes them ready on the adapter, which must compute a stored case rightly.
   * @throws LlsmError where there is no adapter, it computes wrong numbers, or a file is none of its
   *   kind; the signal's reason where it is aborted
   */
  static async load(options: LoadOptions = {}): Promise<Detector> {
    const { signal, onProgress, views = viewNames } = options;
    signal?.throwIfAborted();
    const opened = options.gpu ? asGpu(options.gpu) : hostOf().openGpu();
    const given = options.finder ?? hostOf().finder;
    const finderFile = isFinder(given)
      ? given
      : bytesOf(given, reading('face finder', options)).then((file) => ({
          file,
          name: nameOf(given, 'the face finder'),
        }));
    const source = options.weights ?? hostOf().weights;
    const weightsFile = bytesOf(source, reading('weights', options));
    // The first that fails is told; what else fails then is known by it.
    for (const promise of [opened, finderFile, weightsFile])
      Promise.resolve(promise).catch(() => {});
    const gpu = await opened;
    const made: { dispose(): void }[] = options.gpu ? [] : [{ dispose: () => gpu.close() }];
    try {
      const name = nameOf(source, 'the weights');
      const bytes = await weightsFile;
      const checkpoint = parseCheckpoint(bytes, name);
      signal?.throwIfAborted();
      onProgress?.({ what: 'network', loaded: 0, total: 0 });
      const building = FaceScorer.build(gpu, checkpoint, { batch: views.length });
      // One is compiled while the other is fetched.
      const [scorer, finder] = await settled(
        building.then((scorer) => {
          made.push({ dispose: () => scorer.destroy() });
          return scorer;
        }),
        Promise.resolve(finderFile).then(async (file) => {
          if (!('file' in file)) return file;
          const finder = await NetworkFinder.load(gpu, file.file, file.name);
          made.push(finder);
          return finder;
        }),
      );
      signal?.throwIfAborted();
      const { threshold } = checkpoint;
      const examiner = new Examiner(scorer, finder, { threshold, views });
      const weights = { name, sha256: await sha256Of(bytes), config: checkpoint.config, threshold };
      return new Detector(gpu, weights, examiner, () => dispose(made));
    } catch (error) {
      dispose(made);
      throw error;
    }
  }

  /**
   * Finds the picture's faces and says of each how likely it was altered.
   * @throws LlsmError where the picture cannot be read, or the GPU failed; the signal's reason where it
   *   is aborted
   */
  async detect(picture: Picture, options: DetectOptions = {}): Promise<Finding> {
    return (await this.examine(picture, options)).finding;
  }

  /**
   * As `detect`, with the picture, and each face's mask and dissimilarities.
   * @throws LlsmError as `detect`
   */
  examine(picture: Picture, options: DetectOptions = {}): Promise<Examination> {
    return this.inTurn(() => this.#examine(picture, options));
  }

  /**
   * Runs work with the examiner when what was asked before is done; what is asked after waits for it.
   * For a video: `detector.inTurn((examiner) => examineVideo(examiner, frames, { file }))`.
   */
  inTurn<T>(work: (examiner: Examiner) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => work(this.examiner));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #examine(picture: Picture, options: DetectOptions): Promise<Examination> {
    const { signal, onFound, onFace } = options;
    const { image, name, sha256 } = await openPicture(picture, options);
    signal?.throwIfAborted();
    const crops = await this.examiner.find(image);
    onFound?.(crops, image);
    const faces: ExaminedFace[] = [];
    for (const crop of crops) {
      signal?.throwIfAborted();
      const [face] = await this.examiner.judge([crop]);
      onFace?.(face, faces.length);
      faces.push(face);
    }
    const findings = faces.map(({ finding }) => finding);
    const finding: Finding = {
      ...{ file: name, sha256, kind: 'image', faces: findings },
      verdict: verdictOfAll(findings),
      error: null,
    };
    return { finding, image, faces };
  }

  /** Gives the memory back; a device and a finder that were given stay. Nothing may be asked any more. */
  dispose(): void {
    this.letGo();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Waits for the pictures that were asked about, then gives the memory back. */
  async close(): Promise<void> {
    await this.#turn;
    this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const isFinder = (given: FaceFinder | Source): given is FaceFinder =>
  typeof given === 'object' && 'dispose' in given;

/** The last made first. */
function dispose(made: { dispose(): void }[]): void {
  for (const each of made.splice(0).reverse()) each.dispose();
}

/** Both results, or the first failure once neither is under way any more. */
async function settled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}
