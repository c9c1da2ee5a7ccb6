/** Four channels of a pixel, 0 beyond the map and beyond its channels. */
fn load(image: u32, iy: u32, ix: u32, c: u32) -> vec4f {
  if (c >= p.cin) { return vec4f(); }
  var y = iy;
  var column = ix;
  //! if APART
  if (y % p.apart != 0u || column % p.apart != 0u) { return vec4f(); }
  y /= p.apart;
  column /= p.apart;
  //! end
  //! if PAD
  // Unsigned: what lies above or left of the map wraps to a large number.
  if (y >= p.inH || column >= p.inW) { return vec4f(); }
  //! end
  let at = ((image * p.inH + y) * p.inW + column) * p.cin + c;
  //! if FOURS
  var value = x[at / 4u];
  //! if AFFINE
  value = value * affine[c / 4u] + affine[(p.cin + c) / 4u];
  //! end
  //! if RELU
  value = max(value, vec4f());
  //! end
  //! else
  var value = vec4f();
  //! for i in 0 .. 4
  if (c + ${i}u < p.cin) {
    value[$i] = x[at + ${i}u];
    //! if AFFINE
    value[$i] = value[$i] * affine[c + ${i}u] + affine[p.cin + c + ${i}u];
    //! end
    //! if RELU
    value[$i] = max(value[$i], 0.0);
    //! end
  }
  //! end
  //! end
  return value;
}
//! if STATS

// Workgroup memory for the statistics, which nothing else is read from by then.
fn keep(row: u32, column: u32, value: vec4f) {
  //! if MATRIX
  //! for i in 0 .. 4
  half[(row * ${TILECOLUMNS}u + column) * 4u + ${i}u] = value[$i];
  //! end
  //! else
  //! if STAGED
  tileW[row / ${DEPTH}u][row % ${DEPTH}u][column] = value;
  //! else
  tileW[row][column] = value;
  //! end
  //! end
}

fn kept(row: u32, column: u32) -> vec4f {
  //! if MATRIX
  let at = (row * ${TILECOLUMNS}u + column) * 4u;
  return vec4f(half[at], half[at + 1u], half[at + 2u], half[at + 3u]);
  //! else
  //! if STAGED
  return tileW[row / ${DEPTH}u][row % ${DEPTH}u][column];
  //! else
  return tileW[row][column];
  //! end
  //! end
}
//! end
