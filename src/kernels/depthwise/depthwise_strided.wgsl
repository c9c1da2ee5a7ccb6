// 3x3 depthwise convolution at any stride, zeros around; see depthwise.wgsl, which is for stride 1:
//   out[y, x, c] = sum over ky, kx of read(x)[y * stride + ky - pad, x * stride + kx - pad, c] * w[c, ky, kx]
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, stride: u32, pad: u32, outC4: u32, outAt: u32,
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
  let f = (p.outAt + c) * 36u;
  //! for ky in 0 .. 3
  //! for kx in 0 .. 3
  let t${ky}_$kx = f + ${ky}u * 3u + ${kx}u;
  let w${ky}_$kx = vec4f(w[t${ky}_$kx], w[t${ky}_$kx + 9u], w[t${ky}_$kx + 18u], w[t${ky}_$kx + 27u]);
  //! end
  //! end
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  // Unsigned: what lies left of the map, or above it, wraps to a large number.
  let x0 = across * p.stride - p.pad;
  let x1 = x0 + 1u;
  let x2 = x0 + 2u;
  for (var y = firstRow; y < endRow; y++) {
    var sum = vec4f();
    //! if BIAS
    sum = bias[p.outAt + c];
    //! end
    //! for ky in 0 .. 3
    let iy$ky = y * p.stride + ${ky}u - p.pad;
    if (iy$ky < p.inH) {
      let row = (image * p.inH + iy$ky) * p.inW;
      //! for kx in 0 .. 3
      if (x$kx < p.inW) {
        var value = x[(row + x$kx) * p.c4 + c];
        //! if AFFINE
        value = value * scale + shift;
        //! end
        //! if RELU
        value = max(value, vec4f());
        //! end
        sum += value * w${ky}_$kx;
      }
      //! end
    }
    //! end
    //! if ACTIVATION
    sum = activated(sum);
    //! end
    out[((image * p.rows + y) * p.across + across) * p.outC4 + p.outAt + c] = sum;
  }
}
