/** A threshold from faces that a network has not been trained on. Browser-safe. */
import type { ReadBytes } from '../data/crops.ts';
import type { ManifestItem } from '../data/manifest.ts';
import type { Threshold } from '../model/checkpoint.ts';
import { type Predictor, seen } from './evaluate.ts';
import { tallyOf } from './metrics.ts';
import { chooseThreshold, ruleInWords, type ThresholdRule } from './threshold.ts';

/**
 * The probability of each face that it is forged, in their order.
 * @param onFace called after each face, with how many are done
 * @throws LlsmError where a face cannot be read, or the GPU fails
 */
export async function scoreFaces(
  faces: readonly ManifestItem[],
  predictor: Predictor,
  read: ReadBytes,
  onFace: (done: number) => void,
): Promise<number[]> {
  const scores: number[] = [];
  for await (const { detection } of seen(faces, predictor, read)) {
    scores.push(detection.probability);
    onFace(scores.length);
  }
  return scores;
}

/**
 * The threshold that a rule chooses from the faces' scores, with its origin, and the share of the
 * forged faces that it finds.
 * @param data what the faces are, in words
 * @throws LlsmError as `chooseThreshold`
 */
export function thresholdFrom(
  faces: readonly ManifestItem[],
  scores: readonly number[],
  at: ThresholdRule,
  data: string,
): { threshold: Threshold; found: number } {
  const labels = faces.map(({ label }) => label);
  const { value, fpr, tpr } = chooseThreshold(tallyOf(scores, labels), at);
  return { threshold: { value, rule: ruleInWords(at), fpr, data, n: faces.length }, found: tpr };
}
