/** Evaluation of a network on a data set. Browser-safe. */

import type { View } from '../detect/finding.ts';
import type { VideoRule } from '../detect/pooling.ts';
import type { Detection } from '../detect/scorer.ts';
import { type ViewName, viewNames, viewsOf } from '../detect/views.ts';
import { type FaceCrop, type ReadBytes, readFace } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import {
  byVideo,
  type ClassMeasures,
  classMeasures,
  type GroupMeasures,
  groupMeasures,
  methodOf,
  methodsOf,
  type Scored,
} from './classification.ts';
import { type GroupingName, maskSizeOf, maskSizes, sourceOf } from './groups.ts';
import {
  Localisation,
  type MaskMeasures,
  type PairMeasures,
  type RealMaskMeasures,
} from './localisation.ts';
import { makePrior, type Prior } from './prior.ts';
import { type Reliability, reliabilityOf } from './reliability.ts';
import { choosePairs, maskAt, truthOf } from './truth.ts';
import { VerdictCount, type VerdictShares } from './verdicts.ts';

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
  /** Ways to tell faces apart, each measured by itself. */
  by?: readonly GroupingName[];
  /** Views that each face is judged by, and the checkpoint's threshold; absent: no face is judged. */
  judged?: { views: readonly ViewName[]; threshold?: Threshold };
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
  /** Measures by what tells faces apart, as asked for. */
  groups: GroupMeasures[];
  /** What faces are told, seen in several views; absent unless asked for. */
  verdicts?: { real: VerdictShares; forged: VerdictShares };
  /** Reliability of the probabilities of faces. */
  reliability: Reliability;
  /** Measures of all forged faces with a mask, then each method's; empty where there are none, or no maps. */
  masks: Named<MaskMeasures>[];
  /** The same by the share of the face crop that is altered, from small to large. */
  masksBySize: Named<MaskMeasures>[];
  /** What masks say of the real faces; absent where there are none, or no masks to compare. */
  realMasks?: RealMaskMeasures;
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
  const newGroup = () => new Localisation({ size, maskThreshold, pairs: choice, prior, seed });
  const real = newGroup();
  const groups = new Map(methodsOf(withMask).map((method) => [method, newGroup()]));
  const sizes = new Map<string, Localisation>();

  const scores: Scored[] = [];
  const verdicts = new VerdictCount();
  const { judged } = options;
  const way = { views: judged?.views };
  for await (const { item, face, detection, views } of seen(items, predictor, read, way)) {
    const { label, method, video, made } = item;
    if (judged) verdicts.add(label, views, judged.threshold);
    const { probability } = detection;
    const how = { flagged: probability >= threshold, video };
    let maskShare: number | undefined;
    if (face.mask) {
      const truth = truthOf(maskAt(face, size), choice);
      maskShare = truth.pixels.reduce((sum, one) => sum + one, 0) / truth.pixels.length;
      const group = maskSizeOf(maskShare);
      const ofSize = sizes.get(group) ?? newGroup();
      sizes.set(group, ofSize);
      for (const part of [groups.get(methodOf(item)), ofSize]) part?.add(detection, how, truth);
    } else if (label === 0 && withMask.length > 0) real.add(detection, how);
    const side = item.side ?? face.image.width;
    const traits = { method, source: sourceOf(item), made, maskShare, side };
    const image = `${item.folder}/${item.image}`;
    scores.push({ image, label, method, video, probability, traits });
    onFace?.('faces', scores.length, items.length);
  }

  const videos = byVideo(scores, videoRule);
  const localised = located(groups, newGroup);
  const bySize = maskSizes.filter((name) => sizes.has(name));
  const realMasks = real.realMeasures();
  return {
    scores,
    maskThreshold,
    faces: classMeasures(scores, { threshold, seed }),
    videoRule,
    groups: (options.by ?? []).map((by) => groupMeasures(scores, by, { threshold, seed })),
    ...(judged && { verdicts: verdicts.shares() }),
    reliability: reliabilityOf(scores),
    ...(videos.length < scores.length && { videos: classMeasures(videos, { threshold, seed }) }),
    masks: localised.flatMap(([name, group]) => named(name, group.maskMeasures(real))),
    masksBySize: bySize.flatMap((name) => named(name, sizes.get(name)?.maskMeasures(real))),
    ...(realMasks && { realMasks }),
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
