/**
 * What a trip through JPEG does to a picture, without the file: what training needs thousands of
 * times a minute. The same arithmetic as libjpeg's (quality scale, tables of ITU-T T.81 Annex K,
 * 4:2:0 chroma, "fancy" up-sampling; the AAN transform in floats), with plain rounding to the
 * nearest step, which cameras and phones do, and not the trellis that mozjpeg squeezes files by.
 */
import type { RgbImage } from './rgb.ts';

const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
  92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const chrominance = Array.from({ length: 64 }, (_, i) => {
  const known = [
    [17, 18, 24, 47],
    [18, 21, 26, 66],
    [24, 26, 56, 99],
    [47, 66, 99, 99],
  ];
  return known[i >> 3]?.[i & 7] ?? 99;
});

/** What the AAN transform leaves out of each row and column. */
const aan = [1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.5411961, 0.275899379];

/** Steps of a quality as divisors before rounding, and as factors after it. */
function stepsOf(table: readonly number[], quality: number) {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const divide = new Float32Array(64);
  const multiply = new Float32Array(64);
  for (let i = 0; i < 64; i++) {
    const step = Math.min(255, Math.max(1, Math.floor((table[i] * scale + 50) / 100)));
    const factor = aan[i >> 3] * aan[i & 7];
    divide[i] = 1 / (step * factor * 8);
    multiply[i] = (step * factor) / 8;
  }
  return { divide, multiply };
}

/** Eight values, `stride` apart, into their transform (Arai, Agui and Nakajima, as in jfdctflt.c). */
function forward(d: Float32Array, o: number, s: number): void {
  const [i1, i2, i3, i4, i5, i6, i7] = [
    o + s,
    o + 2 * s,
    o + 3 * s,
    o + 4 * s,
    o + 5 * s,
    o + 6 * s,
    o + 7 * s,
  ];
  const t0 = d[o] + d[i7];
  const t7 = d[o] - d[i7];
  const t1 = d[i1] + d[i6];
  const t6 = d[i1] - d[i6];
  const t2 = d[i2] + d[i5];
  const t5 = d[i2] - d[i5];
  const t3 = d[i3] + d[i4];
  const t4 = d[i3] - d[i4];
  const a = t0 + t3;
  const b = t0 - t3;
  const c = t1 + t2;
  d[o] = a + c;
  d[i4] = a - c;
  const z1 = (t1 - t2 + b) * Math.SQRT1_2;
  d[i2] = b + z1;
  d[i6] = b - z1;
  const e = t4 + t5;
  const g = t6 + t7;
  const z5 = (e - g) * 0.382683433;
  const z2 = 0.5411961 * e + z5;
  const z4 = 1.306562965 * g + z5;
  const z3 = (t5 + t6) * Math.SQRT1_2;
  const z11 = t7 + z3;
  const z13 = t7 - z3;
  d[i5] = z13 + z2;
  d[i3] = z13 - z2;
  d[i1] = z11 + z4;
  d[i7] = z11 - z4;
}

/** The way back (jidctflt.c). */
function inverse(d: Float32Array, o: number, s: number): void {
  const [i1, i2, i3, i4, i5, i6, i7] = [
    o + s,
    o + 2 * s,
    o + 3 * s,
    o + 4 * s,
    o + 5 * s,
    o + 6 * s,
    o + 7 * s,
  ];
  const a = d[o] + d[i4];
  const b = d[o] - d[i4];
  const c = d[i2] + d[i6];
  const e = (d[i2] - d[i6]) * Math.SQRT2 - c;
  const t0 = a + c;
  const t3 = a - c;
  const t1 = b + e;
  const t2 = b - e;
  const z13 = d[i5] + d[i3];
  const z10 = d[i5] - d[i3];
  const z11 = d[i1] + d[i7];
  const z12 = d[i1] - d[i7];
  const t7 = z11 + z13;
  const z5 = (z10 + z12) * 1.847759065;
  const t6 = z5 - 2.61312593 * z10 - t7;
  const t5 = (z11 - z13) * Math.SQRT2 - t6;
  const t4 = 1.0823922 * z12 - z5 + t5;
  d[o] = t0 + t7;
  d[i7] = t0 - t7;
  d[i1] = t1 + t6;
  d[i6] = t1 - t6;
  d[i2] = t2 + t5;
  d[i5] = t2 - t5;
  d[i4] = t3 + t4;
  d[i3] = t3 - t4;
}

