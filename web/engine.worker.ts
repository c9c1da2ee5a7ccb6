/** The engine, apart from the page so that it never stands still: loads the networks, looks at pictures. */

import type { Config } from '../src/config/config.ts';
import { Detector, type LoadProgress } from '../src/detect/detector.ts';
import type { ExaminedFace, FoundCrop } from '../src/detect/examiner.ts';
import type { Finding } from '../src/detect/finding.ts';
import type { Cam } from '../src/detect/gradcam.ts';
import { provideHost } from '../src/detect/host.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Box } from '../src/image/pixels.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import type { Threshold } from '../src/model/llsm/checkpoint.ts';
import { type Asked, announce, answer } from './answer.ts';
import { bitmapOf } from './bitmap.ts';
import { CamScorer } from './cam-scorer.ts';
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
  config: Config;
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
  /** The face as the network saw it; null where it is too small. */
  crop: RgbImage | null;
};

export type Told = { faces: ToldFaces } | { face: ToldFace };

export interface Looked {
  finding: Finding;
  milliseconds: { find: number; judge: number };
}

let detector: Promise<Detector> | undefined;
/** Of the network in use. */
let cams: CamScorer | undefined;
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
    cams?.dispose();
    cams = new CamScorer(loaded.gpu, weights ?? pageHost.weights);
    const { config, threshold, sha256, name } = loaded.weights;
    return {
      adapter: loaded.gpu.name,
      software: loaded.gpu.software,
      weights: weights ? name : null,
      sha256,
      config,
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
    let crops: readonly FoundCrop[] = [];
    const { finding } = await loaded.examine(picture, {
      ...{ name, signal },
      onFound(all: readonly FoundCrop[], image: RgbImage) {
        found = performance.now();
        crops = all;
        const boxes = crops.map((crop) => crop.found.box);
        shown.push(
          bitmapOf(image).then((bitmap) =>
            tell({ faces: { image: bitmap, width: image.width, boxes } }, [bitmap]),
          ),
        );
      },
      async onFace({ finding, square, detection }: ExaminedFace, k: number) {
        const mask = detection?.mask ?? null;
        const dissimilarity = detection?.dissimilarity ?? null;
        const crop = crops[k].face;
        const face: ToldFace = { finding, square, mask, dissimilarity, crop };
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

  /** Grad-CAM of a face crop at a feature map. */
  cam({ crop, tap }: { crop: RgbImage; tap: string }): Promise<Cam> {
    if (!cams) throw new TypeError('nothing has been loaded');
    return cams.of(crop, tap);
  },
});
