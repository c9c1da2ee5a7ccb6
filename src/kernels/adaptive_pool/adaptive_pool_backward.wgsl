// dIn[y, x] = sum over the bins that hold (y, x) of dOut / bin area.
struct Params {
  count: u32, channels: u32, inH: u32, inW: u32, outH: u32, outW: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<f32>;
@group(0) @binding(2) var<storage, read_write> dIn: array<f32>;
//! if MASK
@group(0) @binding(3) var<storage, read> masked: array<f32>;
//! end

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
  var sum = 0.0;
  for (var oy = 0u; oy < p.outH; oy++) {
    let y0 = (oy * p.inH) / p.outH;
    let y1 = ((oy + 1u) * p.inH + p.outH - 1u) / p.outH;
    if (y < y0 || y >= y1) { continue; }
    for (var ox = 0u; ox < p.outW; ox++) {
      let x0 = (ox * p.inW) / p.outW;
      let x1 = ((ox + 1u) * p.inW + p.outW - 1u) / p.outW;
      if (x < x0 || x >= x1) { continue; }
      let d = dOut[((image * p.outH + oy) * p.outW + ox) * p.channels + c];
      sum += d / f32((y1 - y0) * (x1 - x0));
    }
  }
  //! if MASK
  sum = select(0.0, sum, masked[at] > 0.0);
  //! end
  if (p.accumulate != 0u) { sum += dIn[at]; }
  dIn[at] = sum;
}
