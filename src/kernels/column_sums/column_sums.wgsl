// partial[chunk, c] = sum over the chunk's rows of x[row, c]
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let step = p.c4;
  var at = firstRow * step + c;
  var sum = vec4f();
  for (var row = firstRow; row < endRow; row++) {
    sum += x[at];
    at += step;
  }
  partial[(p.row0 + chunk) * step + c] = sum;
}
