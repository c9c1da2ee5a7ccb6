//! if UNDO
// out = [x / scale of the first three, scale]
//! else
// out = x * scale
//! end
struct Params { count: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> lossScale: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x;
  if (at >= p.count) { return; }
  //! if UNDO
  out[at] = select(x[at] / lossScale[0], lossScale[0], at == 3u);
  //! else
  out[at] = x[at] * lossScale[0];
  //! end
}
