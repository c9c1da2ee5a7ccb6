// What generators do: smoothing that keeps edges, medians, up-sampling by 2.
import { storePixels } from './lanes';

/** e to the power of x <= 0, within 2^-20 of it. */
function exp(x: v128): v128 {
  const in2 = f32x4.mul(f32x4.max(x, f32x4.splat(-80)), f32x4.splat(f32(Math.LOG2E)));
  const whole = f32x4.nearest(in2);
  const f = f32x4.mul(f32x4.sub(in2, whole), f32x4.splat(f32(Math.LN2)));
  // Taylor's sum up to the fifth power, |f| <= 0.35.
  let sum = f32x4.add(f32x4.splat(0.0416666667), f32x4.mul(f, f32x4.splat(0.00833333333)));
  sum = f32x4.add(f32x4.splat(0.166666667), f32x4.mul(f, sum));
  sum = f32x4.add(f32x4.splat(0.5), f32x4.mul(f, sum));
  sum = f32x4.add(f32x4.splat(1), f32x4.mul(f, sum));
  sum = f32x4.add(f32x4.splat(1), f32x4.mul(f, sum));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(127)), 23);
  return f32x4.mul(sum, power);
}

/**
 * Bilateral filter over 13 pixels.
 * @param padded the plane as rows of `stride` values a channel, a channel behind the other, two pixels of
 *   1e4 around each  @param to [height, width, 3]
 * @param inner 1 / (2 sigmaColour^2)  @param spaces weights of the 12 offsets, behind them the offsets in bytes
 */
export function bilateral(
  padded: usize,
  stride: i32,
  width: i32,
  height: i32,
  to: usize,
  inner: f32,
  spaces: usize,
  room: usize,
): void {
  const plane = usize(stride * (height + 4)) << 2;
  const minus = f32x4.splat(-inner);
  for (let y = 0; y < height; y++, to += usize(width) * 12) {
    const row = padded + (usize((y + 2) * stride + 2) << 2);
    for (let x = 0; x < width; x += 4) {
      const at = row + (usize(x) << 2);
      const r = v128.load(at);
      const g = v128.load(at + plane);
      const b = v128.load(at + 2 * plane);
      let total = f32x4.splat(1);
      let sumR = r;
      let sumG = g;
      let sumB = b;
      for (let k = spaces; k < spaces + 48; k += 4) {
        const from = at + usize(load<i32>(k, 48));
        const nr = v128.load(from);
        const ng = v128.load(from + plane);
        const nb = v128.load(from + 2 * plane);
        const away = f32x4.add(
          f32x4.add(f32x4.abs(f32x4.sub(nr, r)), f32x4.abs(f32x4.sub(ng, g))),
          f32x4.abs(f32x4.sub(nb, b)),
        );
        const near = exp(f32x4.mul(minus, f32x4.mul(away, away)));
        const weight = f32x4.mul(v128.load32_splat(k), near);
        total = f32x4.add(total, weight);
        sumR = f32x4.add(sumR, f32x4.mul(weight, nr));
        sumG = f32x4.add(sumG, f32x4.mul(weight, ng));
        sumB = f32x4.add(sumB, f32x4.mul(weight, nb));
      }
      storePixels(
        room + usize(x) * 12,
        f32x4.div(sumR, total),
        f32x4.div(sumG, total),
        f32x4.div(sumB, total),
      );
    }
    memory.copy(to, room, usize(width) * 12);
  }
}

/** Takes a plane [height, width, 3] apart for `bilateral`. */
export function pad(from: usize, width: i32, height: i32, padded: usize, stride: i32): void {
  const plane = usize(stride * (height + 4)) << 2;
  const far = f32x4.splat(1e4);
  for (let i: usize = 0; i < 3 * plane; i += 16) v128.store(padded + i, far);
  for (let y = 0; y < height; y++) {
    let to = padded + (usize((y + 2) * stride + 2) << 2);
    for (let x = 0; x < width; x++, from += 12, to += 4) {
      store<f32>(to, load<f32>(from));
      store<f32>(to + plane, load<f32>(from, 4));
      store<f32>(to + 2 * plane, load<f32>(from, 8));
    }
  }
}

