import { type Read, read, relu, type Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { residualAdd } from '../../kernels/residual_add/residual_add.ts';
import { convBias, type FinderBuilder, separable } from './layers.ts';
import type { Normalisation } from './network.ts';

/** Side of the landmark networks' input. */
export const landmarkSide = 112;

export const landmarkNormalisation: Normalisation = {
  mean: [122.782, 117.001, 104.298],
  scale: 1 / 255,
};

/** The two landmark networks of face-api.js: widths of their blocks, and convolutions in each. */
const sizes = {
  tiny: { widths: [32, 64, 128], convs: 3 },
  full: { widths: [32, 64, 128, 256], convs: 4 },
} as const;

export type LandmarkSize = keyof typeof sizes;

/** The prefix of a landmark network's tensors. */
export const landmarkPrefix = (size: LandmarkSize): string =>
  size === 'tiny' ? 'landmarks_tiny' : 'landmarks';

/**
 * The 68-landmark network: face [B, 112, 112, 3] to [B, 1, 1, 136], x and y of each point in parts of
 * the side.
 */
export function landmarks(build: FinderBuilder, face: Tensor, size: LandmarkSize): Tensor {
  const { widths, convs } = sizes[size];
  const prefix = landmarkPrefix(size);
  let x: Read | Tensor = face;
  widths.forEach((width, i) => {
    x = dense(build, `${prefix}.dense${i}`, x, width, convs, i === 0);
  });
  const pooled = adaptivePool(build.g, `${prefix}.pool`, x, 1, { flat: true });
  return convBias(build, `${prefix}.fc`, pooled, 136, 1);
}

/** A dense block: each convolution reads the sum of all before it through ReLU; the first halves. */
function dense(
  build: FinderBuilder,
  name: string,
  x: Read | Tensor,
  n: number,
  convs: number,
  isFirst: boolean,
): Read {
  const options = { stride: 2, pad: 'tf', activation: 'relu' } as const;
  let sum = isFirst
    ? convBias(build, `${name}.conv0`, x, n, 3, options)
    : separable(build, `${name}.conv0`, x, n, options);
  for (let i = 1; i < convs; i++) {
    const next = separable(build, `${name}.conv${i}`, relu(sum), n);
    sum = residualAdd(build.g, `${name}.sum${i}`, read(next), sum);
  }
  return relu(sum);
}

type Point = [number, number];

const mean = (points: readonly Point[]): Point => {
  const sum = points.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
};

/**
 * Five points of the 68 in YuNet's order: right eye, left eye, nose, right and left corner of the
 * mouth, each the person's own (the right one is at the left of the picture).
 */
export function fivePoints(points: readonly Point[]): Point[] {
  return [
    mean(points.slice(36, 42)),
    mean(points.slice(42, 48)),
    points[30],
    points[48],
    points[54],
  ];
}
