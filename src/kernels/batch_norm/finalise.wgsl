// From statistics to what readers and the backward need:
//   affine = [scale = gamma / sqrt(var + eps), shift = beta - mean * scale], saved = [mean, invStd]
//! if TRAINING
// var is this batch's (biased); the running statistics move by `momentum`, with the unbiased one.
//! else
// mean and var are the running statistics.
//! end
struct Params { rows: u32, channels: u32, eps: f32, momentum: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> affine: array<f32>;
@group(0) @binding(4) var<storage, read_write> saved: array<f32>;
//! if TRAINING
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(7) var<storage, read_write> runningVar: array<f32>;
//! else
@group(0) @binding(6) var<storage, read> runningMean: array<f32>;
@group(0) @binding(7) var<storage, read> runningVar: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= p.channels) { return; }
  //! if TRAINING
  var n = 0.0;
  var mean = 0.0;
  var m2 = 0.0;
  for (var r = 0u; r < p.rows; r++) {
    let at = r * 3u * p.channels + c;
    let count = stats[at];
    if (count == 0.0) { continue; }
    let delta = stats[at + p.channels] - mean;
    n += count;
    mean += delta * count / n;
    m2 += stats[at + 2u * p.channels] + delta * delta * count * (n - count) / n;
  }
  let variance = m2 / n;
  runningMean[c] += p.momentum * (mean - runningMean[c]);
  runningVar[c] += p.momentum * (m2 / max(n - 1.0, 1.0) - runningVar[c]);
  //! else
  let mean = runningMean[c];
  let variance = runningVar[c];
  //! end
  let invStd = 1.0 / sqrt(variance + p.eps);
  let scale = gamma[c] * invStd;
  affine[c] = scale;
  affine[p.channels + c] = beta[c] - mean * scale;
  saved[c] = mean;
  saved[p.channels + c] = invStd;
}
