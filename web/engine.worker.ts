/** The engine, apart from the page so that it never stands still: loads the networks, looks at pictures. */
import { Detector, type LoadProgress } from '../src/detect/detector.ts';
import type { ExaminedFace, FoundCrop } from '../src/detect/examiner.ts';
import type { Finding } from '../src/detect/finding.ts';
import { provideHost } from '../src/detect/host.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Box } from '../src/image/pixels.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import type { Threshold } from '../src/model/llsm/checkpoint.ts';
import { type Asked, announce, answer } from './answer.ts';
import { bitmapOf } from './bitmap.ts';
import { pageHost } from './host.ts';
import type { WatchAsked } from './watch.ts';

provideHost(pageHost);

/** What the page knows of the engine. */
export interface About {
  adapter: string;
  software: boolean;
  /** The weights' name, null for those that come with the page. */
  weights: string | null;
  sha256: string | null;
  /** Side of the masks. */
  size: number;
  threshold: Threshold | null;
  milliseconds: number;
}

export interface ToldFaces {
  image: ImageBitmap;
  /** Of the picture itself, in pixels: the image may be smaller. */
  width: number;
  boxes: (Box | null)[];
}

export type ToldFace = Pick<ExaminedFace, 'finding' | 'square'> & {
  mask: Float32Array | null;
  dissimilarity: Float32Array | null;
};

export type Told = { faces: ToldFaces } | { face: ToldFace };

export interface Looked {
  finding: Finding;
  milliseconds: { find: number; judge: number };
}

let detector: Promise<Detector> | undefined;
let opened: Promise<Gpu> | undefined;

/** The one device of this worker; the page ends the worker when it is lost. */
function device(): Promise<Gpu> {
  opened ??= pageHost.openGpu().then((gpu) => {
    gpu.lost.then((message) => announce('lost', message));
    return gpu;
  });
  return opened;
}

answer({
  async load({ weights }: { weights?: File }, { signal, tell }): Promise<About> {
    const started = performance.now();
    const before = detector;
    const loading = device().then((gpu) =>
      Detector.load({
        ...{ gpu, weights, signal },
        onProgress: (progress: LoadProgress) => tell(progress),
      }),
    );
    detector ??= loading;
    const loaded = await loading;
    // A file that is none has left the network before it in place.
    detector = loading;
    if (before) await (await before.catch(() => undefined))?.close();
    const { config, threshold, sha256, name } = loaded.weights;
    return {
      adapter: loaded.gpu.name,
      software: loaded.gpu.software,
      weights: weights ? name : null,
      sha256,
      size: config.size,
      threshold: threshold ?? null,
      milliseconds: performance.now() - started,
    };
  },

  async look({ picture, name }: { picture: Blob | ImageData; name: string }, { signal, tell }) {
    const loaded = await detector;
    if (!loaded) throw new TypeError('nothing has been loaded');
    const started = performance.now();
    let found = started;
    const shown: Promise<void>[] = [];
    const { finding } = await loaded.examine(picture, {
      ...{ name, signal },
      onFound(crops: readonly FoundCrop[], image: RgbImage) {
        found = performance.now();
        const boxes = crops.map((crop) => crop.found.box);
        shown.push(
          bitmapOf(image).then((bitmap) =>
            tell({ faces: { image: bitmap, width: image.width, boxes } }, [bitmap]),
          ),
        );
      },
      async onFace({ finding, square, detection }: ExaminedFace) {
        const mask = detection?.mask ?? null;
        const dissimilarity = detection?.dissimilarity ?? null;
        const face: ToldFace = { finding, square, mask, dissimilarity };
        const told = shown[0].then(() => tell({ face }));
        shown.push(told);
      },
    });
    await Promise.all(shown);
    const judge = performance.now() - found;
    return { finding, milliseconds: { find: found - started, judge } } satisfies Looked;
  },

  async watch(given: WatchAsked, asked: Asked) {
    const loaded = await detector;
    if (!loaded) throw new TypeError('nothing has been loaded');
    // Most come with a picture: what reads videos is fetched when there is one.
    const { watch } = await import('./watch.ts');
    return watch(loaded, given, asked);
  },
});
