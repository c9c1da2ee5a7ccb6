import { channelsOf, map, type Result, type Values, valuesOf, zeros } from './values.ts';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** relu(x); its gradient at 0 is 0. */
export function relu(x: Values): Result<'x'> {
  return {
    out: map(x, (value) => Math.max(value, 0)),
    backward: (dOut) => ({ x: map(dOut, (d, i) => (x.data[i] > 0 ? d : 0)) }),
  };
}

/** max(x, 0), that and at most 6, or x and below 0 a tenth of it; the gradient at a kink is the lower. */
export function activation(x: Values, kind: 'relu' | 'relu6' | 'leaky'): Result<'x'> {
  const [below, above] = [
    kind === 'leaky' ? 0.1 : 0,
    kind === 'relu6' ? 6 : Number.POSITIVE_INFINITY,
  ];
  return {
    out: map(x, (value) => Math.min(value > 0 ? value : value * below, above)),
    backward: (dOut) => ({
      x: map(dOut, (d, i) => {
        const value = x.data[i];
        return value >= above ? 0 : value > 0 ? d : d * below;
      }),
    }),
  };
}

/** base [B, 2H, 2W, C] + small [B, H, W, C], each of whose pixels stands for four. */
export function upsampleAdd(small: Values, base: Values): Result<'small' | 'base'> {
  const [, h, w, c] = base.shape;
  const from = (i: number): number => {
    const [pixel, channel] = [Math.floor(i / c), i % c];
    const [x, y, b] = [pixel % w, Math.floor(pixel / w) % h, Math.floor(pixel / (w * h))];
    return ((b * (h / 2) + (y >> 1)) * (w / 2) + (x >> 1)) * c + channel;
  };
  return {
    out: map(base, (value, i) => value + small.data[from(i)]),
    backward(dOut) {
      const dSmall = zeros(small.shape);
      dOut.data.forEach((d, i) => {
        dSmall.data[from(i)] += d;
      });
      return { small: dSmall, base: dOut };
    },
  };
}

/** a [B, H, W, C] * sigmoid(z [B, 1, 1, C]). */
export function gate(a: Values, z: Values): Result<'a' | 'z'> {
  const c = channelsOf(a);
  const perItem = a.data.length / a.shape[0];
  const zOf = (i: number): number => Math.floor(i / perItem) * c + (i % c);
  return {
    out: map(a, (value, i) => value * sigmoid(z.data[zOf(i)])),
    backward(dOut) {
      const dZ = zeros(z.shape);
      dOut.data.forEach((d, i) => {
        const s = sigmoid(z.data[zOf(i)]);
        dZ.data[zOf(i)] += d * a.data[i] * s * (1 - s);
      });
      return { a: map(dOut, (d, i) => d * sigmoid(z.data[zOf(i)])), z: dZ };
    },
  };
}

/** Charbonnier's loss: the sum over items of weight times the mean of sqrt(d^2 + eps^2) - eps. */
export function charbonnier(x: Values, truth: Values, weight: Values, eps: number): Result<'x'> {
  const perItem = x.data.length / x.shape[0];
  const share = (i: number) => weight.data[Math.floor(i / perItem)] / perItem;
  const away = map(x, (value, i) => value - truth.data[i]);
  const out = zeros([1]);
  away.data.forEach((d, i) => {
    out.data[0] += share(i) * (Math.hypot(d, eps) - eps);
  });
  return {
    out,
    backward: (dOut) => ({
      x: map(away, (d, i) => (dOut.data[0] * share(i) * d) / Math.hypot(d, eps)),
    }),
  };
}

/**
 * `bce`, and for each item whose target is not 0 everywhere 1 - (2 I + 1) / (P + T + 1): sums over its
 * values of sigmoid(z) times the target, of sigmoid(z), and of the target.
 */
export function bceDice(z: Values, target: Values, weight: Values): Result<'z'> {
  const plain = bce(z, target, weight);
  const [batch] = z.shape;
  const perItem = z.data.length / batch;
  const items = Math.max(
    1,
    weight.data.reduce((sum, value) => sum + value, 0),
  );
  const slope = zeros(z.shape);
  const out = valuesOf([1], plain.out.data);
  for (let b = 0; b < batch; b++) {
    let [p, t, both] = [0, 0, 0];
    for (let i = b * perItem; i < (b + 1) * perItem; i++) {
      p += sigmoid(z.data[i]);
      t += target.data[i];
      both += sigmoid(z.data[i]) * target.data[i];
    }
    if (t === 0) continue;
    const [above, below] = [2 * both + 1, p + t + 1];
    const share = weight.data[b] / items;
    out.data[0] += share * (1 - above / below);
    for (let i = b * perItem; i < (b + 1) * perItem; i++) {
      const s = sigmoid(z.data[i]);
      slope.data[i] = share * s * (1 - s) * (above / below ** 2 - (2 * target.data[i]) / below);
    }
  }
  return {
    out,
    backward(dOut) {
      const { z: gradient } = plain.backward(dOut);
      return { z: map(gradient, (value, i) => value + dOut.data[0] * slope.data[i]) };
    },
  };
}

/**
 * Binary cross-entropy with logits z [B, ...]: the mean of each item, then the mean over the items
 * of weight 1 (0 where there are none), a scalar.
 */
export function bce(z: Values, target: Values, weight: Values): Result<'z'> {
  const perItem = z.data.length / z.shape[0];
  const items = Math.max(
    1,
    weight.data.reduce((sum, value) => sum + value, 0),
  );
  const share = (i: number): number => weight.data[Math.floor(i / perItem)] / perItem / items;
  const out = zeros([1]);
  z.data.forEach((value, i) => {
    const loss =
      Math.max(value, 0) - value * target.data[i] + Math.log1p(Math.exp(-Math.abs(value)));
    out.data[0] += loss * share(i);
  });
  return {
    out,
    backward: (dOut) => ({
      z: map(z, (value, i) => dOut.data[0] * (sigmoid(value) - target.data[i]) * share(i)),
    }),
  };
}

/** relu(scale * sum over c of x [B, H, W, C] * w [B, 1, 1, C]), to [B, H, W, 1]. */
export function cam(x: Values, w: Values, scale: number): Values {
  const c = channelsOf(x);
  const out = zeros([...x.shape.slice(0, -1), 1]);
  const pixels = out.data.length / x.shape[0];
  x.data.forEach((value, i) => {
    const row = Math.floor(i / c);
    out.data[row] += scale * value * w.data[Math.floor(row / pixels) * c + (i % c)];
  });
  return map(out, (value) => Math.max(value, 0));
}
