import { type Result, type Values, zeros } from './values.ts';

/** Padding as src/kernels/padding.ts: how many zeros stand before, and how many windows there are. */
function windowsOf(n: number, size: number, stride: number, pad?: 'torch' | 'tf') {
  if (pad === 'tf') {
    const count = Math.ceil(n / stride);
    return { count, front: Math.floor(Math.max(0, (count - 1) * stride + size - n) / 2) };
  }
  const front = pad === 'torch' ? Math.floor(size / 2) : 0;
  return { count: Math.floor((n + 2 * front - size) / stride) + 1, front };
}

/** Convolution: x [B, H, W, C], weight [N, C, KH, KW], bias [N] gives [B, H', W', N]. */
export function conv(
  x: Values,
  weight: Values,
  { stride = 1, bias, pad }: { stride?: number; bias?: Values; pad?: 'torch' | 'tf' } = {},
): Result<'x' | 'weight' | 'bias'> {
  const [batch, h, w, c] = x.shape;
  const [n, , kh, kw] = weight.shape;
  const { count: outH, front: top } = windowsOf(h, kh, stride, pad);
  const { count: outW, front: left } = windowsOf(w, kw, stride, pad);
  const out = zeros([batch, outH, outW, n]);
  /** Calls f with the indices of every product: out, the first x and weight, the weight's step. */
  const products = (f: (to: number, from: number, weight: number, step: number) => void): void => {
    for (let b = 0; b < batch; b++) {
      for (let oy = 0; oy < outH; oy++) {
        for (let ox = 0; ox < outW; ox++) {
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const iy = oy * stride + ky - top;
              const ix = ox * stride + kx - left;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              const from = ((b * h + iy) * w + ix) * c;
              for (let k = 0; k < n; k++) {
                const to = ((b * outH + oy) * outW + ox) * n + k;
                f(to, from, (k * c * kh + ky) * kw + kx, kh * kw);
              }
            }
          }
        }
      }
    }
  };
  products((to, from, at, step) => {
    let sum = 0;
    for (let i = 0; i < c; i++) sum += x.data[from + i] * weight.data[at + i * step];
    out.data[to] += sum;
  });
  if (bias)
    out.data.forEach((value, i) => {
      out.data[i] = value + bias.data[i % n];
    });
  return {
    out,
    backward(dOut) {
      const dX = zeros(x.shape);
      const dWeight = zeros(weight.shape);
      const dBias = zeros([n]);
      products((to, from, at, step) => {
        const d = dOut.data[to];
        for (let i = 0; i < c; i++) {
          dX.data[from + i] += d * weight.data[at + i * step];
          dWeight.data[at + i * step] += d * x.data[from + i];
        }
      });
      dOut.data.forEach((d, i) => {
        dBias.data[i % n] += d;
      });
      return { x: dX, weight: dWeight, bias: dBias };
    },
  };
}

/** Depthwise 3x3: x [B, H, W, C], weight [C, 1, 3, 3], bias [C]. */
export function depthwise(
  x: Values,
  weight: Values,
  {
    stride = 1,
    bias,
    pad = 'torch',
  }: { stride?: number; bias?: Values; pad?: 'torch' | 'tf' } = {},
): Result<'x' | 'weight' | 'bias'> {
  const [batch, h, w, c] = x.shape;
  const { count: outH, front: top } = windowsOf(h, 3, stride, pad);
  const { count: outW, front: left } = windowsOf(w, 3, stride, pad);
  const out = zeros([batch, outH, outW, c]);
  const products = (f: (to: number, from: number, weight: number) => void): void => {
    for (let b = 0; b < batch; b++) {
      for (let y = 0; y < outH; y++) {
        for (let column = 0; column < outW; column++) {
          for (let ky = 0; ky < 3; ky++) {
            for (let kx = 0; kx < 3; kx++) {
              const iy = y * stride + ky - top;
              const ix = column * stride + kx - left;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              const to = ((b * outH + y) * outW + column) * c;
              const from = ((b * h + iy) * w + ix) * c;
              for (let i = 0; i < c; i++) f(to + i, from + i, i * 9 + ky * 3 + kx);
            }
          }
        }
      }
    }
  };
  out.data.forEach((_, i) => {
    out.data[i] = bias?.data[i % c] ?? 0;
  });
  products((to, from, at) => {
    out.data[to] += x.data[from] * weight.data[at];
  });
  return {
    out,
    backward(dOut) {
      const dX = zeros(x.shape);
      const dWeight = zeros(weight.shape);
      const dBias = zeros([c]);
      products((to, from, at) => {
        dX.data[from] += dOut.data[to] * weight.data[at];
        dWeight.data[at] += dOut.data[to] * x.data[from];
      });
      dOut.data.forEach((d, i) => {
        dBias.data[i % c] += d;
      });
      return { x: dX, weight: dWeight, bias: dBias };
    },
  };
}
