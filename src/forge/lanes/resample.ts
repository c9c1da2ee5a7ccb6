// Planes [height, width, 3] at other sizes and turned.

/**
 * Rows and columns as weighted sums of others. A pixel is read and written as four values, the last of
 * which is the next pixel's and written again with it.
 * @param across an index (of a pixel) for each of the width's taps; their weights follow behind the indices
 * @param down the same of rows
 * @param room `downTaps` rows of the result with 64 bytes more, and three times as many numbers
 */
export function resample(
  from: usize,
  fromWidth: i32,
  to: usize,
  width: i32,
  height: i32,
  across: usize,
  acrossTaps: i32,
  down: usize,
  downTaps: i32,
  room: usize,
): void {
  const row = ((usize(width) * 12 + 15) & ~15) + 64;
  const holds = room + row * usize(downTaps);
  const used = holds + (usize(downTaps) << 2);
  for (let k = 0; k < downTaps; k++) store<i32>(holds + (usize(k) << 2), -1);
  const acrossWeights = across + (usize(width * acrossTaps) << 2);
  const downWeights = down + (usize(height * downTaps) << 2);
  for (let y = 0; y < height; y++, to += usize(width) * 12) {
    const first = usize(y * downTaps) << 2;
    let end = used;
    for (let k = 0; k < downTaps; k++) {
      const tap = first + (usize(k) << 2);
      const weight = load<f32>(downWeights + tap);
      if (weight === 0) continue;
      const source = load<i32>(down + tap);
      const place = usize(source % downTaps);
      const at = room + place * row;
      store<u32>(end, u32(at));
      store<f32>(end, weight, 4);
      end += 8;
      if (load<i32>(holds + (place << 2)) === source) continue;
      store<i32>(holds + (place << 2), source);
      const line = from + usize(source * fromWidth) * 12;
      along(line, at, width, across, acrossWeights, acrossTaps);
    }
    for (let i: usize = 0; i < usize(width) * 12; i += 32) {
      let p = f32x4.splat(0);
      let q = f32x4.splat(0);
      for (let tap = used; tap < end; tap += 8) {
        const at = usize(load<u32>(tap)) + i;
        const by = v128.load32_splat(tap, 4);
        p = f32x4.add(p, f32x4.mul(by, v128.load(at)));
        q = f32x4.add(q, f32x4.mul(by, v128.load(at, 16)));
      }
      v128.store(to + i, p);
      v128.store(to + i, q, 16);
    }
  }
}

function along(from: usize, to: usize, width: i32, index: usize, weight: usize, taps: i32): void {
  for (let x = 0; x < width; x++, to += 12) {
    let sum = f32x4.splat(0);
    for (let k = 0; k < taps; k++, index += 4, weight += 4) {
      const pixel = v128.load(from + usize(load<i32>(index)) * 12);
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight), pixel));
    }
    v128.store(to, sum);
  }
}

function mirrored(index: i32, length: i32): i32 {
  if (index >= 0 && index < length) return index;
  const period = max(1, 2 * (length - 1));
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

/** (x, y) of the result is (a x - b y + x0, b x + a y + y0) of the source, bilinear, mirrored beyond its borders. */
export function sample(
  from: usize,
  fromWidth: i32,
  fromHeight: i32,
  to: usize,
  width: i32,
  height: i32,
  a: f64,
  b: f64,
  x0: f64,
  y0: f64,
): void {
  const row = usize(fromWidth) * 12;
  for (let y = 0; y < height; y++) {
    const startX = x0 - b * f64(y);
    const startY = y0 + a * f64(y);
    for (let x = 0; x < width; x++, to += 12) {
      const sx = startX + a * f64(x);
      const sy = startY + b * f64(x);
      const left = Math.floor(sx);
      const top = Math.floor(sy);
      const ix = i32(left);
      const iy = i32(top);
      const u = f32x4.splat(f32(sx - left));
      const v = f32x4.splat(f32(sy - top));
      let p: usize;
      let q: usize;
      let right: usize;
      if (ix >= 0 && ix < fromWidth - 1 && iy >= 0 && iy < fromHeight - 1) {
        p = from + usize(iy) * row + usize(ix) * 12;
        q = p + row;
        right = 12;
      } else {
        const column = usize(mirrored(ix, fromWidth)) * 12;
        p = from + usize(mirrored(iy, fromHeight)) * row + column;
        q = from + usize(mirrored(iy + 1, fromHeight)) * row + column;
        right = usize(mirrored(ix + 1, fromWidth)) * 12 - column;
      }
      const above = v128.load(p);
      const below = v128.load(q);
      const upper = f32x4.add(above, f32x4.mul(u, f32x4.sub(v128.load(p + right), above)));
      const lower = f32x4.add(below, f32x4.mul(u, f32x4.sub(v128.load(q + right), below)));
      v128.store(to, f32x4.add(upper, f32x4.mul(v, f32x4.sub(lower, upper))));
    }
  }
}
