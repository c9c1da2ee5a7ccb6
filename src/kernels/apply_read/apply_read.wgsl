// out = relu(x * scale + shift), as far as the read has them.
struct Params { count: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  var value = x[at];
  //! if AFFINE
  let c = at % p.c4;
  value = value * affine[c] + affine[p.c4 + c];
  //! end
  //! if RELU
  value = max(value, vec4f());
  //! end
  out[at] = value;
}
