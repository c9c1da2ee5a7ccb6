// The logit of each drawn pair (i, j) (pairs_tile.wgsl), and of it the loss against the target and
// dz = sigmoid(z) - t: each[b, q] = [loss, dz], in the pairs' order.
struct Params {
  count: u32, pairs: u32, positions: u32, depth: u32, leftChannels: u32, leftAt: u32,
  rightChannels: u32, rightAt: u32, depthScale: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
//! if WEIGHT
@group(0) @binding(3) var<storage, read> weight: array<f32>;
//! end
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> truth: array<f32>;
@group(0) @binding(6) var<storage, read> drawn: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> each: array<vec2f>;
//! if AFFINE
@group(0) @binding(8) var<storage, read> affine: array<f32>;
//! end

//! include through

//! include invocation64

fn run(at: u32) {
  if (at >= p.count * p.pairs) { return; }
  let image = at / p.pairs;
  let i = image * p.positions + drawn[at].x;
  let j = image * p.positions + drawn[at].y;
  var z = 0.0;
  for (var k = 0u; k < p.depth; k++) {
    let a = through(left[i * p.leftChannels + p.leftAt + k], p.leftAt + k, p.leftChannels);
    let b = through(right[j * p.rightChannels + p.rightAt + k], p.rightAt + k, p.rightChannels);
    //! if LINEAR
    z += a + b;
    //! end
    //! if MLP
    z += weight[k] * max(a + b, 0.0);
    //! end
    //! if ABSDIFF
    z += weight[k] * abs(a - b);
    //! end
    //! if BILINEAR
    z += a * b;
    //! end
  }
  z = z * p.depthScale + bias[0];
  let t = select(0.0, 1.0, abs(truth[i] - truth[j]) > 0.5);
  let e = exp(-abs(z));
  let d = select(e, 1.0, z >= 0.0) / (1.0 + e) - t;
  each[at] = vec2f(max(z, 0.0) - z * t + log(1.0 + e), d);
}
