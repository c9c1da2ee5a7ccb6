// dX (+)= scale * (g - mean(g) - xhat * mean(g * xhat)), g as in backward_sums.wgsl; with fixed
// statistics (evaluation) dX (+)= scale * g.
struct Params { count: u32, c4: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! if NEEDX
@group(0) @binding(3) var<storage, read> x: array<vec4f>;
//! end
//! if TRAINING
@group(0) @binding(4) var<storage, read> saved: array<vec4f>;
@group(0) @binding(5) var<storage, read> means: array<vec4f>;
//! end
@group(0) @binding(6) var<storage, read_write> dX: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.c4;
  let scale = affine[c];
  var g = dOut[at];
  //! if NEEDX
  let value = x[at];
  //! end
  //! if RELU
  g = select(vec4f(), g, value * scale + affine[p.c4 + c] > vec4f());
  //! end
  //! if TRAINING
  let xhat = (value - saved[c]) * saved[p.c4 + c];
  g = g - means[c] - xhat * means[p.c4 + c];
  //! end
  var result = g * scale;
  if (p.accumulate != 0u) { result += dX[at]; }
  dX[at] = result;
}
