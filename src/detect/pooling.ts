/** From the scores of a face's frames to one for its track, and for a video. */
import type { Threshold } from '../model/llsm/checkpoint.ts';
import type { View } from './finding.ts';
import { type Judgement, judge, uncalibrated } from './verdict.ts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of the sure faces alone, where they are many: the rule of the DFDC challenge's winner (selimsef). */
function confident(probabilities: readonly number[]): number {
  const forged = probabilities.filter((p) => p > 0.8);
  if (forged.length > 0.4 * probabilities.length && forged.length > 11) return mean(forged);
  const real = probabilities.filter((p) => p < 0.2);
  return mean(real.length > 0.9 * probabilities.length ? real : probabilities);
}

const leastLogit = 1e-6;

/**
 * How a video's probability comes from those of its faces. `mean`: DeepfakeBench; `logit`: the mean
 * of the logits, as LipForensics; `confident`: see there; `max`: the likeliest forged face.
 */
export const videoRules = {
  mean,
  logit(probabilities: readonly number[]): number {
    const inside = probabilities.map((p) => Math.min(1 - leastLogit, Math.max(leastLogit, p)));
    return 1 / (1 + Math.exp(-mean(inside.map((p) => Math.log(p / (1 - p))))));
  },
  confident,
  max: (probabilities: readonly number[]): number => Math.max(...probabilities),
} as const;

export type VideoRule = keyof typeof videoRules;

/** Part of a track's frames across the threshold above which its verdict is `unsure`. */
export const mostAcross = 0.25;

/** Frames that a face must be seen in for its track to be called altered, where there are as many. */
export const fewestFrames = 3;

/** What a track's scores say. */
export interface TrackJudgement extends Judgement {
  probability: number;
}

/**
 * The verdict on a track, by the rules for a face, of its pooled score. `unsure` also where more than
 * a quarter of its frames lie on the other side of the threshold than the pooled score, and where
 * it would be altered but was seen in fewer than three frames of a video that has more.
 * @param scores probabilities of the face as it is, one a frame; at least one
 * @param views the few frames that were seen in several views, each as it is first
 * @param looked frames of the video that were looked at
 */
export function judgeTrack(
  scores: readonly number[],
  views: readonly (readonly View[])[],
  looked: number,
  { rule = 'mean', threshold }: { rule?: VideoRule; threshold?: Threshold } = {},
): TrackJudgement {
  const probability = videoRules[rule](scores);
  const value = threshold?.value ?? uncalibrated;
  const altered = probability >= value;
  const across = scores.filter((score) => score >= value !== altered).length;
  if (across > mostAcross * scores.length) {
    const why = `${across} of ${scores.length} frames lie across the threshold`;
    return { probability, verdict: 'unsure', why };
  }
  const others = (views[0] ?? []).slice(1).map(({ name }, k) => ({
    name,
    probability: videoRules[rule](views.map((each) => each[k + 1].probability)),
  }));
  const said = judge([{ name: 'as it is', probability }, ...others], threshold);
  if (said.verdict === 'altered' && scores.length < Math.min(fewestFrames, looked)) {
    const why = `seen in only ${scores.length === 1 ? 'one frame' : `${scores.length} frames`}`;
    return { probability, verdict: 'unsure', why };
  }
  return { probability, ...said };
}
