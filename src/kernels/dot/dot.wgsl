// out[row] (+)= sum over c of x[row, c] * w[at + c]  + bias
struct Params { rows: u32, c4: u32, at: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

//! include invocation64

fn run(row: u32) {
  if (row >= p.rows) { return; }
  var sum = vec4f();
  for (var c = 0u; c < p.c4; c++) { sum += x[row * p.c4 + c] * w[p.at / 4u + c]; }
  let value = sum.x + sum.y + sum.z + sum.w;
  if (p.accumulate != 0u) {
    out[row] += value;
  } else {
    out[row] = value + bias[0];
  }
}
