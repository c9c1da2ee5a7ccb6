import { type Result, type Values, zeros } from './values.ts';

export type Head = 'linear' | 'mlp' | 'absdiff' | 'bilinear';

/** The head's function of one pair's values at one k, and its derivatives. */
interface Pair {
  f(a: number, b: number, v: number): number;
  /** With respect to a, b and v. */
  slopes(a: number, b: number, v: number): readonly [number, number, number];
}

const pairs: Record<Head, (depth: number) => Pair> = {
  linear: () => ({ f: (a, b) => a + b, slopes: () => [1, 1, 0] }),
  mlp: () => ({
    f: (a, b, v) => v * Math.max(a + b, 0),
    slopes: (a, b, v) => (a + b > 0 ? [v, v, a + b] : [0, 0, 0]),
  }),
  absdiff: () => ({
    f: (a, b, v) => v * Math.abs(a - b),
    slopes: (a, b, v) => [v * Math.sign(a - b), -v * Math.sign(a - b), Math.abs(a - b)],
  }),
  bilinear: (depth) => ({
    f: (a, b) => (a * b) / Math.sqrt(depth),
    slopes: (a, b) => [b / Math.sqrt(depth), a / Math.sqrt(depth), 0],
  }),
};

/**
 * Logits of all pairs of positions: left and right [B, H, W, D], weight [D] (of `mlp` and `absdiff`;
 * the others leave it alone), bias [1] give [B, HW, HW].
 */
export function pairLogits(
  head: Head,
  left: Values,
  right: Values,
  weight: Values,
  bias: Values,
): Result<'left' | 'right' | 'weight' | 'bias'> {
  const [batch, h, w, depth] = left.shape;
  const positions = h * w;
  const { f, slopes } = pairs[head](depth);
  const out = zeros([batch, positions, positions]);
  /** Calls g with the pair's place in `out`, and where its two vectors begin. */
  const each = (g: (at: number, i: number, j: number) => void): void => {
    for (let at = 0; at < out.data.length; at++) {
      const row = Math.floor(at / positions);
      const column = Math.floor(row / positions) * positions + (at % positions);
      g(at, row * depth, column * depth);
    }
  };
  each((at, i, j) => {
    let z = bias.data[0];
    for (let k = 0; k < depth; k++) z += f(left.data[i + k], right.data[j + k], weight.data[k]);
    out.data[at] = z;
  });
  return {
    out,
    backward(dOut) {
      const d = {
        left: zeros(left.shape),
        right: zeros(right.shape),
        weight: zeros(weight.shape),
        bias: zeros([1]),
      };
      each((at, i, j) => {
        const dz = dOut.data[at];
        for (let k = 0; k < depth; k++) {
          const slope = slopes(left.data[i + k], right.data[j + k], weight.data[k]);
          d.left.data[i + k] += dz * slope[0];
          d.right.data[j + k] += dz * slope[1];
          d.weight.data[k] += dz * slope[2];
        }
        d.bias.data[0] += dz;
      });
      return d;
    },
  };
}

/**
 * The pair loss, a scalar: sum over items of share[b] * mean over pairs of BCE(z_ij, t_ij), with
 * t_ij = 1 where |m_i - m_j| > 0.5.
 * @param z [B, HW, HW]; `mask` [B, H, W, 1]; `share` [B]
 * @param counts how often each pair was drawn, [B, HW, HW]; all pairs once, if not given
 */
export function pairLoss(z: Values, mask: Values, share: Values, counts?: Values): Result<'z'> {
  const positions = z.shape[1];
  const perItem = positions * positions;
  const n = counts
    ? counts.data.subarray(0, perItem).reduce((sum, count) => sum + count, 0)
    : perItem;
  const weightOf = (at: number): number =>
    (share.data[Math.floor(at / perItem)] * (counts ? counts.data[at] : 1)) / n;
  const truthOf = (at: number): number => {
    const i = Math.floor(at / positions);
    const j = Math.floor(at / perItem) * positions + (at % positions);
    return Math.abs(mask.data[i] - mask.data[j]) > 0.5 ? 1 : 0;
  };
  const out = zeros([1]);
  const dZ = zeros(z.shape);
  z.data.forEach((value, at) => {
    const weight = weightOf(at);
    if (weight === 0) return;
    const t = truthOf(at);
    const loss = Math.max(value, 0) - value * t + Math.log1p(Math.exp(-Math.abs(value)));
    out.data[0] += weight * loss;
    dZ.data[at] = weight * (1 / (1 + Math.exp(-value)) - t);
  });
  return {
    out,
    backward: (dOut) => ({ z: { shape: z.shape, data: dZ.data.map((d) => d * dOut.data[0]) } }),
  };
}
