import type { Config } from '../config/config.ts';

/** Optimiser steps of a whole run. */
export const totalSteps = ({ train }: Config): number => train.iterations * train.epochs;

/**
 * The learning rate of a step, counted from 0: a linear warm-up to `lr`, then `lr` throughout, or
 * half a cosine down to lr / 10 at the last step.
 */
export function learningRate(config: Config, step: number): number {
  const { lr, warmup, schedule } = config.train;
  if (step < warmup) return (lr * (step + 1)) / warmup;
  if (schedule === 'constant') return lr;
  const last = Math.max(1, totalSteps(config) - 1 - warmup);
  const done = Math.min(1, (step - warmup) / last);
  return lr * (0.1 + 0.9 * 0.5 * (1 + Math.cos(Math.PI * done)));
}
