// partial[chunk] = [sum over the chunk's rows of dOut[row] * x[row, c], sum of dOut[row]]; the last
// value stands once, after the channels.
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, width: u32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dOut: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

//! include invocation64

fn run(invocation: u32) {
  //! include column
  var sum = vec4f();
  var bias = 0.0;
  var at = firstRow * p.c4 + c;
  let step = p.c4;
  for (var row = firstRow; row < endRow; row++) {
    let d = dOut[row];
    sum += d * x[at];
    bias += d;
    at += step;
  }
  let to = (p.row0 + chunk) * p.width + c * 4u;
  partial[to] = sum.x;
  partial[to + 1u] = sum.y;
  partial[to + 2u] = sum.z;
  partial[to + 3u] = sum.w;
  if (c == 0u) { partial[(p.row0 + chunk) * p.width + p.c4 * 4u] = bias; }
}
