// Both gradients of the 3x3 depthwise convolution, which read the same nine dOut around a pixel:
//   dX[y, x, c] (+)= sum over ky, kx of w[c, ky, kx] * dOut[y + 1 - ky, x + 1 - kx, c]
//   partial[row][ky * 3 + kx, c] = sum over a strip of rows of one image of
//     read(x)[y, x, c] * dOut[y + 1 - ky, x + 1 - kx, c]
// With SUMS, where x is read through a batch norm and dX is complete, the partial rows go on with what
// its backward takes, as batch_norm/backward_sums.wgsl: the sums of g and of g times the normalised x.
//
// An invocation goes along `piece` columns of each row, and keeps the window of dOut and the nine sums
// of four channels. dOut may be wider than x, whose channels begin at its `at`.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, width: u32,
  piece: u32, dC4: u32, at: u32, row0: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
//! if NEEDX
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
//! end
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<vec4f>;
//! end
//! if DX
@group(0) @binding(4) var<storage, read> w: array<f32>;
@group(0) @binding(5) var<storage, read_write> dX: array<vec4f>;
//! end
//! if DW
@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;
//! end
//! if SUMS
@group(0) @binding(7) var<storage, read> saved: array<vec4f>;
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let height = p.rows;
  let width = p.width;
  let firstColumn = across * p.piece;
  let endColumn = min(firstColumn + p.piece, width);
  //! if DX
  let accumulate = p.accumulate != 0u;
  let f = (p.at + c) * 36u;
  //! for t in 0 .. 9
  let w$t = vec4f(w[f + ${t}u], w[f + 9u + ${t}u], w[f + 18u + ${t}u], w[f + 27u + ${t}u]);
  //! end
  //! end
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  //! if DW
  //! for t in 0 .. 9
  var sum$t = vec4f();
  //! end
  //! end
  //! if SUMS
  let mean = saved[c];
  var gradientSum = vec4f();
  var gradientDot = vec4f();
  //! end

  for (var y = firstRow; y < endRow; y++) {
    // dOut's rows above, here and below; one outside counts 0, and in its place this one is loaded.
    let row = image * height + y;
    let liveAbove = select(0.0, 1.0, y > 0u);
    let liveBelow = select(0.0, 1.0, y + 1u < height);
    let here = row * width * p.dC4 + p.at + c;
    let above = here - select(0u, width * p.dC4, y > 0u);
    let below = here + select(0u, width * p.dC4, y + 1u < height);
    var pixel = (row * width + firstColumn) * p.c4 + c;
    // The columns l(eft) of the pixel, m(iddle) and r(ight) in dOut's rows 0, 1 and 2.
    //! for k in 0 .. 3
    var l$k = vec4f();
    var m$k = vec4f();
    //! end
    for (var column = max(firstColumn, 1u) - 1u; column <= endColumn; column++) {
      var r0 = vec4f();
      var r1 = vec4f();
      var r2 = vec4f();
      if (column < width) {
        r0 = dOut[above + column * p.dC4] * liveAbove;
        r1 = dOut[here + column * p.dC4];
        r2 = dOut[below + column * p.dC4] * liveBelow;
      }
      // The window is that of the column before.
      if (column > firstColumn) {
        //! if NEEDX
        var value = x[pixel];
        //! end
        //! if DX
        var gradient = r2 * w0 + m2 * w1 + l2 * w2
          + r1 * w3 + m1 * w4 + l1 * w5
          + r0 * w6 + m0 * w7 + l0 * w8;
        //! if MASK
        gradient = select(vec4f(), gradient, value > vec4f());
        //! end
        if (accumulate) { gradient += dX[pixel]; }
        dX[pixel] = gradient;
        //! end
        //! if SUMS
        let centred = value - mean;
        //! end
        //! if AFFINE
        value = value * scale + shift;
        //! end
        //! if SUMS
        //! if RELU
        gradient = select(vec4f(), gradient, value > vec4f());
        //! end
        gradientSum += gradient;
        gradientDot += gradient * centred;
        //! end
        //! if DW
        //! if RELU
        value = max(value, vec4f());
        //! end
        sum0 += value * r2;
        sum1 += value * m2;
        sum2 += value * l2;
        sum3 += value * r1;
        sum4 += value * m1;
        sum5 += value * l1;
        sum6 += value * r0;
        sum7 += value * m0;
        sum8 += value * l0;
        //! end
        pixel += p.c4;
      }
      //! for k in 0 .. 3
      l$k = m$k;
      m$k = r$k;
      //! end
    }
  }
  //! if DW
  let to = (p.row0 + (image * p.strips + part) * p.across + across) * ${TERMS}u * p.dC4 + p.at + c;
  //! for t in 0 .. 9
  partial[to + ${t}u * p.dC4] = sum$t;
  //! end
  //! if SUMS
  partial[to + 9u * p.dC4] = gradientSum;
  partial[to + 10u * p.dC4] = gradientDot * saved[p.c4 + c];
  //! end
  //! end
}
