// Four pixels of RGB, read as three vectors [r g b r], [g b r g], [b r g b], and as one vector a channel.

export function red(p: v128, q: v128, r: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(p, q, 0, 3, 6, 6), r, 0, 1, 2, 5);
}

export function green(p: v128, q: v128, r: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(p, q, 1, 4, 7, 7), r, 0, 1, 2, 6);
}

export function blue(p: v128, q: v128, r: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(p, q, 2, 5, 5, 5), r, 0, 1, 4, 7);
}

/** Stores four pixels; `to` gets 48 bytes. */
export function storePixels(to: usize, r: v128, g: v128, b: v128): void {
  const rg = v128.shuffle<f32>(r, g, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f32>(rg, b, 0, 1, 4, 2));
  const gb = v128.shuffle<f32>(g, b, 1, 5, 2, 6);
  v128.store(to, v128.shuffle<f32>(gb, r, 0, 1, 6, 2), 16);
  const last = v128.shuffle<f32>(r, g, 3, 7, 3, 7);
  v128.store(to, v128.shuffle<f32>(b, last, 2, 4, 5, 3), 32);
}

/** Between 0 and 255. */
export function levels(v: v128): v128 {
  return f32x4.min(f32x4.max(v, f32x4.splat(0)), f32x4.splat(255));
}

/** The sum of four lanes, in a fixed order. */
export function total(v: v128): f64 {
  return (
    f64(f32x4.extract_lane(v, 0)) +
    f64(f32x4.extract_lane(v, 1)) +
    f64(f32x4.extract_lane(v, 2)) +
    f64(f32x4.extract_lane(v, 3))
  );
}
