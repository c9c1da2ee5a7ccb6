// sums[b] = (sum of sigmoid(z), sum of t, sum of sigmoid(z) t, 0) over the values of item b
struct Params { values: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logit: array<f32>;
@group(0) @binding(2) var<storage, read> truth: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;

var<workgroup> parts: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let image = group.x;
  var sum = vec4f();
  for (var i = lane; i < p.values; i += 64u) {
    let at = image * p.values + i;
    let z = logit[at];
    let t = truth[at];
    let e = exp(-abs(z));
    let s = select(e, 1.0, z >= 0.0) / (1.0 + e);
    sum += vec4f(s, t, s * t, 0.0);
  }
  parts[lane] = sum;
  workgroupBarrier();
  for (var apart = 32u; apart > 0u; apart = apart / 2u) {
    if (lane < apart) { parts[lane] += parts[lane + apart]; }
    workgroupBarrier();
  }
  if (lane == 0u) { sums[image] = parts[0]; }
}
