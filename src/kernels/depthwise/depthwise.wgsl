// 3x3 depthwise convolution, stride 1, zeros around:
//   out[y, x, c] = sum over ky, kx of read(x)[y + ky - 1, x + kx - 1, c] * w[c, ky, kx]
//
// An invocation makes four channels of two columns, rolling down the rows: each input row is
// loaded once and goes into three partial output rows. The output may be a range of the channels
// of a wider tensor, so that a concatenation is never stored.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, width: u32,
  outC4: u32, outAt: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end
//! if BIAS
@group(0) @binding(5) var<storage, read> bias: array<vec4f>;
//! end
//! if ACTIVATION

//! include activation
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let height = p.rows;
  let width = p.width;
  let column = across * 2u;
  let pair = column + 1u < width;

  let f = (p.outAt + c) * 36u;
  //! for t in 0 .. 9
  let w$t = vec4f(w[f + ${t}u], w[f + 9u + ${t}u], w[f + 18u + ${t}u], w[f + 27u + ${t}u]);
  //! end
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  //! if BIAS
  let add = bias[p.outAt + c];
  //! else
  let add = vec4f();
  //! end
  // The columns left of, and behind, the pair may lie outside.
  let live0 = select(0.0, 1.0, column > 0u);
  let live2 = select(0.0, 1.0, pair);
  let live3 = select(0.0, 1.0, column + 2u < width);
  let left = select(0u, p.c4, column > 0u);
  let right = select(0u, p.c4, pair);
  let far = select(0u, p.c4 * 2u, column + 2u < width);

  // Output rows y - 1 (above), y, and y + 1 (below), two columns each.
  var above0 = add;
  var above1 = add;
  var here0 = add;
  var here1 = add;
  for (var y = i32(firstRow) - 1; y <= i32(endRow); y++) {
    var below0 = add;
    var below1 = add;
    if (y >= 0 && y < i32(height)) {
      let at = ((image * height + u32(y)) * width + column) * p.c4 + c;
      var v0 = x[at - left];
      var v1 = x[at];
      var v2 = x[at + right];
      var v3 = x[at + far];
      //! if AFFINE
      v0 = v0 * scale + shift;
      v1 = v1 * scale + shift;
      v2 = v2 * scale + shift;
      v3 = v3 * scale + shift;
      //! end
      //! if RELU
      v0 = max(v0, vec4f());
      v1 = max(v1, vec4f());
      v2 = max(v2, vec4f());
      v3 = max(v3, vec4f());
      //! end
      v0 *= live0;
      v2 *= live2;
      v3 *= live3;
      above0 += v0 * w6 + v1 * w7 + v2 * w8;
      above1 += v1 * w6 + v2 * w7 + v3 * w8;
      here0 += v0 * w3 + v1 * w4 + v2 * w5;
      here1 += v1 * w3 + v2 * w4 + v3 * w5;
      below0 += v0 * w0 + v1 * w1 + v2 * w2;
      below1 += v1 * w0 + v2 * w1 + v3 * w2;
    }
    if (y > i32(firstRow)) {
      //! if ACTIVATION
      above0 = activated(above0);
      above1 = activated(above1);
      //! end
      let to = ((image * height + u32(y - 1)) * width + column) * p.outC4 + p.outAt + c;
      out[to] = above0;
      if (pair) { out[to + p.outC4] = above1; }
    }
    above0 = here0;
    above1 = here1;
    here0 = below0;
    here1 = below1;
  }
}
