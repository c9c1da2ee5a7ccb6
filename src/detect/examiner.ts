/** From a picture to what is said of its faces; the same in Node and in a page. */
import { cutMirrored, type FaceFinder, type FoundFace, faceSquare } from '../faces/place.ts';
import type { Box } from '../image/pixels.ts';
import { resize } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import type { FaceFinding } from './finding.ts';
import type { Detection, FaceScorer } from './scorer.ts';
import { alteredShare, judge } from './verdict.ts';
import { type ViewName, viewNames, viewsOf } from './views.ts';

/** The least side of a face crop of which anything is said, in pixels. */
export const leastSide = 32;

/** A face that was found, before the network is asked. */
export interface FoundCrop {
  found: Pick<FaceFinding, 'box' | 'landmarks' | 'finder' | 'note'>;
  /** The face crop in pixels of the picture; it may reach over the border. */
  square: Box;
  /** The crop, no larger than the network takes; null where the face is too small. */
  face: RgbImage | null;
  /** The views that it shall be seen in, as it is first. */
  views: readonly ViewName[];
}

/** A face, what is said of it, and the maps that this comes with. */
export interface ExaminedFace {
  finding: FaceFinding;
  square: Box;
  /** The face as it is; null where it is too small. */
  detection: Detection | null;
}

export interface ExaminerOptions {
  threshold?: Threshold;
  /** Views that each face is seen in, as it is first (default all; more views, more time). */
  views?: readonly ViewName[];
}

/** A detector and a face finder as one: pictures in, findings out. */
export class Examiner {
  readonly threshold: Threshold | undefined;
  readonly views: readonly ViewName[];

  constructor(
    readonly detector: FaceScorer,
    readonly finder: FaceFinder,
    { threshold, views = viewNames }: ExaminerOptions = {},
  ) {
    this.threshold = threshold;
    this.views = views;
  }

  /**
   * The picture's faces as the network will see them, best first. Keeps nothing of the picture.
   * @throws LlsmError where the GPU failed
   */
  async find(image: RgbImage): Promise<FoundCrop[]> {
    return (await this.finder.find(image)).map((face) => this.cut(image, face));
  }

  /** A face that the finder found, as the network will see it; in fewer views, as wanted. */
  cut(
    image: RgbImage,
    { box, crop, score, landmarks }: FoundFace,
    views: readonly ViewName[] = this.views,
  ): FoundCrop {
    const { size, cropScale } = this.detector;
    const square = crop ?? faceSquare(box, cropScale);
    const side = Math.floor(Math.min(square[2], square[3]));
    const small = side < leastSide;
    const note = small
      ? `its crop would have ${side} pixels a side (${leastSide} is the least)`
      : side * 2 <= size
        ? `a small face: ${side} pixels, where the network takes ${size}`
        : null;
    const found = crop
      ? { box: null, landmarks: null, finder: null, note }
      : { box, landmarks, finder: { name: this.finder.name, score }, note };
    if (small) return { found, square, face: null, views };
    if (crop) return { found, square, face: cutExactly(image, crop, size), views };
    const whole = cutMirrored(image, square);
    return { found, square, face: side > size ? resize(whole, size, size) : whole, views };
  }

  /**
   * What the network says of faces, in their order; as many views as the detector takes go in one run,
   * and no more are made before.
   * @throws LlsmError as `FaceScorer.detect`
   */
  async judge(crops: readonly FoundCrop[]): Promise<ExaminedFace[]> {
    const { detector } = this;
    const detections: Detection[] = [];
    let waiting: { picture: RgbImage; first: boolean }[] = [];
    const run = async (count: number) => {
      const part = waiting.slice(0, count);
      waiting = waiting.slice(count);
      const pictures = part.map(({ picture }) => picture);
      detections.push(...(await detector.detect(pictures, (k) => part[k].first)));
    };
    for (const { face, views } of crops) {
      if (!face) continue;
      const pictures = viewsOf(face, detector.size, views);
      waiting.push(...pictures.map((picture, k) => ({ picture, first: k === 0 })));
      while (waiting.length >= detector.batch) await run(detector.batch);
    }
    if (waiting.length > 0) await run(waiting.length);
    return crops.map(({ found, square, face, views }) => {
      if (!face) {
        const nothing = { probability: null, views: [], alteredShare: null };
        return {
          finding: { ...found, ...nothing, verdict: 'face too small' },
          square,
          detection: null,
        };
      }
      return this.#said(found, square, views, detections.splice(0, views.length));
    });
  }

  #said(
    found: FoundCrop['found'],
    square: Box,
    names: readonly ViewName[],
    detections: Detection[],
  ): ExaminedFace {
    const [detection] = detections;
    const { probability, mask } = detection;
    const views = detections.map((each, k) => ({
      name: names[k],
      probability: each.probability,
    }));
    const { verdict, why } = judge(views, this.threshold);
    const notes = [why, found.note].filter((text) => text !== null);
    const note = notes.length > 0 ? notes.join('; ') : null;
    const share = mask ? alteredShare(mask, this.threshold) : null;
    const finding = { ...found, probability, verdict, note, views, alteredShare: share };
    return { finding, square, detection };
  }

  /**
   * Finds and judges the faces of one picture.
   * @throws LlsmError as `judge`
   */
  async examine(image: RgbImage): Promise<ExaminedFace[]> {
    return this.judge(await this.find(image));
  }

  destroy(): void {
    this.detector.destroy();
    this.finder.dispose();
  }
}

/** A crop with fractions of a pixel, no larger than the network takes, and no smaller than it is. */
function cutExactly(image: RgbImage, crop: Box, size: number): RgbImage {
  const [width, height] = [crop[2], crop[3]].map((n) => Math.min(size, Math.floor(n)));
  return resize(image, width, height, crop);
}
