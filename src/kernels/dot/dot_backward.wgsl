// dX[row, c] (+)= dOut[row] * w[at + c]
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, at: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dX: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let c4 = p.c4;
  let accumulate = p.accumulate != 0u;
  let weight = w[p.at / 4u + c];
  var at = firstRow * c4 + c;
  for (var row = firstRow; row < endRow; row++) {
    var value = dOut[row] * weight;
    if (accumulate) { value += dX[at]; }
    dX[at] = value;
    at += c4;
  }
}
