import { channelsOf, map, type Result, type Values, valuesOf, zeros } from './values.ts';

export interface Statistics {
  mean: Values;
  /** Biased (over n). */
  variance: Values;
}

/** Mean and biased variance of each channel of x [..., C], in two passes. */
export function statisticsOf(x: Values): Statistics {
  const c = channelsOf(x);
  const n = x.data.length / c;
  const mean = zeros([c]);
  const variance = zeros([c]);
  x.data.forEach((value, i) => {
    mean.data[i % c] += value / n;
  });
  x.data.forEach((value, i) => {
    variance.data[i % c] += (value - mean.data[i % c]) ** 2 / n;
  });
  return { mean, variance };
}

/** What batch norm multiplies by and adds: [2, C]. */
export function affineOf(
  { mean, variance }: Statistics,
  gamma: Values,
  beta: Values,
  eps: number,
): Values {
  const scale = map(gamma, (value, i) => value / Math.sqrt(variance.data[i] + eps));
  const shift = map(beta, (value, i) => value - mean.data[i] * scale.data[i]);
  return valuesOf([2, gamma.data.length], [...scale.data, ...shift.data]);
}

/** x * scale + shift, then ReLU where asked. */
export function readThrough(x: Values, affine: Values, relu: boolean): Values {
  const c = channelsOf(x);
  return map(x, (value, i) => {
    const y = value * affine.data[i % c] + affine.data[c + (i % c)];
    return relu ? Math.max(y, 0) : y;
  });
}

/** Batch norm of x [..., C] with this batch's statistics, or with the given fixed ones. */
export function batchNorm(
  x: Values,
  gamma: Values,
  beta: Values,
  eps: number,
  fixed?: Statistics,
): Result<'x' | 'gamma' | 'beta'> & { statistics: Statistics } {
  const c = channelsOf(x);
  const n = x.data.length / c;
  const statistics = fixed ?? statisticsOf(x);
  const { mean, variance } = statistics;
  const inverse = map(variance, (value) => 1 / Math.sqrt(value + eps));
  const normal = map(x, (value, i) => (value - mean.data[i % c]) * inverse.data[i % c]);
  return {
    statistics,
    out: map(normal, (value, i) => value * gamma.data[i % c] + beta.data[i % c]),
    backward(dOut) {
      const dGamma = zeros([c]);
      const dBeta = zeros([c]);
      dOut.data.forEach((d, i) => {
        dGamma.data[i % c] += d * normal.data[i];
        dBeta.data[i % c] += d;
      });
      const dX = map(dOut, (d, i) => {
        const k = i % c;
        const through = fixed ? 0 : (dBeta.data[k] + normal.data[i] * dGamma.data[k]) / n;
        return gamma.data[k] * inverse.data[k] * (d - through);
      });
      return { x: dX, gamma: dGamma, beta: dBeta };
    },
  };
}

/** A running statistic after one step, as torch has it: the variance unbiased. */
export function runningAfter(
  before: Statistics,
  { mean, variance }: Statistics,
  count: number,
  momentum: number,
): Statistics {
  const mix = (old: Values, fresh: Values, scale: number): Values =>
    map(old, (value, i) => (1 - momentum) * value + momentum * fresh.data[i] * scale);
  return {
    mean: mix(before.mean, mean, 1),
    variance: mix(before.variance, variance, count / (count - 1)),
  };
}
