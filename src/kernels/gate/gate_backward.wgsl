// With s = sigmoid(logit) and a = relu(x * scale + shift):
//   dA (+)= dOut * s (masked here only where a is a bare ReLU: batch norm masks its own),   partial[strip, b, c] = sum over the strip's pixels of dOut * a * s (1 - s)
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, width4: u32, at4: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(3) var<storage, read> logit: array<vec4f>;
@group(0) @binding(4) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dA: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let c4 = p.c4;
  let accumulate = p.accumulate != 0u;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[c4 + c];
  //! end
  let z = -logit[image * c4 + c];
  let s = 1.0 / (1.0 + exp(select(z, vec4f(80.0), z > vec4f(80.0))));
  var sum = vec4f();
  var at = (image * p.rows + firstRow) * c4 + c;
  for (var pixel = firstRow; pixel < endRow; pixel++) {
    let d = dOut[at];
    //! if AFFINE
    sum += d * max(x[at] * scale + shift, vec4f());
    var value = d * s;
    //! else
    sum += d * max(x[at], vec4f());
    var value = select(vec4f(), d * s, x[at] > vec4f());
    //! end
    if (accumulate) { value += dA[at]; }
    dA[at] = value;
    at += c4;
  }
  partial[part * p.width4 + p.at4 + image * c4 + c] = sum * s * (1.0 - s);
}