function middle(a: v128, b: v128, c: v128): v128 {
  return f32x4.max(f32x4.min(a, b), f32x4.min(f32x4.max(a, b), c));
}

/** The median of each 3 x 3 neighbourhood, channel by channel; the border stays. @param to holds the plane already */
export function median(from: usize, width: i32, height: i32, to: usize, room: usize): void {
  const row = usize(width) * 12;
  for (let y = 1; y < height - 1; y++) {
    const here = from + usize(y) * row;
    for (let i: usize = 12; i < row - 12; i += 16) {
      const at = here + i;
      let low = f32x4.splat(-1e9);
      let high = f32x4.splat(1e9);
      const a = v128.load(at - row - 12);
      const b = v128.load(at - 12);
      const c = v128.load(at + row - 12);
      const d = v128.load(at - row);
      const e = v128.load(at);
      const f = v128.load(at + row);
      const g = v128.load(at - row + 12);
      const h = v128.load(at + 12);
      const j = v128.load(at + row + 12);
      low = f32x4.max(f32x4.min(f32x4.min(a, b), c), f32x4.min(f32x4.min(d, e), f));
      low = f32x4.max(low, f32x4.min(f32x4.min(g, h), j));
      high = f32x4.min(f32x4.max(f32x4.max(a, b), c), f32x4.max(f32x4.max(d, e), f));
      high = f32x4.min(high, f32x4.max(f32x4.max(g, h), j));
      const between = middle(middle(a, b, c), middle(d, e, f), middle(g, h, j));
      v128.store(room + i, middle(low, between, high));
    }
    memory.copy(to + usize(y) * row + 12, room + 12, row - 24);
  }
}

/**
 * Up-sampling by 2: each of the four phases is a weighted mean of the four nearest pixels plus an offset,
 * and `kept` times the value of another plane of the result's size.
 * @param phases five numbers for each of the four
 * @param room two rows of the low plane with a pixel more at both ends, 64 bytes behind each
 */
export function twice(
  low: usize,
  width: i32,
  height: i32,
  to: usize,
  phases: usize,
  other: usize,
  kept: f32,
  room: usize,
): void {
  const row = usize(width) * 12;
  const above = room;
  const below = room + row + 96;
  const share = f32x4.splat(kept);
  for (let y = 0; y < 2 * height; y++) {
    const first = (y + 1) >> 1; // even rows lie between those of before and here
    border(low + usize(min(height - 1, max(0, first - 1))) * row, row, above);
    border(low + usize(min(height - 1, max(0, first))) * row, row, below);
    const even = phases + usize(y & 1) * 40;
    for (let i: usize = 0; i < row; i += 12, to += 24, other += 24) {
      const p = v128.load(above + i);
      const q = v128.load(above + i, 12);
      const r = v128.load(above + i, 24);
      const s = v128.load(below + i);
      const t = v128.load(below + i, 12);
      const u = v128.load(below + i, 24);
      const old = f32x4.mul(share, v128.load(other));
      const next = f32x4.mul(share, v128.load(other, 12));
      v128.store(to, f32x4.add(old, phase(even, p, q, s, t)));
      v128.store(to, f32x4.add(next, phase(even + 20, q, r, t, u)), 12);
    }
  }
}

function phase(weights: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  const above = f32x4.add(
    f32x4.mul(v128.load32_splat(weights), a),
    f32x4.mul(v128.load32_splat(weights, 4), b),
  );
  const below = f32x4.add(
    f32x4.mul(v128.load32_splat(weights, 8), c),
    f32x4.mul(v128.load32_splat(weights, 12), d),
  );
  return f32x4.add(f32x4.add(above, below), v128.load32_splat(weights, 16));
}

/** A row with its end pixels repeated. */
function border(from: usize, bytes: usize, to: usize): void {
  memory.copy(to + 12, from, bytes);
  memory.copy(to, from, 12);
  memory.copy(to + 12 + bytes, from + bytes - 12, 12);
}
