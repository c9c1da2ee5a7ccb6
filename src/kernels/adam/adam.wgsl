// One step of Adam over all weights (Kingma and Ba; PyTorch's form with bias correction):
//   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
//   w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// with 1 - b1 and 1 - b2 given: computed in f32, 1 - 0.999 has only five digits right.
// step = [lr / (1 - b1^t), 1 / sqrt(1 - b2^t)], which change from run to run.
//! if SCALED
// The gradients are `lossScale[0]` times what they should be; where they did not fit their storage the
// step is left out.
//! end
struct Params { count: u32, beta1: f32, beta2: f32, fresh1: f32, fresh2: f32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> weights: array<vec4f>;

//! if SCALED
@group(0) @binding(6) var<storage, read> lossScale: array<f32>;
@group(0) @binding(7) var<storage, read> overflow: array<u32>;
//! end
// How many vectors there are from the first on whose gradient, moment or weight is not finite: 0 is none.
@group(0) @binding(8) var<storage, read_write> notFinite: atomic<u32>;

// By its bits: drivers may take it for granted that floats are finite.
fn isFinite(value: vec4f) -> bool {
  return all((bitcast<vec4u>(value) & vec4u(0x7f800000u)) != vec4u(0x7f800000u));
}

//! include invocation64

fn run(at: u32) {
  if (at >= p.count) { return; }
  //! if SCALED
  if (overflow[0] != 0u) { return; }
  let g = grads[at] / lossScale[0];
  //! else
  let g = grads[at];
  //! end
  let m1 = p.beta1 * m[at] + p.fresh1 * g;
  let v1 = p.beta2 * v[at] + p.fresh2 * g * g;
  m[at] = m1;
  v[at] = v1;
  let weight = weights[at] - step[0] * m1 / (sqrt(v1) * step[1] + p.eps);
  weights[at] = weight;
  if (!(isFinite(g) && isFinite(v1) && isFinite(weight))) {
    atomicMax(&notFinite, p.count - at);
  }
}
