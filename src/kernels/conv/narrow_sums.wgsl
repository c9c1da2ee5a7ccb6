/** Of a pair of lanes `bit` apart, the lower gets both's sum of `a`, the upper that of `b`. */
fn halved(a: f32, b: f32, bit: u32, upper: bool) -> f32 {
  return select(a, b, upper) + subgroupShuffleXor(select(b, a, upper), bit);
}

/** Sums over the lanes: lane i gets that of v[i]. */
fn summed(v: array<f32, $LANES>, lane: u32) -> f32 {
  let upper1 = (lane & 1u) != 0u;
  let upper2 = (lane & 2u) != 0u;
  let low = halved(halved(v[0], v[1], 1u, upper1), halved(v[2], v[3], 1u, upper1), 2u, upper2);
  let high = halved(halved(v[4], v[5], 1u, upper1), halved(v[6], v[7], 1u, upper1), 2u, upper2);
  return halved(low, high, 4u, (lane & 4u) != 0u);
}
