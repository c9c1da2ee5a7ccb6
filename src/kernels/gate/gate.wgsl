// out[b, y, x, c] = relu(x * scale + shift) * sigmoid(logit[b, c])
struct Params { count: u32, c4: u32, pixels: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
@group(0) @binding(3) var<storage, read> logit: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.c4;
  let image = at / (p.c4 * p.pixels);
  let value = max(x[at] * affine[c] + affine[p.c4 + c], vec4f());
  out[at] = value / (1.0 + exp(-logit[image * p.c4 + c]));
}
