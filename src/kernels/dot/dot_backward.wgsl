// dX[row, c] (+)= dOut[row] * w[at + c]
struct Params { count: u32, c4: u32, at: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dX: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  var value = dOut[at / p.c4] * w[p.at / 4u + at % p.c4];
  if (p.accumulate != 0u) { value += dX[at]; }
  dX[at] = value;
}
