// The weight's gradient of the strided depthwise convolution:
//   partial[row][ky * 3 + kx, c] = sum over a strip of output rows of one image of
//     read(x)[y * stride + ky - pad, x * stride + kx - pad, c] * dOut[y, x, c]
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, outW: u32, stride: u32, pad: u32, dC4: u32, at: u32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  //! for ky in 0 .. 3
  //! for kx in 0 .. 3
  var sum${ky}_$kx = vec4f();
  //! end
  //! end
  for (var y = firstRow; y < endRow; y++) {
    for (var column = 0u; column < p.outW; column++) {
      let d = dOut[((image * p.rows + y) * p.outW + column) * p.dC4 + p.at + c];
      // Unsigned: what lies above the map, or left of it, wraps to a large number.
      //! for kx in 0 .. 3
      let ix$kx = column * p.stride + ${kx}u - p.pad;
      //! end
      //! for ky in 0 .. 3
      let iy$ky = y * p.stride + ${ky}u - p.pad;
      if (iy$ky < p.inH) {
        let row = (image * p.inH + iy$ky) * p.inW;
        //! for kx in 0 .. 3
        if (ix$kx < p.inW) {
          var value = x[(row + ix$kx) * p.c4 + c];
          //! if AFFINE
          value = value * scale + shift;
          //! end
          //! if RELU
          value = max(value, vec4f());
          //! end
          sum${ky}_$kx += value * d;
        }
        //! end
      }
      //! end
    }
  }
  let to = (p.row0 + image * p.strips + part) * 9u * p.dC4 + p.at + c;
  //! for ky in 0 .. 3
  //! for kx in 0 .. 3
  partial[to + (${ky}u * 3u + ${kx}u) * p.dC4] = sum${ky}_$kx;
  //! end
  //! end
}
