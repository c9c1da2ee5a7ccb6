/** Verdict in words from the network's probability. */
import type { Threshold } from '../model/llsm/checkpoint.ts';

/** Caution that every result of the detector is shown with. */
export const scope =
  'It looks for altered regions in a photograph; it says nothing of wholly generated pictures.';

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Threshold of a network without a calibrated one. */
export const uncalibrated = 0.5;

/** Whether a probability is called forged: at or above the threshold. */
export const isForged = (probability: number, threshold?: Threshold): boolean =>
  probability >= (threshold?.value ?? uncalibrated);

export const verdictInWords = (forged: boolean): string => (forged ? 'forged' : 'no forgery found');

/** The threshold and where it comes from, as part of a sentence. */
export function thresholdInWords(threshold?: Threshold): string {
  if (!threshold) return `${uncalibrated}, uncalibrated`;
  const { value, rule, fpr, data, n } = threshold;
  return (
    `${Number(value.toPrecision(4))}, chosen on ${n} faces of ${data} by ${rule}, where ` +
    `${Number((100 * fpr).toPrecision(3))} % of the real ones are called forged`
  );
}

/** The probability from which a mask's pixel is called altered. */
export const maskThreshold = (threshold?: Pick<Threshold, 'mask'>): number =>
  threshold?.mask ?? uncalibrated;

/** The part of a mask [S, S] that is called altered, from 0 to 1. */
export function alteredShare(mask: Float32Array, threshold?: Threshold): number {
  const from = maskThreshold(threshold);
  return mask.reduce((count, value) => count + (value >= from ? 1 : 0), 0) / mask.length;
}
