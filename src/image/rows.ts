/** Rows of pictures as weighted sums of others: the inner loops of resampling and blurring. */

/** Picture values of 8 bits or in floats. */
export type Values = Float32Array | Uint8ClampedArray;

/** Stores a row of values; 8 bits are rounded and clamped as `Uint8ClampedArray` does. */
export function store(out: Values, at: number, row: Float64Array, count: number): void {
  // A loop of its own for each type: one loop over both is several times slower.
  if (out instanceof Float32Array) storeFloats(out, at, row, count);
  else storeBytes(out, at, row, count);
}

function storeFloats(out: Float32Array, at: number, row: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) out[at + i] = row[i];
}

function storeBytes(out: Uint8ClampedArray, at: number, row: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) out[at + i] = row[i];
}

/**
 * A sum of rows that lie in one array: out[i] = sum over k of weights[k] * rows[starts[k] + i].
 * @param starts where the rows begin, `count` of them
 */
export function sumRows(
  out: Float64Array,
  length: number,
  rows: Float64Array,
  starts: Int32Array,
  weights: Float64Array,
  count: number,
): void {
  const [a, u] = [starts[0], weights[0]];
  let k = 1;
  if (count === 1) {
    for (let i = 0; i < length; i++) out[i] = u * rows[a + i];
  } else if (count < 4) {
    const [b, v] = [starts[1], weights[1]];
    for (let i = 0; i < length; i++) out[i] = u * rows[a + i] + v * rows[b + i];
    k = 2;
  } else {
    const [b, c, d] = [starts[1], starts[2], starts[3]];
    const [v, w, x] = [weights[1], weights[2], weights[3]];
    for (let i = 0; i < length; i++) {
      out[i] = u * rows[a + i] + v * rows[b + i] + w * rows[c + i] + x * rows[d + i];
    }
    k = 4;
  }
  for (; k + 1 < count; k += 2) {
    const [b, c] = [starts[k], starts[k + 1]];
    const [v, w] = [weights[k], weights[k + 1]];
    for (let i = 0; i < length; i++) out[i] += v * rows[b + i] + w * rows[c + i];
  }
  if (k < count) {
    const [b, v] = [starts[k], weights[k]];
    for (let i = 0; i < length; i++) out[i] += v * rows[b + i];
  }
}

/**
 * A sum that is alike on both sides: out[i] = kernel[0] * rows[centre + i] + sum over k = 1 to radius of
 * kernel[k] * (rows[before[k] + i] + rows[after[k] + i]).
 */
export function sumBothSides(
  out: Float64Array,
  length: number,
  rows: Float64Array,
  centre: number,
  before: Int32Array,
  after: Int32Array,
  kernel: Float64Array,
  radius: number,
): void {
  const [w, u] = [kernel[0], kernel[1]];
  const [a, b] = [before[1], after[1]];
  let k = 2;
  if (radius === 1) {
    for (let i = 0; i < length; i++) {
      out[i] = w * rows[centre + i] + u * (rows[a + i] + rows[b + i]);
    }
  } else if (radius === 2) {
    const [c, d, v] = [before[2], after[2], kernel[2]];
    for (let i = 0; i < length; i++) {
      out[i] =
        w * rows[centre + i] + u * (rows[a + i] + rows[b + i]) + v * (rows[c + i] + rows[d + i]);
    }
    k = 3;
  } else {
    const [c, d, v] = [before[2], after[2], kernel[2]];
    const [e, f, x] = [before[3], after[3], kernel[3]];
    for (let i = 0; i < length; i++) {
      out[i] =
        w * rows[centre + i] +
        u * (rows[a + i] + rows[b + i]) +
        v * (rows[c + i] + rows[d + i]) +
        x * (rows[e + i] + rows[f + i]);
    }
    k = 4;
  }
  for (; k < radius; k += 2) {
    const [c, d, v] = [before[k], after[k], kernel[k]];
    const [e, f, x] = [before[k + 1], after[k + 1], kernel[k + 1]];
    for (let i = 0; i < length; i++) {
      out[i] += v * (rows[c + i] + rows[d + i]) + x * (rows[e + i] + rows[f + i]);
    }
  }
  if (k === radius) {
    const [c, d, v] = [before[k], after[k], kernel[k]];
    for (let i = 0; i < length; i++) out[i] += v * (rows[c + i] + rows[d + i]);
  }
}
