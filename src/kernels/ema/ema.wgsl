// One step of a running mean: mean += rate[0] * (values - mean).
struct Params { count: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rate: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;

//! include invocation64

fn run(at: u32) {
  if (at < p.count) { mean[at] += rate[0] * (values[at] - mean[at]); }
}
