/** 16-bit floats as bit patterns: IEEE 754 binary16 (F16) and bfloat16 (BF16). */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The value of binary16 bits; exact. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (0x400 + fraction) * 2 ** (exponent - 25);
}

let values: Float32Array | undefined;

/** The values of binary16 bits; exact. A list of all 65,536 is made once, for a network has millions. */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  values ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToFloat(bits));
  const floats = new Float32Array(halves.length);
  for (let k = 0; k < halves.length; k++) floats[k] = values[halves[k]];
  return floats;
}

/** The binary16 bits nearest to a 32-bit float, ties to even; beyond 65519.99 it is infinity. */
export function floatToHalf(value: number): number {
  f32[0] = value;
  const bits = u32[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal in binary16: a multiple of 2^-24. Adding 0.5 leaves 2^-24 as the float's last bit.
    f32[0] = Math.abs(value) + 0.5;
    return sign | (u32[0] - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The value of bfloat16 bits; exact. */
export function bfloatToFloat(bits: number): number {
  u32[0] = bits << 16;
  return f32[0];
}
