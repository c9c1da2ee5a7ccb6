/**
 * The configuration key `train.augment`. Apart from augment.ts, so that reading a configuration
 * loads no codec.
 */
import * as z from 'zod';

const chance = z.number().min(0).max(1);
const range = (low: number, high: number) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, 'must be [lower, higher]');

const augmentKeys = z.strictObject({
  /** Chance of a mirror image. */
  flip: chance.default(0.5),
  /** The largest part of a side that a random crop cuts away. */
  crop: z.number().min(0).max(0.5).default(0.12),
  /** Largest relative change of brightness, contrast and saturation. */
  colour: z.number().min(0).max(1).default(0.1),
  blur: chance.default(0.15),
  /** Standard deviations of the blur, in pixels at 224 x 224. */
  blurSigma: range(0.1, 10).default([0.3, 1.2]),
  noise: chance.default(0.15),
  /** Standard deviations of the noise, in grey levels. */
  noiseSigma: range(0, 100).default([1, 6]),
  jpeg: chance.default(0.3),
  jpegQuality: range(1, 100).default([50, 100]),
});

/**
 * Every key has a default, and `true` means all defaults; an unknown key is an error. Applied alike
 * to real and forged faces.
 */
export const augmentSchema = z.preprocess((value) => (value === true ? {} : value), augmentKeys);

export type Augment = z.output<typeof augmentSchema>;
