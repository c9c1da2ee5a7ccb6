/** From a picture to what is said of its faces; the same in Node and in a page. */
import { cutMirrored, type FaceFinder, type FoundFace, faceSquare } from '../faces/place.ts';
import { type Box, resize } from '../image/pixels.ts';
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
  /** The crop in each view, at the network's size; null where the face is too small. */
  views: RgbImage[] | null;
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
    return (await this.finder.find(image)).map((face) => this.#cut(image, face));
  }

  #cut(image: RgbImage, { box, crop, score, landmarks }: FoundFace): FoundCrop {
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
    if (small) return { found, square, views: null };
    const face = crop ? cutExactly(image, crop, size) : cutMirrored(image, square);
    return { found, square, views: viewsOf(face, size, this.views) };
  }

  /**
   * What the network says of faces, in their order; as many views as the detector takes go in one run.
   * @throws LlsmError as `FaceScorer.detect`
   */
  async judge(crops: readonly FoundCrop[]): Promise<ExaminedFace[]> {
    const pictures = crops.flatMap(({ views }) => views ?? []);
    const each = this.views.length;
    const detections = await this.detector.detect(pictures, (k) => k % each === 0);
    return crops.map(({ found, square, views }) => {
      if (!views) {
        const nothing = { probability: null, views: [], alteredShare: null };
        return {
          finding: { ...found, ...nothing, verdict: 'face too small' },
          square,
          detection: null,
        };
      }
      return this.#said(found, square, detections.splice(0, each));
    });
  }

  #said(found: FoundCrop['found'], square: Box, detections: Detection[]): ExaminedFace {
    const [detection] = detections;
    const { probability, mask } = detection;
    const views = detections.map((each, k) => ({
      name: this.views[k],
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
