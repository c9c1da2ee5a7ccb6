// A trip through JPEG of a plane of whole grey levels; the maths is explained in image/jpeg-loss.ts.
import { blue, green, levels, red, storePixels } from './lanes';

const half = f32(Math.SQRT1_2);

/** Four columns of eight values into their transform, in place; rows of the block are 32 bytes. */
function forward(d: usize): void {
  const r0 = v128.load(d);
  const r1 = v128.load(d, 32);
  const r2 = v128.load(d, 64);
  const r3 = v128.load(d, 96);
  const r4 = v128.load(d, 128);
  const r5 = v128.load(d, 160);
  const r6 = v128.load(d, 192);
  const r7 = v128.load(d, 224);
  const t0 = f32x4.add(r0, r7);
  const t7 = f32x4.sub(r0, r7);
  const t1 = f32x4.add(r1, r6);
  const t6 = f32x4.sub(r1, r6);
  const t2 = f32x4.add(r2, r5);
  const t5 = f32x4.sub(r2, r5);
  const t3 = f32x4.add(r3, r4);
  const t4 = f32x4.sub(r3, r4);
  const a = f32x4.add(t0, t3);
  const b = f32x4.sub(t0, t3);
  const c = f32x4.add(t1, t2);
  const z1 = f32x4.mul(f32x4.add(f32x4.sub(t1, t2), b), f32x4.splat(half));
  const e = f32x4.add(t4, t5);
  const g = f32x4.add(t6, t7);
  const z5 = f32x4.mul(f32x4.sub(e, g), f32x4.splat(0.382683433));
  const z2 = f32x4.add(f32x4.mul(f32x4.splat(0.5411961), e), z5);
  const z4 = f32x4.add(f32x4.mul(f32x4.splat(1.306562965), g), z5);
  const z3 = f32x4.mul(f32x4.add(t5, t6), f32x4.splat(half));
  const z11 = f32x4.add(t7, z3);
  const z13 = f32x4.sub(t7, z3);
  v128.store(d, f32x4.add(a, c));
  v128.store(d, f32x4.sub(a, c), 128);
  v128.store(d, f32x4.add(b, z1), 64);
  v128.store(d, f32x4.sub(b, z1), 192);
  v128.store(d, f32x4.add(z13, z2), 160);
  v128.store(d, f32x4.sub(z13, z2), 96);
  v128.store(d, f32x4.add(z11, z4), 32);
  v128.store(d, f32x4.sub(z11, z4), 224);
}

/** The way back of four columns, in place. */
function inverse(d: usize): void {
  const v0 = v128.load(d);
  const v1 = v128.load(d, 32);
  const v2 = v128.load(d, 64);
  const v3 = v128.load(d, 96);
  const v4 = v128.load(d, 128);
  const v5 = v128.load(d, 160);
  const v6 = v128.load(d, 192);
  const v7 = v128.load(d, 224);
  const a = f32x4.add(v0, v4);
  const b = f32x4.sub(v0, v4);
  const c = f32x4.add(v2, v6);
  const root = f32x4.splat(f32(Math.SQRT2));
  const e = f32x4.sub(f32x4.mul(f32x4.sub(v2, v6), root), c);
  const t0 = f32x4.add(a, c);
  const t3 = f32x4.sub(a, c);
  const t1 = f32x4.add(b, e);
  const t2 = f32x4.sub(b, e);
  const z13 = f32x4.add(v5, v3);
  const z10 = f32x4.sub(v5, v3);
  const z11 = f32x4.add(v1, v7);
  const z12 = f32x4.sub(v1, v7);
  const t7 = f32x4.add(z11, z13);
  const z5 = f32x4.mul(f32x4.add(z10, z12), f32x4.splat(1.847759065));
  const t6 = f32x4.sub(f32x4.sub(z5, f32x4.mul(f32x4.splat(2.61312593), z10)), t7);
  const t5 = f32x4.sub(f32x4.mul(f32x4.sub(z11, z13), root), t6);
  const t4 = f32x4.add(f32x4.sub(f32x4.mul(f32x4.splat(1.0823922), z12), z5), t5);
  v128.store(d, f32x4.add(t0, t7));
  v128.store(d, f32x4.sub(t0, t7), 224);
  v128.store(d, f32x4.add(t1, t6), 32);
  v128.store(d, f32x4.sub(t1, t6), 192);
  v128.store(d, f32x4.add(t2, t5), 64);
  v128.store(d, f32x4.sub(t2, t5), 160);
  v128.store(d, f32x4.add(t3, t4), 128);
  v128.store(d, f32x4.sub(t3, t4), 96);
}

