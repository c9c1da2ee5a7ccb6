// dIn[y, x] = sum over the bins that hold (y, x) of dOut / bin area.
struct Params {
  count: u32, channels: u32, inH: u32, inW: u32, outH: u32, outW: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> dIn: array<$TYPE>;
//! if MASK
@group(0) @binding(3) var<storage, read> masked: array<$TYPE>;
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
  // The first and the last bin that hold y, and x.
  let oy0 = (y * p.outH) / p.inH;
  let oy1 = ((y + 1u) * p.outH - 1u) / p.inH;
  let ox0 = (x * p.outW) / p.inW;
  let ox1 = ((x + 1u) * p.outW - 1u) / p.inW;
  var sum = $TYPE();
  for (var oy = oy0; oy <= oy1; oy++) {
    let y0 = (oy * p.inH) / p.outH;
    let y1 = ((oy + 1u) * p.inH + p.outH - 1u) / p.outH;
    for (var ox = ox0; ox <= ox1; ox++) {
      let x0 = (ox * p.inW) / p.outW;
      let x1 = ((ox + 1u) * p.inW + p.outW - 1u) / p.outW;
      let d = dOut[((image * p.outH + oy) * p.outW + ox) * p.channels + c];
      sum += d / f32((y1 - y0) * (x1 - x0));
    }
  }
  //! if MASK
  sum = select($TYPE(), sum, masked[at] > $TYPE());
  //! end
  if (p.accumulate != 0u) { sum += dIn[at]; }
  dIn[at] = sum;
}