/** Rounds the blocks of a plane, values about 0, whose sides are multiples of 8; in place. */
function roundBlocks(
  plane: Float32Array,
  width: number,
  height: number,
  { divide, multiply }: ReturnType<typeof stepsOf>,
): void {
  const block = new Float32Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let y = 0; y < 8; y++) {
        const from = (top + y) * width + left;
        for (let x = 0; x < 8; x++) block[y * 8 + x] = plane[from + x];
        forward(block, y * 8, 1);
      }
      for (let x = 0; x < 8; x++) forward(block, x, 8);
      for (let i = 0; i < 64; i++) block[i] = Math.round(block[i] * divide[i]) * multiply[i];
      for (let x = 0; x < 8; x++) inverse(block, x, 8);
      for (let y = 0; y < 8; y++) {
        inverse(block, y * 8, 1);
        const to = (top + y) * width + left;
        for (let x = 0; x < 8; x++) {
          const value = Math.round(block[y * 8 + x]);
          plane[to + x] = value < -128 ? -128 : value > 127 ? 127 : value;
        }
      }
    }
  }
}

/** A half-size plane at full size: 3 parts of the nearer, 1 of the farther neighbour, both ways. */
function twice(small: Float32Array, stride: number, width: number, height: number): Float32Array {
  const [halfWidth, halfHeight] = [width >> 1, height >> 1];
  const large = new Float32Array(width * height);
  const line = new Float32Array(halfWidth);
  for (let y = 0; y < height; y++) {
    const near = y >> 1;
    const far = Math.min(halfHeight - 1, Math.max(0, near + (y & 1 ? 1 : -1)));
    for (let x = 0; x < halfWidth; x++) {
      line[x] = (3 * small[near * stride + x] + small[far * stride + x]) / 4;
    }
    for (let x = 0, to = y * width; x < halfWidth; x++, to += 2) {
      large[to] = (3 * line[x] + line[x > 0 ? x - 1 : 0]) / 4;
      large[to + 1] = (3 * line[x] + line[x < halfWidth - 1 ? x + 1 : x]) / 4;
    }
  }
  return large;
}

const up = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/**
 * The picture as a JPEG of this quality would give it back, in place.
 * @param quality 1 to 100, on libjpeg's scale
 */
export function loseToJpeg({ width, height, data }: RgbImage, quality: number): void {
  const [w, h] = [up(width, 16), up(height, 16)];
  const y = new Float32Array(w * h);
  const cb = new Float32Array((w * h) / 4);
  const cr = new Float32Array((w * h) / 4);
  for (let row = 0; row < h; row++) {
    const from = Math.min(row, height - 1) * width;
    const half = (row >> 1) * (w >> 1);
    for (let column = 0; column < w; column++) {
      const i = (from + (column < width ? column : width - 1)) * 3;
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      y[row * w + column] = Math.round(0.299 * r + 0.587 * g + 0.114 * b) - 128;
      const at = half + (column >> 1);
      cb[at] += (-0.168735892 * r - 0.331264108 * g + 0.5 * b) / 4;
      cr[at] += (0.5 * r - 0.418687589 * g - 0.081312411 * b) / 4;
    }
  }
  for (let i = 0; i < cb.length; i++) {
    cb[i] = Math.round(cb[i]);
    cr[i] = Math.round(cr[i]);
  }
  roundBlocks(y, w, h, stepsOf(luminance, quality));
  const colour = stepsOf(chrominance, quality);
  roundBlocks(cb, w >> 1, h >> 1, colour);
  roundBlocks(cr, w >> 1, h >> 1, colour);
  const [blue, red] = [twice(cb, w >> 1, w, h), twice(cr, w >> 1, w, h)];
  for (let row = 0, to = 0; row < height; row++) {
    for (let at = row * w; at < row * w + width; at++, to += 3) {
      const grey = y[at] + 128;
      data[to] = grey + 1.402 * red[at];
      data[to + 1] = grey - 0.344136286 * blue[at] - 0.714136286 * red[at];
      data[to + 2] = grey + 1.772 * blue[at];
    }
  }
}
