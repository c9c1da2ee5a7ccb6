// Values of whole planes: to and from 8 bits, along a line, along a curve, with noise.
// Loops run in whole vectors: every array is followed by 64 bytes that nobody reads.
import { levels } from './lanes';

/** 8 bits as floats. */
export function widen(from: usize, to: usize, count: i32): void {
  for (let i = 0; i < count; i += 16, from += 16, to += 64) {
    const bytes = v128.load(from);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(low)));
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(low)), 16);
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(high)), 32);
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(high)), 48);
  }
}

function whole(from: usize, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from), factor)));
}

/** Floats times a factor as 8 bits, rounded half to even and clamped, as Uint8ClampedArray does. */
export function narrow(from: usize, to: usize, count: i32, factor: f32): void {
  const by = f32x4.splat(factor);
  for (let i = 0; i < count; i += 16, from += 64, to += 16) {
    const low = i16x8.narrow_i32x4_s(whole(from, by), whole(from + 16, by));
    const high = i16x8.narrow_i32x4_s(whole(from + 32, by), whole(from + 48, by));
    v128.store(to, i8x16.narrow_i16x8_u(low, high));
  }
}

/** Rounds to whole grey levels, in place. */
export function round(data: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, data += 16) {
    v128.store(data, levels(f32x4.nearest(v128.load(data))));
  }
}

/** (value - less) * factor between 0 and 1, in place. Returns the largest value. */
export function stretch(data: usize, count: i32, less: f32, factor: f32): f32 {
  const minus = f32x4.splat(less);
  const by = f32x4.splat(factor);
  const one = f32x4.splat(1);
  let most: f32 = 0;
  const vectors = count >> 2;
  let largest = f32x4.splat(0);
  for (let i = 0; i < vectors; i++, data += 16) {
    const v = f32x4.mul(f32x4.sub(v128.load(data), minus), by);
    const kept = f32x4.min(f32x4.max(v, f32x4.splat(0)), one);
    largest = f32x4.max(largest, kept);
    v128.store(data, kept);
  }
  for (let i = vectors << 2; i < count; i++, data += 4) {
    const kept = min<f32>(max<f32>((load<f32>(data) - less) * factor, 0), 1);
    store<f32>(data, kept);
    most = max<f32>(most, kept);
  }
  for (let lane = 0; lane < 4; lane++) {
    most = max<f32>(most, f32x4.extract_lane(largest, 0));
    largest = v128.shuffle<f32>(largest, largest, 1, 2, 3, 0);
  }
  return most;
}

/** Values through a table of 257 levels, linearly between them, in place. */
export function curve(data: usize, count: i32, table: usize): void {
  for (let i = 0; i < count; i++, data += 4) {
    const value = min<f32>(max<f32>(load<f32>(data), 0), 255);
    const low = i32(value);
    const at = table + (usize(low) << 2);
    const first = load<f32>(at);
    store<f32>(data, first + (value - f32(low)) * (load<f32>(at, 4) - first));
  }
}

function mixed(x: v128): v128 {
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x21f0aaad));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(0x735a2d97));
  return v128.xor(x, i32x4.shr_u(x, 15));
}

/**
 * Adds a deviate of `normals` (4096) times sigma to each value, and rounds, in place. Two values share
 * 32 bits, those of Random with this key from `counter` on.
 */
export function noise(
  data: usize,
  count: i32,
  sigma: f32,
  normals: usize,
  keyA: i32,
  keyB: i32,
  counter: i32,
): void {
  let at = i32x4.add(i32x4.splat(counter + keyA), i32x4(0, 1, 2, 3));
  const b = i32x4.splat(keyB);
  const by = f32x4.splat(sigma);
  for (let i = 0; i < count; i += 8, data += 32) {
    const bits = mixed(v128.xor(mixed(at), b));
    at = i32x4.add(at, i32x4.splat(4));
    // In bytes of the table.
    const even = v128.and(i32x4.shl(bits, 2), i32x4.splat(0x3ffc));
    const odd = v128.and(i32x4.shr_u(bits, 10), i32x4.splat(0x3ffc));
    const first = f32x4(
      load<f32>(normals + i32x4.extract_lane(even, 0)),
      load<f32>(normals + i32x4.extract_lane(odd, 0)),
      load<f32>(normals + i32x4.extract_lane(even, 1)),
      load<f32>(normals + i32x4.extract_lane(odd, 1)),
    );
    const second = f32x4(
      load<f32>(normals + i32x4.extract_lane(even, 2)),
      load<f32>(normals + i32x4.extract_lane(odd, 2)),
      load<f32>(normals + i32x4.extract_lane(even, 3)),
      load<f32>(normals + i32x4.extract_lane(odd, 3)),
    );
    const low = f32x4.add(v128.load(data), f32x4.mul(by, first));
    const high = f32x4.add(v128.load(data, 16), f32x4.mul(by, second));
    v128.store(data, levels(f32x4.nearest(low)));
    v128.store(data, levels(f32x4.nearest(high)), 16);
  }
}

/** RGB mirrored left to right, in place. @param line scratch of a row */
export function mirror(data: usize, width: i32, height: i32, line: usize): void {
  const bytes = usize(width) * 12;
  for (let y = 0; y < height; y++, data += bytes) {
    memory.copy(line, data, bytes);
    let from = line + bytes - 12;
    for (let to = data; to < data + bytes - 12; to += 12, from -= 12) {
      v128.store(to, v128.load(from));
    }
    memory.copy(data + bytes - 12, line, 12);
  }
}
