/** A threshold from faces that a network has not been trained on. Browser-safe. */
import type { View } from '../detect/finding.ts';
import { type ViewName, viewNames } from '../detect/views.ts';
import type { ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import { type Predictor, seen } from './evaluate.ts';
import { tallyOf } from './metrics.ts';
import { chooseThreshold, MaskThresholds, ruleInWords, type ThresholdRule } from './threshold.ts';
import { maskAt, truthOf } from './truth.ts';
import { measureUnsure } from './unsure.ts';

/** Scores and masks of faces, to choose thresholds from. */
export interface Calibrating {
  /** Each face's views, as it is first, in the faces' order. */
  views: View[][];
  /** Mean IoU of the forged faces' masks at every threshold, where they and the network have masks. */
  masks: MaskThresholds;
}

/**
 * Scores faces, each in the views that verdicts are given by.
 * @param onFace called after each face, with how many are done
 * @throws LlsmError where a face cannot be read, or the GPU fails
 */
export async function scoreFaces(
  faces: readonly ManifestItem[],
  predictor: Predictor,
  read: ReadBytes,
  onFace: (done: number) => void,
  names: readonly ViewName[] = viewNames,
): Promise<Calibrating> {
  const scored: View[][] = [];
  const masks = new MaskThresholds();
  for await (const { face, detection, views } of seen(faces, predictor, read, { views: names })) {
    scored.push(views);
    if (face.mask && detection.mask) {
      masks.add(detection.mask, truthOf(maskAt(face, predictor.size)).pixels);
    }
    onFace(scored.length);
  }
  return { views: scored, masks };
}

/**
 * The threshold that a rule chooses from the faces' scores, with its origin, the share of the
 * forged faces that it finds, the masks' threshold with the best mean IoU, and, where the faces were
 * scored in several views, where verdicts are unsure.
 * @param data what the faces are, in words
 * @throws LlsmError as `chooseThreshold`
 */
export function thresholdFrom(
  faces: readonly ManifestItem[],
  { views, masks }: Calibrating,
  at: ThresholdRule,
  data: string,
): { threshold: Threshold; found: number; maskIou?: number } {
  const scores = views.map(([asItIs]) => asItIs.probability);
  const labels = faces.map(({ label }) => label);
  const { value, fpr, tpr } = chooseThreshold(tallyOf(scores, labels), at);
  const threshold: Threshold = { value, rule: ruleInWords(at), fpr, data, n: faces.length };
  if (views.some(({ length }) => length > 1)) {
    const judged = views.map((each, k) => ({ label: labels[k], views: each }));
    threshold.unsure = measureUnsure(judged, threshold);
  }
  if (masks.faces === 0) return { threshold, found: tpr };
  const mask = masks.best();
  return { threshold: { ...threshold, mask: mask.value }, found: tpr, maskIou: mask.iou };
}
