import { type Result, type Values, zeros } from './values.ts';

/** The two source indices of a destination index, and the share of the second. */
function taps(i: number, from: number, to: number): [number, number, number] {
  const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
  const low = Math.floor(at);
  return [low, Math.min(low + 1, from - 1), at - low];
}

/** Bilinear, half-pixel centres (align_corners = false), no antialiasing. */
export function resize(x: Values, outH: number, outW: number): Result<'x'> {
  const [batch, h, w, c] = x.shape;
  const out = zeros([batch, outH, outW, c]);
  const products = (f: (to: number, from: number, share: number) => void): void => {
    for (let b = 0; b < batch; b++) {
      for (let oy = 0; oy < outH; oy++) {
        const [y0, y1, fy] = taps(oy, h, outH);
        for (let ox = 0; ox < outW; ox++) {
          const [x0, x1, fx] = taps(ox, w, outW);
          const to = ((b * outH + oy) * outW + ox) * c;
          for (const [iy, shareY] of [
            [y0, 1 - fy],
            [y1, fy],
          ]) {
            for (const [ix, shareX] of [
              [x0, 1 - fx],
              [x1, fx],
            ]) {
              const from = ((b * h + iy) * w + ix) * c;
              for (let i = 0; i < c; i++) f(to + i, from + i, shareY * shareX);
            }
          }
        }
      }
    }
  };
  products((to, from, share) => (out.data[to] += x.data[from] * share));
  return {
    out,
    backward(dOut) {
      const dX = zeros(x.shape);
      products((to, from, share) => (dX.data[from] += dOut.data[to] * share));
      return { x: dX };
    },
  };
}
