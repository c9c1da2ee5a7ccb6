// Bilinear resize, align_corners = false, no antialiasing (torch.nn.functional.interpolate):
// the source of row o is (o + 0.5) * inH / outH - 0.5, not below 0.
struct Params { count: u32, channels: u32, inH: u32, inW: u32, outH: u32, outW: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> out: array<$TYPE>;
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<$TYPE>;
//! end

fn source(o: u32, inSize: u32, outSize: u32) -> f32 {
  return max((f32(o) + 0.5) * (f32(inSize) / f32(outSize)) - 0.5, 0.0);
}

fn load(image: u32, y: u32, column: u32, c: u32) -> $TYPE {
  var value = x[((image * p.inH + y) * p.inW + column) * p.channels + c];
  //! if AFFINE
  value = value * affine[c] + affine[p.channels + c];
  //! end
  //! if RELU
  value = max(value, $TYPE());
  //! end
  return value;
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.channels;
  let sx = source((at / p.channels) % p.outW, p.inW, p.outW);
  let sy = source((at / (p.channels * p.outW)) % p.outH, p.inH, p.outH);
  let image = at / (p.channels * p.outW * p.outH);
  let y0 = min(u32(sy), p.inH - 1u);
  let x0 = min(u32(sx), p.inW - 1u);
  let y1 = min(y0 + 1u, p.inH - 1u);
  let x1 = min(x0 + 1u, p.inW - 1u);
  let fy = sy - f32(y0);
  let fx = sx - f32(x0);
  out[at] = (1.0 - fy) * ((1.0 - fx) * load(image, y0, x0, c) + fx * load(image, y0, x1, c))
    + fy * ((1.0 - fx) * load(image, y1, x0, c) + fx * load(image, y1, x1, c));
}
