import { type Result, type Values, zeros } from './values.ts';

/**
 * Max pool 3x3, stride 2. `torch` pads (1, 1); `tf` pads (0, 1) on an even size, (1, 1) on an odd
 * one. Padding never wins; of equal values the first one (by row) gets the gradient.
 */
export function maxPool(x: Values, pad: 'torch' | 'tf'): Result<'x'> {
  const [batch, h, w, c] = x.shape;
  const before = (n: number): number => (pad === 'torch' ? 1 : n % 2);
  const outSize = (n: number): number => Math.floor((n + before(n) + 1 - 3) / 2) + 1;
  const [outH, outW] = [outSize(h), outSize(w)];
  const out = zeros([batch, outH, outW, c]);
  const winner = new Uint32Array(out.data.length);
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < outH; oy++) {
      for (let ox = 0; ox < outW; ox++) {
        for (let i = 0; i < c; i++) {
          const to = ((b * outH + oy) * outW + ox) * c + i;
          let best = Number.NEGATIVE_INFINITY;
          for (let ky = 0; ky < 3; ky++) {
            for (let kx = 0; kx < 3; kx++) {
              const iy = oy * 2 + ky - before(h);
              const ix = ox * 2 + kx - before(w);
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              const from = ((b * h + iy) * w + ix) * c + i;
              if (x.data[from] > best) {
                best = x.data[from];
                winner[to] = from;
              }
            }
          }
          out.data[to] = best;
        }
      }
    }
  }
  return {
    out,
    backward(dOut) {
      const dX = zeros(x.shape);
      dOut.data.forEach((d, i) => {
        dX.data[winner[i]] += d;
      });
      return { x: dX };
    },
  };
}

/** Adaptive average pool: bin i of n covers floor(i * size / n) to ceil((i + 1) * size / n). */
export function adaptivePool(x: Values, outH: number, outW: number): Result<'x'> {
  const [batch, h, w, c] = x.shape;
  const out = zeros([batch, outH, outW, c]);
  const products = (f: (to: number, from: number, share: number) => void): void => {
    for (let b = 0; b < batch; b++) {
      for (let oy = 0; oy < outH; oy++) {
        const [y0, y1] = [Math.floor((oy * h) / outH), Math.ceil(((oy + 1) * h) / outH)];
        for (let ox = 0; ox < outW; ox++) {
          const [x0, x1] = [Math.floor((ox * w) / outW), Math.ceil(((ox + 1) * w) / outW)];
          const share = 1 / ((y1 - y0) * (x1 - x0));
          for (let iy = y0; iy < y1; iy++) {
            for (let ix = x0; ix < x1; ix++) {
              const to = ((b * outH + oy) * outW + ox) * c;
              const from = ((b * h + iy) * w + ix) * c;
              for (let i = 0; i < c; i++) f(to + i, from + i, share);
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

/**
 * Max pool 2x2 without padding at the front: a window at the end holds what is there. Of equal values
 * the first one (by row) gets the gradient.
 */
export function maxPool2(x: Values, stride: number): Result<'x'> {
  const [batch, h, w, c] = x.shape;
  const [outH, outW] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const out = zeros([batch, outH, outW, c]);
  const winner = new Uint32Array(out.data.length);
  out.data.forEach((_, to) => {
    const i = to % c;
    const ox = Math.floor(to / c) % outW;
    const oy = Math.floor(to / (c * outW)) % outH;
    const b = Math.floor(to / (c * outW * outH));
    let best = Number.NEGATIVE_INFINITY;
    for (let iy = oy * stride; iy < Math.min(h, oy * stride + 2); iy++) {
      for (let ix = ox * stride; ix < Math.min(w, ox * stride + 2); ix++) {
        const from = ((b * h + iy) * w + ix) * c + i;
        if (x.data[from] <= best) continue;
        best = x.data[from];
        winner[to] = from;
      }
    }
    out.data[to] = best;
  });
  return {
    out,
    backward(dOut) {
      const dX = zeros(x.shape);
      dOut.data.forEach((d, i) => {
        dX.data[winner[i]] += d;
      });
      return { x: dX };
    },
  };
}
