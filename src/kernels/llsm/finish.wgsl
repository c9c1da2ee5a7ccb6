// The gradient of the features, back in NHWC, from the sums over pairs:
//   dX[b, p, at + k] (+)= share[b] * factor * weight[k] * gradient[b, k, p]
// Channels that belong to no k (padding) get zero.
struct Params {
  count: u32, positions: u32, channels: u32, depth: u32, at: u32, width: u32,
  strideImage: u32, strideDepth: u32, stridePosition: u32, factor: f32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
//! if WEIGHT
@group(0) @binding(3) var<storage, read> weight: array<f32>;
//! end
@group(0) @binding(4) var<storage, read_write> dX: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  if (work >= p.count) { return; }
  let k = work % p.width;
  let position = (work / p.width) % p.positions;
  let image = work / (p.width * p.positions);
  let to = (image * p.positions + position) * p.channels + p.at + k;
  if (k >= p.depth) {
    dX[to] = 0.0;
    return;
  }
  let at = image * p.strideImage + k * p.strideDepth + position * p.stridePosition;
  var value = p.factor * gradient[at];
  //! if WEIGHT
  value *= weight[k];
  //! end
  value = select(0.0, value * share[image], share[image] != 0.0);
  if (p.accumulate != 0u) { value += dX[to]; }
  dX[to] = value;
}
