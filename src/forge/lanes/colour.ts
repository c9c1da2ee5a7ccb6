// Colours of a plane [height, width, 3]: their means, lines through them, one laid over another.
import { blue, green, levels, red, storePixels, total } from './lanes';

/** The sum of all values. */
export function sum(data: usize, count: i32): f64 {
  let result: f64 = 0;
  const vectors = count >> 2;
  for (let i = 0; i < vectors; ) {
    let some = f32x4.splat(0);
    const end = min(vectors, i + 64);
    for (; i < end; i++, data += 16) some = f32x4.add(some, v128.load(data));
    result += total(some);
  }
  for (let i = vectors << 2; i < count; i++, data += 4) result += load<f32>(data);
  return result;
}

/** Each channel becomes add + grey * (r + g + b) + spread * value, between 0 and 255, in place. */
export function recolour(
  data: usize,
  count: i32,
  grey: f32,
  spread: f32,
  addR: f32,
  addG: f32,
  addB: f32,
): void {
  const ofGrey = f32x4.splat(grey);
  const by = f32x4.splat(spread);
  const moreR = f32x4.splat(addR);
  const moreG = f32x4.splat(addG);
  const moreB = f32x4.splat(addB);
  for (let i = 0; i < count; i += 12, data += 48) {
    const p = v128.load(data);
    const q = v128.load(data, 16);
    const s = v128.load(data, 32);
    const r = red(p, q, s);
    const g = green(p, q, s);
    const b = blue(p, q, s);
    const all = f32x4.mul(ofGrey, f32x4.add(f32x4.add(r, g), b));
    storePixels(
      data,
      levels(f32x4.add(f32x4.add(moreR, all), f32x4.mul(by, r))),
      levels(f32x4.add(f32x4.add(moreG, all), f32x4.mul(by, g))),
      levels(f32x4.add(f32x4.add(moreB, all), f32x4.mul(by, b))),
    );
  }
}

/** Each channel times a factor, plus an addend, between 0 and 255, in place. @param line factors, addends */
export function recolourEach(data: usize, count: i32, line: usize): void {
  const byR = v128.load32_splat(line);
  const byG = v128.load32_splat(line, 4);
  const byB = v128.load32_splat(line, 8);
  const addR = v128.load32_splat(line, 12);
  const addG = v128.load32_splat(line, 16);
  const addB = v128.load32_splat(line, 20);
  const p = v128.shuffle<f32>(v128.shuffle<f32>(byR, byG, 0, 4, 0, 4), byB, 0, 1, 4, 0);
  const q = v128.shuffle<f32>(v128.shuffle<f32>(byG, byB, 0, 4, 0, 4), byR, 0, 1, 4, 0);
  const r = v128.shuffle<f32>(v128.shuffle<f32>(byB, byR, 0, 4, 0, 4), byG, 0, 1, 4, 0);
  const u = v128.shuffle<f32>(v128.shuffle<f32>(addR, addG, 0, 4, 0, 4), addB, 0, 1, 4, 0);
  const v = v128.shuffle<f32>(v128.shuffle<f32>(addG, addB, 0, 4, 0, 4), addR, 0, 1, 4, 0);
  const w = v128.shuffle<f32>(v128.shuffle<f32>(addB, addR, 0, 4, 0, 4), addG, 0, 1, 4, 0);
  for (let i = 0; i < count; i += 12, data += 48) {
    v128.store(data, levels(f32x4.add(f32x4.mul(v128.load(data), p), u)));
    v128.store(data, levels(f32x4.add(f32x4.mul(v128.load(data, 16), q), v)), 16);
    v128.store(data, levels(f32x4.add(f32x4.mul(v128.load(data, 32), r), w)), 32);
  }
}

/**
 * Sums of each channel and of its squares where a mask is above 0.3, and how many pixels they are:
 * seven numbers of 64 bits.
 */
export function moments(data: usize, mask: usize, pixels: i32, out: usize): void {
  const least = f32x4.splat(0.3);
  let sumR: f64 = 0;
  let sumG: f64 = 0;
  let sumB: f64 = 0;
  let squareR: f64 = 0;
  let squareG: f64 = 0;
  let squareB: f64 = 0;
  let counted = 0;
  const vectors = (pixels + 3) >> 2;
  for (let i = 0; i < vectors; ) {
    let r = f32x4.splat(0);
    let g = f32x4.splat(0);
    let b = f32x4.splat(0);
    let rr = f32x4.splat(0);
    let gg = f32x4.splat(0);
    let bb = f32x4.splat(0);
    const end = min(vectors, i + 32);
    for (; i < end; i++, data += 48, mask += 16) {
      let inside = f32x4.gt(v128.load(mask), least);
      // Pixels beyond the last are none.
      if (pixels - 4 * i < 4) {
        inside = v128.and(inside, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(pixels - 4 * i)));
      }
      const some = i32x4.bitmask(inside);
      if (some === 0) continue;
      counted += popcnt(some);
      const p = v128.load(data);
      const q = v128.load(data, 16);
      const s = v128.load(data, 32);
      const x = v128.and(red(p, q, s), inside);
      const y = v128.and(green(p, q, s), inside);
      const z = v128.and(blue(p, q, s), inside);
      r = f32x4.add(r, x);
      g = f32x4.add(g, y);
      b = f32x4.add(b, z);
      rr = f32x4.add(rr, f32x4.mul(x, x));
      gg = f32x4.add(gg, f32x4.mul(y, y));
      bb = f32x4.add(bb, f32x4.mul(z, z));
    }
    sumR += total(r);
    sumG += total(g);
    sumB += total(b);
    squareR += total(rr);
    squareG += total(gg);
    squareB += total(bb);
  }
  store<f64>(out, sumR);
  store<f64>(out, sumG, 8);
  store<f64>(out, sumB, 16);
  store<f64>(out, squareR, 24);
  store<f64>(out, squareG, 32);
  store<f64>(out, squareB, 40);
  store<f64>(out, f64(counted), 48);
}

/**
 * A source [height, width, 3] laid over a picture's box by a mask of 255 steps times a ratio, in place.
 * @param to the box's corner in the picture  @param stride of the picture's rows, in pixels
 */
export function layOver(
  to: usize,
  stride: i32,
  source: usize,
  mask: usize,
  width: i32,
  height: i32,
  ratio: f32,
): void {
  const three = i32x4(-1, -1, -1, 0);
  for (let y = 0; y < height; y++) {
    let at = to + usize(y * stride) * 12;
    for (let x = 0; x < width; x++, at += 12, source += 12, mask += 4) {
      const weight = (f32(i32(load<f32>(mask) * 255 + 0.5)) / 255) * ratio;
      if (weight === 0) continue;
      const here = v128.load(at);
      const away = f32x4.mul(f32x4.splat(weight), f32x4.sub(v128.load(source), here));
      v128.store(at, f32x4.add(here, v128.and(away, three)));
    }
  }
}
