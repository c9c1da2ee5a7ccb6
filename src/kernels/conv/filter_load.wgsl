/** x at four values of k from the pixel (iy, ix), which may lie outside, of the image at `at`. */
fn load(at: u32, iy: u32, ix: u32, first: u32) -> vec4f {
  //! if FOURS
  let k = min(first, p.depth - 4u);
  let tap = k / p.cin;
  let c = k % p.cin;
  let y = iy + tap / p.kw;
  let column = ix + tap % p.kw;
  //! if PAD
  if (y >= p.inH || column >= p.inW) { return vec4f(); }
  //! end
  var value = x[(at + (y * p.inW + column) * p.cin + c) / 4u];
  //! if AFFINE
  value = value * affine[c / 4u] + affine[(p.cin + c) / 4u];
  //! end
  //! if RELU
  value = max(value, vec4f());
  //! end
  //! else
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let k = min(first + i, p.depth - 1u);
    let tap = k / p.cin;
    let c = k % p.cin;
    let y = iy + tap / p.kw;
    let column = ix + tap % p.kw;
    //! if PAD
    if (y >= p.inH || column >= p.inW) { continue; }
    //! end
    value[i] = x[at + (y * p.inW + column) * p.cin + c];
    //! if AFFINE
    value[i] = value[i] * affine[c] + affine[p.cin + c];
    //! end
    //! if RELU
    value[i] = max(value[i], 0.0);
    //! end
  }
  //! end
  return value;
}
