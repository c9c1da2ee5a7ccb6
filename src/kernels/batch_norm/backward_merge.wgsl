// Adds the partial rows up: dBeta = sum of g, dGamma = sum of g * xhat; and both divided by the
// number of pixels, as backward_apply.wgsl takes them.
struct Params { rows: u32, channels: u32, pixels: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> means: array<f32>;
//! if GRADS
@group(0) @binding(3) var<storage, read_write> dGamma: array<f32>;
@group(0) @binding(4) var<storage, read_write> dBeta: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= p.channels) { return; }
  var sum = 0.0;
  var dot = 0.0;
  for (var r = 0u; r < p.rows; r++) {
    sum += partial[r * 2u * p.channels + c];
    dot += partial[(r * 2u + 1u) * p.channels + c];
  }
  means[c] = sum / p.pixels;
  means[p.channels + c] = dot / p.pixels;
  //! if GRADS
  dBeta[c] = sum;
  dGamma[c] = dot;
  //! end
}
