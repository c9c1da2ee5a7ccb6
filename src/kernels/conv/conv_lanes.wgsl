// out[m, n] (+)= sum over taps and channels of read(x)[pixel(m, tap), c] * w[tap * cin + c, n]
//
// The software drivers' form: a workgroup is one subgroup, without workgroup memory. It makes
// $ROWS rows by LANES * 4 columns; a lane holds four neighbouring columns of every row, and in
// turn loads the x of $SETS rows, which it shares by broadcast with a constant lane.
enable subgroups;

//! include product

@compute @workgroup_size($LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = group.x + group.z * groups.x;
  if (tile >= p.tiles) { return; }
  let firstRow = tile * ${ROWS}u;
  let column = group.y * ${LANES}u + lane;
  let inside = column < p.n4;
  let n = min(column, p.n4 - 1u);

  //! for s in 0 .. SETS
  let m$s = min(firstRow + ${s}u * ${LANES}u + lane, p.rows - 1u);
  let image$s = m$s / (p.outH * p.outW);
  let y$s = (m$s / p.outW) % p.outH;
  let x$s = m$s % p.outW;
  //! end

  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  var acc${s}_$l = vec4f();
  //! end
  //! end

  var wi = n;
  for (var ky = 0u; ky < p.kh; ky++) {
    for (var kx = 0u; kx < p.kw; kx++) {
      //! for s in 0 .. SETS
      let iy$s = y$s * p.stride + ky - p.pad;
      let ix$s = x$s * p.stride + kx - p.pad;
      //! if PAD
      // Unsigned: what lies above or left of the map wraps to a large number.
      let live$s = select(0.0, 1.0, iy$s < p.inH && ix$s < p.inW);
      var at$s = ((image$s * p.inH + min(iy$s, p.inH - 1u)) * p.inW + min(ix$s, p.inW - 1u)) * p.cin;
      //! else
      var at$s = ((image$s * p.inH + iy$s) * p.inW + ix$s) * p.cin;
      //! end
      //! end
      for (var c = 0u; c < p.cin; c++) {
        let b = w[wi];
        wi += p.n4;
        //! for s in 0 .. SETS
        var a$s = x[at$s + c];
        //! end
        //! if AFFINE
        let scale = affine[c];
        let shift = affine[p.cin + c];
        //! for s in 0 .. SETS
        a$s = a$s * scale + shift;
        //! end
        //! end
        //! if RELU
        //! for s in 0 .. SETS
        a$s = max(a$s, 0.0);
        //! end
        //! end
        //! if PAD
        //! for s in 0 .. SETS
        a$s = a$s * live$s;
        //! end
        //! end
        //! for s in 0 .. SETS
        //! for l in 0 .. LANES
        acc${s}_$l += b * subgroupBroadcast(a$s, ${l}u);
        //! end
        //! end
      }
    }
  }

  let rows = min(${ROWS}u, p.rows - firstRow);
  //! if BIAS
  let add = bias[n];
  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  acc${s}_$l += add;
  //! end
  //! end
  //! end
  //! if STATS
  // Count, mean and sum of squared deviations of this tile's rows: merged later without the
  // cancellation of E[x^2] - E[x]^2.
  var sum = vec4f();
  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  sum += select(vec4f(), acc${s}_$l, ${s}u * ${LANES}u + ${l}u < rows);
  //! end
  //! end
  let mean = sum / f32(rows);
  var squares = vec4f();
  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  let off${s}_$l = select(vec4f(), acc${s}_$l - mean, ${s}u * ${LANES}u + ${l}u < rows);
  squares += off${s}_$l * off${s}_$l;
  //! end
  //! end
  if (inside) {
    let row = (p.row0 + tile) * p.n4 * 3u + n;
    stats[row] = vec4f(f32(rows));
    stats[row + p.n4] = mean;
    stats[row + 2u * p.n4] = squares;
  }
  //! end

  //! for s in 0 .. SETS
  let to$s = ((image$s * p.spreadH + y$s * p.spread) * p.spreadW + x$s * p.spread) * p.n4;
  //! for l in 0 .. LANES
  let to${s}_$l = subgroupBroadcast(to$s, ${l}u) + n;
  if (inside && ${s}u * ${LANES}u + ${l}u < rows) {
    var value = acc${s}_$l;
    //! if MASK
    value = select(vec4f(), value, masked[to${s}_$l] > vec4f());
    //! end
    if (p.accumulate != 0u) { value += out[to${s}_$l]; }
    out[to${s}_$l] = value;
  }
  //! end
  //! end
}
