// From statistics to what readers and the backward need:
//   affine = [scale = gamma / sqrt(var + eps), shift = beta - mean * scale], saved = [mean, invStd]
//! if TRAINING
// var is this batch's (biased); the running statistics move by `momentum`, with the unbiased one.
//! else
// mean and var are the running statistics.
//! end
struct Params { rows: u32, c4: u32, eps: f32, momentum: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(2) var<storage, read> beta: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> affine: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> saved: array<vec4f>;
//! if TRAINING
@group(0) @binding(5) var<storage, read> stats: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> runningMean: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> runningVar: array<vec4f>;

//! include statistics
//! if TREE

//! include statistics_tree
//! end
//! else
@group(0) @binding(6) var<storage, read> runningMean: array<vec4f>;
@group(0) @binding(7) var<storage, read> runningVar: array<vec4f>;
//! end

@compute @workgroup_size($INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) id: u32) {
  let c = group.x * ${ACROSS}u + id % ${ACROSS}u;
  //! if TRAINING
  let first = id / ${ACROSS}u;
  var all = merged(first, p.rows, ${LANES}u, min(c, p.c4 - 1u), p.c4);
  //! if TREE
  all = inTree(all, id);
  if (first > 0u) { return; }
  //! end
  //! end
  if (c >= p.c4) { return; }
  //! if TRAINING
  let mean = all.mean;
  let variance = all.m2 / all.n;
  runningMean[c] += p.momentum * (mean - runningMean[c]);
  runningVar[c] += p.momentum * (all.m2 / max(all.n - 1.0, 1.0) - runningVar[c]);
  //! else
  let mean = runningMean[c];
  let variance = runningVar[c];
  //! end
  let invStd = 1.0 / sqrt(variance + p.eps);
  let scale = gamma[c] * invStd;
  affine[c] = scale;
  affine[p.c4 + c] = beta[c] - mean * scale;
  saved[c] = mean;
  saved[p.c4 + c] = invStd;
}
