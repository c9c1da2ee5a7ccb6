/** A threshold from faces that a network has not been trained on. Browser-safe. */
import type { ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import { type Predictor, seen } from './evaluate.ts';
import { tallyOf } from './metrics.ts';
import { chooseThreshold, MaskThresholds, ruleInWords, type ThresholdRule } from './threshold.ts';
import { maskAt, truthOf } from './truth.ts';

/** Scores and masks of faces, to choose thresholds from. */
export interface Calibrating {
  /** The probability of each face that it is forged, in their order. */
  scores: number[];
  /** Mean IoU of the forged faces' masks at every threshold, where they and the network have masks. */
  masks: MaskThresholds;
}

/**
 * @param onFace called after each face, with how many are done
 * @throws LlsmError where a face cannot be read, or the GPU fails
 */
export async function scoreFaces(
  faces: readonly ManifestItem[],
  predictor: Predictor,
  read: ReadBytes,
  onFace: (done: number) => void,
): Promise<Calibrating> {
  const scores: number[] = [];
  const masks = new MaskThresholds();
  for await (const { face, detection } of seen(faces, predictor, read)) {
    scores.push(detection.probability);
    if (face.mask && detection.mask) {
      masks.add(detection.mask, truthOf(maskAt(face, predictor.size)).pixels);
    }
    onFace(scores.length);
  }
  return { scores, masks };
}

/**
 * The threshold that a rule chooses from the faces' scores, with its origin, the share of the
 * forged faces that it finds, and the masks' threshold with the best mean IoU.
 * @param data what the faces are, in words
 * @throws LlsmError as `chooseThreshold`
 */
export function thresholdFrom(
  faces: readonly ManifestItem[],
  { scores, masks }: Calibrating,
  at: ThresholdRule,
  data: string,
): { threshold: Threshold; found: number; maskIou?: number } {
  const labels = faces.map(({ label }) => label);
  const { value, fpr, tpr } = chooseThreshold(tallyOf(scores, labels), at);
  const threshold = { value, rule: ruleInWords(at), fpr, data, n: faces.length };
  if (masks.faces === 0) return { threshold, found: tpr };
  const mask = masks.best();
  return { threshold: { ...threshold, mask: mask.value }, found: tpr, maskIou: mask.iou };
}