/** Four rows of four values, `from` and `to` in rows of `stride` and 32 bytes, turned over. */
function turn(from: usize, stride: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + stride);
  const c = v128.load(from + 2 * stride);
  const d = v128.load(from + 3 * stride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32);
  const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7), 96);
}

/** A block of 8 x 8 turned over. */
function turnBlock(from: usize, stride: usize, to: usize): void {
  turn(from, stride, to);
  turn(from + 16, stride, to + 128);
  turn(from + 4 * stride, stride, to + 16);
  turn(from + 4 * stride + 16, stride, to + 144);
}

/**
 * Rounds the blocks of a plane whose sides are multiples of 8 to a table's steps, in place.
 * @param steps 64 divisors and 64 factors, in the order of a block's values
 * @param room two blocks
 */
function roundBlocks(plane: usize, width: i32, height: i32, steps: usize, room: usize): void {
  const stride = usize(width) << 2;
  const turned = room + 256;
  const low = f32x4.splat(-128);
  const high = f32x4.splat(127);
  const rounding = f32x4.splat(0.5);
  for (let y = 0; y < height; y += 8, plane += 8 * stride) {
    for (let corner = plane; corner < plane + stride; corner += 32) {
      // Rows of the picture are columns of the turned block.
      turnBlock(corner, stride, turned);
      forward(turned);
      forward(turned + 16);
      turnBlock(turned, 32, room);
      forward(room);
      forward(room + 16);
      for (let k: usize = 0; k < 256; k += 16) {
        const scaled = f32x4.mul(v128.load(room + k), v128.load(steps + k));
        const n = f32x4.floor(f32x4.add(scaled, rounding));
        v128.store(room + k, f32x4.mul(n, v128.load(steps + k, 256)));
      }
      inverse(room);
      inverse(room + 16);
      turnBlock(room, 32, turned);
      inverse(turned);
      inverse(turned + 16);
      turnBlock(turned, 32, room);
      let to = corner;
      for (let k: usize = 0; k < 256; k += 32, to += stride) {
        const a = f32x4.floor(f32x4.add(v128.load(room + k), rounding));
        const b = f32x4.floor(f32x4.add(v128.load(room + k, 16), rounding));
        v128.store(to, f32x4.min(f32x4.max(a, low), high));
        v128.store(to, f32x4.min(f32x4.max(b, low), high), 16);
      }
    }
  }
}

/** A row of RGB, the end pixels repeated on both sides: `left` before it, up to `w` pixels in all. */
function padRow(from: usize, width: i32, to: usize, left: i32, w: i32): void {
  const bytes = usize(width) * 12;
  for (let x = 0; x < left; x++, to += 12) memory.copy(to, from, 12);
  memory.copy(to, from, bytes);
  to += bytes;
  for (let x = left + width; x < w; x++, to += 12) memory.copy(to, from + bytes - 12, 12);
}

/** Row y of a half-size plane at full size: 3 parts of the nearer, 1 of the farther neighbour, both ways. */
function twiceRow(out: usize, small: usize, width: i32, height: i32, y: i32, line: usize): void {
  const bytes = usize(width) << 2;
  const near = small + usize(y >> 1) * bytes;
  const row = min(height - 1, max(0, (y >> 1) + (y & 1 ? 1 : -1)));
  const far = small + usize(row) * bytes;
  const three = f32x4.splat(3);
  const part = f32x4.splat(0.0625);
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = f32x4.add(f32x4.mul(three, v128.load(near + i)), v128.load(far + i));
    v128.store(line + i, f32x4.mul(value, part), 16);
  }
  store<f32>(line, load<f32>(line, 16), 12);
  store<f32>(line + bytes, load<f32>(line + bytes, 12), 16);
  for (let i: usize = 0; i < bytes; i += 16) {
    const here = f32x4.mul(three, v128.load(line + i, 16));
    const even = f32x4.add(here, v128.load(line + i, 12));
    const odd = f32x4.add(here, v128.load(line + i, 20));
    v128.store(out + 2 * i, v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
    v128.store(out + 2 * i, v128.shuffle<f32>(even, odd, 2, 6, 3, 7), 16);
  }
}

