// partial[row0 + b, k] = share[b] * factor * sum over p of x[b, p, at + k] * gradient[b, k, p]: one
// side's part of the gradient of the weights v_k, since |s| = s * sign(s) and relu(s) = s [s > 0].
struct Params {
  count: u32, positions: u32, channels: u32, depth: u32, at: u32,
  strideImage: u32, strideDepth: u32, stridePosition: u32, factor: f32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> share: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  if (work >= p.count) { return; }
  let k = work % p.depth;
  let image = work / p.depth;
  var sum = 0.0;
  for (var position = 0u; position < p.positions; position++) {
    let at = image * p.strideImage + k * p.strideDepth + position * p.stridePosition;
    sum += x[(image * p.positions + position) * p.channels + p.at + k] * gradient[at];
  }
  let factor = p.factor * share[image];
  partial[(p.row0 + image) * p.depth + k] = select(0.0, sum * factor, factor != 0.0);
}
