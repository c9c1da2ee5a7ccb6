import type { Config } from '../config/config.ts';
import type { Forging } from '../config/forge-schema.ts';

/** Optimiser steps of a whole run. */
export const totalSteps = ({ train }: Config): number => train.iterations * train.epochs;

/** The stages that have begun at a step, counted from 0. */
const begun = ({ stages, batch }: Config['train'], step: number) =>
  stages.filter(({ from }) => from <= step * batch);

/**
 * The learning rate of a step, counted from 0: a linear warm-up to `lr`, then `lr` throughout, or
 * half a cosine down to lr * `floor` at the last step. A stage may have an `lr` of its own.
 */
export function learningRate(config: Config, step: number): number {
  const { warmup, schedule, floor } = config.train;
  const lr = begun(config.train, step).reduce(
    (before, stage) => stage.lr ?? before,
    config.train.lr,
  );
  if (step < warmup) return (lr * (step + 1)) / warmup;
  if (schedule === 'constant') return lr;
  const last = Math.max(1, totalSteps(config) - 1 - warmup);
  const done = Math.min(1, (step - warmup) / last);
  return lr * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done)));
}

/** How faces are forged at a step: `train.forge` with what the stages so far have changed of it. */
export function forgingAt(train: Config['train'], step: number): Forging {
  if (!train.forge) throw new TypeError('nothing is forged in this run');
  const changes = begun(train, step).map(({ forge }) => forge ?? {});
  return Object.assign({}, train.forge, ...changes);
}