/**
 * The picture as a JPEG would give it back, in place; whole grey levels in, whole grey levels out.
 * @param w width with what comes before and after it, a multiple of 16; `h` likewise
 * @param steps of luminance, then of chrominance: each 64 divisors and 64 factors
 * @param room w * h values, two times a quarter of it, 3 w + 64, 4 times w + 64, and 128
 */
export function loseToJpeg(
  data: usize,
  width: i32,
  height: i32,
  left: i32,
  top: i32,
  w: i32,
  h: i32,
  steps: usize,
  room: usize,
): void {
  const small = w >> 1;
  const luma = room;
  const cb = luma + (usize(w * h) << 2);
  const cr = cb + usize(w * h);
  const blocks = cr + usize(w * h);
  const row = blocks + 512;
  const blues = row + usize(w) * 12 + 256;
  const reds = blues + (usize(w) << 2) + 256;
  const line = reds + (usize(w) << 2) + 256;
  const bytes = usize(width) * 12;
  const rounding = f32x4.splat(0.5);
  const quarter = f32x4.splat(0.25);
  for (let y = 0; y < h; y++) {
    padRow(data + usize(min(max(y - top, 0), height - 1)) * bytes, width, row, left, w);
    let to = luma + (usize(y * w) << 2);
    const odd = y & 1;
    for (let x: usize = 0; x < usize(w) << 2; x += 16, to += 16) {
      const p = v128.load(row + 3 * x);
      const q = v128.load(row + 3 * x, 16);
      const s = v128.load(row + 3 * x, 32);
      const r = red(p, q, s);
      const g = green(p, q, s);
      const b = blue(p, q, s);
      const grey = f32x4.add(
        f32x4.add(f32x4.mul(f32x4.splat(0.299), r), f32x4.mul(f32x4.splat(0.587), g)),
        f32x4.mul(f32x4.splat(0.114), b),
      );
      v128.store(to, f32x4.sub(f32x4.floor(f32x4.add(grey, rounding)), f32x4.splat(128)));
      let u = f32x4.add(
        f32x4.add(f32x4.mul(f32x4.splat(-0.168735892), r), f32x4.mul(f32x4.splat(-0.331264108), g)),
        f32x4.mul(rounding, b),
      );
      let v = f32x4.add(
        f32x4.add(f32x4.mul(rounding, r), f32x4.mul(f32x4.splat(-0.418687589), g)),
        f32x4.mul(f32x4.splat(-0.081312411), b),
      );
      if (odd) {
        u = f32x4.add(v128.load(blues + x), u);
        v = f32x4.add(v128.load(reds + x), v);
      }
      v128.store(blues + x, u);
      v128.store(reds + x, v);
    }
    if (!odd) continue;
    const start = usize((y >> 1) * small) << 2;
    for (let x: usize = 0; x < usize(small) << 2; x += 16) {
      v128.store(cb + start + x, ofPairs(blues + 2 * x, quarter, rounding));
      v128.store(cr + start + x, ofPairs(reds + 2 * x, quarter, rounding));
    }
  }
  roundBlocks(luma, w, h, steps, blocks);
  roundBlocks(cb, small, h >> 1, steps + 512, blocks);
  roundBlocks(cr, small, h >> 1, steps + 512, blocks);
  for (let y = 0; y < height; y++, data += bytes) {
    twiceRow(blues, cb, small, h >> 1, y + top, line);
    twiceRow(reds, cr, small, h >> 1, y + top, line);
    const first = luma + (usize((y + top) * w + left) << 2);
    const skip = usize(left) << 2;
    for (let x: usize = 0; x < usize(width) << 2; x += 16) {
      const grey = f32x4.add(v128.load(first + x), f32x4.splat(128));
      const b = v128.load(blues + skip + x);
      const r = v128.load(reds + skip + x);
      const g = f32x4.sub(
        f32x4.sub(grey, f32x4.mul(f32x4.splat(0.344136286), b)),
        f32x4.mul(f32x4.splat(0.714136286), r),
      );
      storePixels(
        row + 3 * x,
        levels(f32x4.nearest(f32x4.add(grey, f32x4.mul(f32x4.splat(1.402), r)))),
        levels(f32x4.nearest(g)),
        levels(f32x4.nearest(f32x4.add(grey, f32x4.mul(f32x4.splat(1.772), b)))),
      );
    }
    memory.copy(data, row, bytes);
  }
}

/** The rounded quarter of the sums of neighbours. */
function ofPairs(from: usize, quarter: v128, rounding: v128): v128 {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  const sum = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
  return f32x4.floor(f32x4.add(f32x4.mul(sum, quarter), rounding));
}
