// out[b, y, x, c] = relu(x * scale + shift) * sigmoid(logit[b, c]), as far as the read has them
struct Params { images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(3) var<storage, read> logit: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let c4 = p.c4;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[c4 + c];
  //! end
  // Beyond 88 the exponential is infinite, and what a quotient by infinity is, is left to the driver.
  let z = -logit[image * c4 + c];
  let share = 1.0 / (1.0 + exp(select(z, vec4f(80.0), z > vec4f(80.0))));
  var at = (image * p.rows + firstRow) * c4 + c;
  for (var pixel = firstRow; pixel < endRow; pixel++) {
    var value = x[at];
    //! if AFFINE
    value = value * scale + shift;
    //! end
    out[at] = max(value, vec4f()) * share;
    at += c4;
  }
}
