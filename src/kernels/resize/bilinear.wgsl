/**
 * Output o reads input `low` with 1 - share and `high`, the next one (or at the border the same),
 * with `share`: align_corners = false, as torch.nn.functional.interpolate.
 */
struct Taps { low: u32, high: u32, share: f32 }

fn taps(o: u32, inSize: u32, outSize: u32) -> Taps {
  // A map of its own size stays what it is, whatever an adapter makes of n / n.
  let scale = select(f32(inSize) / f32(outSize), 1.0, inSize == outSize);
  let at = max((f32(o) + 0.5) * scale - 0.5, 0.0);
  let low = min(u32(at), inSize - 1u);
  return Taps(low, min(low + 1u, inSize - 1u), at - f32(low));
}
