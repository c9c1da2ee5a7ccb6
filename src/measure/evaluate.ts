/** Evaluation of a network on a data set. Browser-safe. */

import type { View } from '../detect/finding.ts';
import type { VideoRule } from '../detect/pooling.ts';
import type { Detection } from '../detect/scorer.ts';
import { type ViewName, viewNames, viewsOf } from '../detect/views.ts';
import { type FaceCrop, type ReadBytes, readFace } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { RgbImage } from '../image/rgb.ts';
import {
  byVideo,
  type ClassMeasures,
  classMeasures,
  methodOf,
  methodsOf,
  type Scored,
} from './classification.ts';
import { Localisation, type MaskMeasures, type PairMeasures } from './localisation.ts';
import { makePrior, type Prior } from './prior.ts';
import { type Reliability, reliabilityOf } from './reliability.ts';
import { choosePairs, maskAt, truthOf } from './truth.ts';

/** FaceScorer as evaluation needs it; `FaceScorer` is one. */
export interface Predictor {
  /** Side of the predictor's masks, in pixels. */
  size: number;
  /** Number of faces that the predictor takes at a time. */
  batch: number;
  /** @param withMaps whether the maps of face k are wanted (default: all) */
  detect(faces: readonly RgbImage[], withMaps?: (k: number) => boolean): Promise<Detection[]>;
}

export interface Seen {
  item: ManifestItem;
  face: FaceCrop;
  /** The face as it is. */
  detection: Detection;
  /** The face in each view that was asked for, as it is first. */
  views: View[];
}

/** A picture degraded before the face is cut from it. @param index of the face in the list */
export type ChangePicture = (image: RgbImage, index: number) => RgbImage | Promise<RgbImage>;

export interface SeenOptions {
  change?: ChangePicture;
  /** Views that each face is seen in (default: as it is alone). */
  views?: readonly ViewName[];
}

/**
 * Every face in the manifest's order, with what the network says of it. The next batch is read
 * while the GPU works.
 * @throws LlsmError naming the file that cannot be read: nothing is skipped
 */
export async function* seen(
  items: readonly ManifestItem[],
  predictor: Predictor,
  read: ReadBytes,
  { change, views = viewNames.slice(0, 1) }: SeenOptions = {},
): AsyncGenerator<Seen> {
  const readBatch = (first: number) => {
    const batch = items.slice(first, first + predictor.batch);
    const faces = Promise.all(
      batch.map((item, k) => readFace(item, read, change && ((image) => change(image, first + k)))),
    );
    // Whoever awaits it later sees the error; until then it must not count as unhandled.
    faces.catch(() => {});
    return faces;
  };
  let next = readBatch(0);
  for (let first = 0; first < items.length; first += predictor.batch) {
    const faces = await next;
    next = readBatch(first + predictor.batch);
    const pictures = faces.flatMap(({ image }) =>
      views.length > 1 ? viewsOf(image, predictor.size, views) : [image],
    );
    const detections = await predictor.detect(pictures, (k) => k % views.length === 0);
    for (const [k, face] of faces.entries()) {
      const own = detections.slice(k * views.length, (k + 1) * views.length);
      yield {
        item: items[first + k],
        face,
        detection: own[0],
        views: own.map(({ probability }, v) => ({ name: views[v], probability })),
      };
    }
  }
}

export interface EvaluateOptions {
  predictor: Predictor;
  read: ReadBytes;
  /** Probability from which a face is called forged. */
  threshold: number;
  /** Probability from which a mask's pixel is called altered. */
  maskThreshold: number;
  /** Number of positions HW of the predictor's pair maps; 0 where it gives none. */
  positions: number;
  /** Rule by which videos are scored (default: the mean of their faces). */
  videoRule?: VideoRule;
  /** Faces whose training split makes the constant predictor. */
  prior?: readonly ManifestItem[];
  /** Seed of the intervals, of the sampled pairs and of the constant predictor's faces. */
  seed: number;
  onFace?: (what: 'faces' | 'training masks', done: number, total: number) => void;
}

type Named<T> = T & { name: string };

export interface Evaluation {
  /** Scores of the faces, in the order of the items. */
  scores: Scored[];
  /** Probability from which the masks' IoU and F1 call a pixel altered. */
  maskThreshold: number;
  faces: ClassMeasures[];
  /** Measures by video; absent where no video has two faces. */
  videos?: ClassMeasures[];
  videoRule: VideoRule;
  /** Reliability of the probabilities of faces. */
  reliability: Reliability;
  /** Measures of all forged faces with a mask, then each method's; empty where there are none, or no maps. */
  masks: Named<MaskMeasures>[];
  pairs: Named<PairMeasures>[];
  /** Constant predictor's faces and threshold; absent without a training mask, or anything to compare. */
  constant?: Pick<Prior, 'faces' | 'of' | 'threshold'>;
}

/**
 * Scores every item; where forged ones have masks, also says how well they were located.
 * @param items of the split to evaluate; at least one
 * @throws LlsmError as `seen` and `makePrior`
 */
export async function evaluate(
  items: readonly ManifestItem[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { predictor, read, threshold, maskThreshold, positions, seed, onFace } = options;
  const { videoRule = 'mean' } = options;
  const { size } = predictor;
  const withMask = items.filter(({ mask }) => mask !== null);
  const choice = positions > 0 ? choosePairs(positions, withMask.length, seed) : undefined;
  const prior =
    withMask.length > 0 && options.prior
      ? await makePrior(options.prior, {
          size,
          pairs: choice,
          seed,
          read,
          onFace: (done, total) => onFace?.('training masks', done, total),
        })
      : undefined;
  const newGroup = () => new Localisation({ size, maskThreshold, pairs: choice, prior });
  const real = newGroup();
  const groups = new Map(methodsOf(withMask).map((method) => [method, newGroup()]));

  const scores: Scored[] = [];
  for await (const { item, face, detection } of seen(items, predictor, read)) {
    const { label, method, video } = item;
    const { probability } = detection;
    scores.push({ image: `${item.folder}/${item.image}`, label, method, video, probability });
    const flagged = probability >= threshold;
    if (face.mask) {
      const truth = truthOf(maskAt(face, size), choice);
      groups.get(methodOf(item))?.add(detection, flagged, truth);
    } else if (label === 0 && withMask.length > 0) real.add(detection, flagged);
    onFace?.('faces', scores.length, items.length);
  }

  const videos = byVideo(scores, videoRule);
  const localised = located(groups, newGroup);
  return {
    scores,
    maskThreshold,
    faces: classMeasures(scores, { threshold, seed }),
    videoRule,
    reliability: reliabilityOf(scores),
    ...(videos.length < scores.length && { videos: classMeasures(videos, { threshold, seed }) }),
    masks: localised.flatMap(([name, group]) => named(name, group.maskMeasures(real))),
    pairs: localised.flatMap(([name, group]) => named(name, group.pairMeasures(real))),
    ...(prior && {
      constant: { faces: prior.faces, of: prior.of, threshold: prior.threshold },
    }),
  };
}

/** Groups of faces: all methods together, then each, where there are several. */
function located(
  groups: Map<string, Localisation>,
  newGroup: () => Localisation,
): [string, Localisation][] {
  if (groups.size < 2) return [...groups];
  const all = newGroup();
  for (const group of groups.values()) all.merge(group);
  return [['all', all], ...groups];
}

const named = <T>(name: string, measures: T | undefined): Named<T>[] =>
  measures ? [{ name, ...measures }] : [];
