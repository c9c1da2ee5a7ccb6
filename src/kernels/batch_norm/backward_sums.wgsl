// partial[chunk] = [sum of g, sum of g * xhat] over the chunk's pixels, with xhat the normalised x
// and g = dOut, zero where the ReLU that follows was not active.
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(3) var<storage, read> saved: array<vec4f>;
//! if RELU
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(5) var<storage, read_write> partial: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let step = p.c4;
  let mean = saved[c];
  let invStd = saved[step + c];
  //! if RELU
  let scale = affine[c];
  let shift = affine[step + c];
  //! end
  var sum = vec4f();
  var dot = vec4f();
  var at = firstRow * step + c;
  for (var row = firstRow; row < endRow; row++) {
    let value = x[at];
    var g = dOut[at];
    //! if RELU
    g = select(vec4f(), g, value * scale + shift > vec4f());
    //! end
    sum += g;
    dot += g * (value - mean) * invStd;
    at += step;
  }
  let to = (p.row0 + chunk) * step * 2u + c;
  partial[to] = sum;
  partial[to + step] = dot;
}
