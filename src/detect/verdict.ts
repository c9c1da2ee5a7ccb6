/** Verdict in words from the network's probability. */
import type { Threshold } from '../model/llsm/checkpoint.ts';
import type { Verdict, View } from './finding.ts';

/** Caution that every result of the detector is shown with. */
export const scope =
  'It looks for altered regions in a photograph; it says nothing of wholly generated pictures.';

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Threshold of a network without a calibrated one. */
export const uncalibrated = 0.5;

/** Colours that verdicts are drawn in, told apart by people with any colour vision. */
export const verdictColours: Record<Verdict, readonly [number, number, number]> = {
  altered: [213, 62, 30],
  unsure: [232, 172, 30],
  'nothing found': [47, 127, 193],
  'face too small': [150, 150, 150],
  'no face found': [150, 150, 150],
};

/** What a face's views say: its verdict, and the reason where it is `unsure`. */
export interface Judgement {
  verdict: 'altered' | 'nothing found' | 'unsure';
  why: string | null;
}

/** The mean probability over a face's views, by which the unsure band is told. */
export const meanOfViews = (views: readonly View[]): number =>
  views.reduce((sum, { probability }) => sum + probability, 0) / views.length;

/**
 * The verdict on a face. `altered` at the threshold and above it; `unsure` where half of its other views
 * or more lie on the other side of the threshold, or where the mean of all lies in the band in which
 * verdicts were measured to err. (One view on the other side says little: a face at half its size has
 * lost most of what a forgery leaves.)
 * @param views the face in each view, as it is first; at least one
 */
export function judge(views: readonly View[], threshold?: Threshold): Judgement {
  const value = threshold?.value ?? uncalibrated;
  const altered = views[0].probability >= value;
  const others = views.slice(1);
  const across = others.filter(({ probability }) => probability >= value !== altered);
  if (across.length > 0 && 2 * across.length >= others.length) {
    const told = across.map(({ name, probability }) => `${name} ${probability.toFixed(3)}`);
    return {
      verdict: 'unsure',
      why: `seen otherwise it lies across the threshold: ${told.join(', ')}`,
    };
  }
  const mean = meanOfViews(views);
  const band = threshold?.unsure;
  if (band && mean >= band.from && mean < band.to) {
    const [from, to] = [band.from, band.to].map((bound) => bound.toFixed(3));
    return { verdict: 'unsure', why: `scores from ${from} to ${to} are often wrong` };
  }
  return { verdict: altered ? 'altered' : 'nothing found', why: null };
}

/** The threshold and where it comes from, as part of a sentence. */
export function thresholdInWords(threshold?: Threshold): string {
  if (!threshold) return `${uncalibrated}, uncalibrated`;
  const { value, rule, fpr, data, n } = threshold;
  return (
    `${Number(value.toPrecision(4))}, chosen on ${n} faces of ${data} by ${rule}, where ` +
    `${percent(fpr)} of the real ones are at or above it`
  );
}

/**
 * What a verdict is worth, in sentences: how many real faces are wrongly accused at this threshold, and
 * how many are answered with `unsure`.
 */
export function meaningInWords(threshold?: Threshold): string {
  if (!threshold) {
    return 'This network is uncalibrated: how many real faces it accuses is not known (`llsm calibrate`).';
  }
  const { fpr, data, unsure } = threshold;
  if (!unsure) {
    return (
      `Of the real faces of ${data}, ${percent(fpr)} have such a score: that many are wrongly accused. ` +
      'Where verdicts are unsure has not been measured (`llsm calibrate`).'
    );
  }
  const { real, forged, accused, missed } = unsure;
  return (
    `On ${data}, ${percent(accused)} of the real faces were wrongly called altered and ${percent(real)} ` +
    `unsure; of the forged ones, nothing was found in ${percent(missed)} and ${percent(forged)} were unsure.`
  );
}

const percent = (fraction: number): string => `${Number((100 * fraction).toPrecision(3))} %`;

/** The probability from which a mask's pixel is called altered. */
export const maskThreshold = (threshold?: Pick<Threshold, 'mask'>): number =>
  threshold?.mask ?? uncalibrated;

/** The part of a mask [S, S] that is called altered, from 0 to 1. */
export function alteredShare(mask: Float32Array, threshold?: Threshold): number {
  const from = maskThreshold(threshold);
  return mask.reduce((count, value) => count + (value >= from ? 1 : 0), 0) / mask.length;
}
