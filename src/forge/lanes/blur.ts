// Blurs along and across rows, and plain means of three runs.
import { levels } from './lanes';

/** out = kernel[0] * centre + sum of kernel[k] * (before + after), of rows or of places in one row. */
function bothSides(
  out: usize,
  count: i32,
  centre: usize,
  before: usize,
  after: usize,
  kernel: usize,
  radius: i32,
): void {
  const middle = v128.load32_splat(kernel);
  for (let i = 0; i < count; i += 8) {
    const offset = usize(i) << 2;
    let p = f32x4.mul(middle, v128.load(centre + offset));
    let q = f32x4.mul(middle, v128.load(centre + offset, 16));
    for (let k = 4; k <= radius << 2; k += 4) {
      const w = v128.load32_splat(kernel + k);
      const a = usize(load<u32>(before + k)) + offset;
      const b = usize(load<u32>(after + k)) + offset;
      p = f32x4.add(p, f32x4.mul(w, f32x4.add(v128.load(a), v128.load(b))));
      q = f32x4.add(q, f32x4.mul(w, f32x4.add(v128.load(a, 16), v128.load(b, 16))));
    }
    v128.store(out + offset, p);
    v128.store(out + offset, q, 16);
  }
}

/**
 * Gaussian blur with repeated borders of rows of `stride` values, in place.
 * @param sharpened 0: blurred; else the old values and so many times what the blur takes away, from 0 to 255
 * @param kernel radius + 1 weights
 * @param room radius + 1 and radius + 1 places; a line with both margins; a row; 2 radius + 1 rows;
 *   each with 64 bytes more
 */
export function blur(
  data: usize,
  stride: i32,
  height: i32,
  channels: i32,
  kernel: usize,
  radius: i32,
  sharpened: f32,
  room: usize,
): void {
  const bytes = usize(stride) << 2;
  const row = ((bytes + 15) & ~15) + 64;
  const margin = usize(radius * channels) << 2;
  const places = usize(((radius + 1) << 2) + 64);
  const before = room;
  const after = before + places;
  const line = after + places;
  const sum = line + row + 2 * margin;
  const rows = sum + row;
  const kept = 2 * radius + 1;
  const amount = f32x4.splat(sharpened);
  let next = 0;
  for (let y = 0; y < height; y++) {
    if (next < height && next <= y + radius) {
      for (let k = 1; k <= radius; k++) {
        const away = usize(k * channels) << 2;
        store<u32>(before + (usize(k) << 2), u32(line + margin - away));
        store<u32>(after + (usize(k) << 2), u32(line + margin + away));
      }
    }
    for (; next < height && next <= y + radius; next++) {
      memory.copy(line + margin, data + usize(next) * bytes, bytes);
      const pixel = usize(channels) << 2;
      for (let at: usize = 0; at < margin; at += pixel) {
        memory.copy(line + at, line + margin, pixel);
        memory.copy(line + margin + bytes + at, line + margin + bytes - pixel, pixel);
      }
      const place = rows + usize(next % kept) * row;
      bothSides(place, stride, line + margin, before, after, kernel, radius);
    }
    for (let k = 1; k <= radius; k++) {
      const above = max(0, y - k) % kept;
      const below = min(height - 1, y + k) % kept;
      store<u32>(before + (usize(k) << 2), u32(rows + usize(above) * row));
      store<u32>(after + (usize(k) << 2), u32(rows + usize(below) * row));
    }
    bothSides(sum, stride, rows + usize(y % kept) * row, before, after, kernel, radius);
    const to = data + usize(y) * bytes;
    if (sharpened !== 0) {
      for (let i: usize = 0; i < bytes; i += 16) {
        const old = v128.load(to + i);
        const more = f32x4.mul(amount, f32x4.sub(old, v128.load(sum + i)));
        v128.store(sum + i, levels(f32x4.add(old, more)));
      }
    }
    memory.copy(to, sum, bytes);
  }
}

/** Rows become columns. */
function transpose(from: usize, to: usize, width: i32, height: i32): void {
  for (let y = 0; y < height; y++) {
    let at = to + (usize(y) << 2);
    for (let x = 0; x < width; x++, from += 4, at += usize(height) << 2) {
      store<f32>(at, load<f32>(from));
    }
  }
}

/** Running means over 2 radius + 1 rows, three times, 0 beyond the borders, in place. */
function runDown(data: usize, width: i32, height: i32, radius: i32, sums: usize, old: usize): void {
  const bytes = usize(width) << 2;
  const kept: i32 = 2 * radius + 1;
  const one: f32 = 1;
  const scale = f32x4.splat(one / f32(kept));
  for (let pass = 0; pass < 3; pass++) {
    memory.copy(old, data, bytes * usize(height));
    memory.fill(sums, 0, bytes + 16);
    for (let y = -radius; y < height; y++) {
      const add = old + usize(y + radius) * bytes;
      const drop = old + usize(y - radius - 1) * bytes;
      const more = y + radius < height;
      const less = y - radius - 1 >= 0;
      for (let i: usize = 0; i < bytes; i += 16) {
        let sum = v128.load(sums + i);
        if (more) sum = f32x4.add(sum, v128.load(add + i));
        if (less) sum = f32x4.sub(sum, v128.load(drop + i));
        v128.store(sums + i, sum);
        // What is written beyond the row's end is the next row's, and written there again.
        if (y >= 0) v128.store(data + usize(y) * bytes + i, f32x4.mul(sum, scale));
      }
    }
  }
}

/** Three running means along and across a mask. @param room two of its size, and a row of its longer side */
export function runningBlur(data: usize, width: i32, height: i32, radius: i32, room: usize): void {
  const size = ((usize(width * height) << 2) + 79) & ~15;
  const old = room + size;
  const sums = old + size;
  transpose(data, room, width, height);
  runDown(room, height, width, radius, sums, old);
  transpose(room, data, height, width);
  runDown(data, width, height, radius, sums, old);
}
