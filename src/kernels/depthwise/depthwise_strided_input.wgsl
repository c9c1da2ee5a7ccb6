// The input's gradient of the strided depthwise convolution: a gather over the outputs that read it.
//   dX[y, x, c] (+)= sum over ky, kx of w[c, ky, kx] * dOut[(y + pad - ky) / stride, (x + pad - kx) / stride, c]
// where both divide.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  outH: u32, outW: u32, stride: u32, pad: u32, dC4: u32, at: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> dX: array<vec4f>;
//! if MASK
@group(0) @binding(4) var<storage, read> x: array<vec4f>;
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let f = (p.at + c) * 36u;
  for (var y = firstRow; y < endRow; y++) {
    var gradient = vec4f();
    for (var ky = 0u; ky < 3u; ky++) {
      // Unsigned: what lies before the first output wraps to a large number.
      let down = y + p.pad - ky;
      if (down % p.stride != 0u || down / p.stride >= p.outH) { continue; }
      let row = (image * p.outH + down / p.stride) * p.outW;
      for (var kx = 0u; kx < 3u; kx++) {
        let right = across + p.pad - kx;
        if (right % p.stride != 0u || right / p.stride >= p.outW) { continue; }
        let t = f + ky * 3u + kx;
        gradient += dOut[(row + right / p.stride) * p.dC4 + p.at + c]
          * vec4f(w[t], w[t + 9u], w[t + 18u], w[t + 27u]);
      }
    }
    let pixel = ((image * p.rows + y) * p.across + across) * p.c4 + c;
    //! if MASK
    gradient = select(vec4f(), gradient, x[pixel] > vec4f());
    //! end
    if (p.accumulate != 0u) { gradient += dX[pixel]; }
    dX[pixel] = gradient;
  }
}
