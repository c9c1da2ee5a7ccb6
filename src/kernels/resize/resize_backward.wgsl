// dIn[y, x] = sum over the outputs that read (y, x) of their weight times dOut: a gather, so that
// the order of the sum is fixed.
struct Params {
  count: u32, channels: u32, inH: u32, inW: u32, outH: u32, outW: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> dIn: array<$TYPE>;

/** The weight with which output o reads input i, computed as the forward does. */
fn weight(o: u32, i: u32, inSize: u32, outSize: u32) -> f32 {
  let s = max((f32(o) + 0.5) * (f32(inSize) / f32(outSize)) - 0.5, 0.0);
  let i0 = min(u32(s), inSize - 1u);
  let i1 = min(i0 + 1u, inSize - 1u);
  let f = s - f32(i0);
  return select(0.0, 1.0 - f, i0 == i) + select(0.0, f, i1 == i);
}

fn first(i: u32, inSize: u32, outSize: u32) -> u32 {
  return u32(max((f32(i) - 0.5) * (f32(outSize) / f32(inSize)) - 1.5, 0.0));
}

fn last(i: u32, inSize: u32, outSize: u32) -> u32 {
  return min(u32((f32(i) + 1.5) * (f32(outSize) / f32(inSize)) + 1.0), outSize - 1u);
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.channels;
  let x = (at / p.channels) % p.inW;
  let y = (at / (p.channels * p.inW)) % p.inH;
  let image = at / (p.channels * p.inW * p.inH);
  let x0 = first(x, p.inW, p.outW);
  let x1 = last(x, p.inW, p.outW);
  let y1 = last(y, p.inH, p.outH);
  var sum = $TYPE();
  for (var oy = first(y, p.inH, p.outH); oy <= y1; oy++) {
    let wy = weight(oy, y, p.inH, p.outH);
    if (wy == 0.0) { continue; }
    for (var ox = x0; ox <= x1; ox++) {
      let w = wy * weight(ox, x, p.inW, p.outW);
      if (w != 0.0) {
        sum += w * dOut[((image * p.outH + oy) * p.outW + ox) * p.channels + c];
      }
    }
  }
  if (p.accumulate != 0u) { sum += dIn[at]; }
  dIn[at] = sum;
}
