// Adaptive average pool, torch's bins: bin i covers floor(i * n / o) up to ceil((i + 1) * n / o).
struct Params { count: u32, channels: u32, inH: u32, inW: u32, outH: u32, outW: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.channels;
  let ox = (at / p.channels) % p.outW;
  let oy = (at / (p.channels * p.outW)) % p.outH;
  let image = at / (p.channels * p.outW * p.outH);
  let y0 = (oy * p.inH) / p.outH;
  let y1 = ((oy + 1u) * p.inH + p.outH - 1u) / p.outH;
  let x0 = (ox * p.inW) / p.outW;
  let x1 = ((ox + 1u) * p.inW + p.outW - 1u) / p.outW;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.channels + c];
  //! end
  var sum = 0.0;
  for (var y = y0; y < y1; y++) {
    var row = 0.0;
    for (var column = x0; column < x1; column++) {
      var value = x[((image * p.inH + y) * p.inW + column) * p.channels + c];
      //! if AFFINE
      value = value * scale + shift;
      //! end
      //! if RELU
      value = max(value, 0.0);
      //! end
      row += value;
    }
    sum += row;
  }
  out[at] = sum / f32((y1 - y0) * (x1 - x0));
}
