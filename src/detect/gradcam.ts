/**
 * Grad-CAM for a person to look at: where a face's score comes from. `recordCam` computes it; here are
 * the two scales that it is shown on.
 */

/** A Grad-CAM [side, side] of one face. */
export interface Cam {
  /** The name of the feature map that it was computed at. */
  tap: string;
  side: number;
  /** Values from 0 up, row-major, in the logit's unit over the number of positions. */
  values: Float32Array;
}

/**
 * The map on a scale that is the same for every face, 0 to 1. A place's value times the number of
 * positions is the logit that a face would have, without the bias, if it looked like this place
 * everywhere (exactly so at a map that the classifier pools; to first order below); the scale is how
 * far such a logit takes the probability from even: 2 sigmoid(logit) - 1. So a map that is dark
 * everywhere says that nothing speaks for a forgery.
 */
export const fixedScale = ({ side, values }: Cam): Float32Array =>
  values.map((value) => Math.tanh((value * side * side) / 2));

/**
 * The map stretched to its own range: least 0, largest 1, as most programs show Grad-CAM. It tells
 * places of one face from each other, and nothing about two faces: one that nothing speaks against has a
 * bright place too. A map of one value is 0 everywhere.
 */
export function ownScale({ values }: Cam): Float32Array {
  let [least, largest] = [Number.POSITIVE_INFINITY, 0];
  for (const value of values) {
    least = Math.min(least, value);
    largest = Math.max(largest, value);
  }
  const range = largest - least;
  return values.map((value) => (range > 0 ? (value - least) / range : 0));
}
