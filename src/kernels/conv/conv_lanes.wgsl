// out[m, n] (+)= sum over taps and channels of read(x)[pixel(m, tap), c] * w[tap * cin + c, n]
//
// The software drivers' form: a workgroup is one subgroup, without workgroup memory. It makes
// $ROWS rows by LANES * 4 * $COLUMNS columns; a lane holds $COLUMNS vec4 of every row, and in turn
// loads the x of $SETS rows, which it shares by broadcast with a constant lane. All $DEPTH steps of
// a turn are added to one value before the next: values outnumber registers, and so each is moved
// once a turn.
//
// Where GENERAL, one shader serves whatever a network without gradients asks for (product.wgsl's last
// fields): a driver compiles it once for longer than all that it takes at run time.
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
  //! for q in 0 .. COLUMNS
  let column$q = (group.y * ${COLUMNS}u + ${q}u) * ${LANES}u + lane;
  let n$q = min(column$q, p.n4 - 1u);
  //! end

  //! for s in 0 .. SETS
  let m$s = min(firstRow + ${s}u * ${LANES}u + lane, p.rows - 1u);
  let image$s = m$s / (p.outH * p.outW);
  let y$s = (m$s / p.outW) % p.outH;
  let x$s = m$s % p.outW;
  //! end

  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  //! for q in 0 .. COLUMNS
  var acc${s}_${l}_$q = vec4f();
  //! end
  //! end
  //! end

  var wi = 0u;
  for (var ky = 0u; ky < p.kh; ky++) {
    for (var kx = 0u; kx < p.kw; kx++) {
      //! for s in 0 .. SETS
      var iy$s = y$s * p.stride + ky - p.pad;
      var ix$s = x$s * p.stride + kx - p.pad;
      //! if PAD
      //! if APART
      let there$s = iy$s % p.apart == 0u && ix$s % p.apart == 0u;
      iy$s /= p.apart;
      ix$s /= p.apart;
      //! else
      let there$s = true;
      //! end
      // Unsigned: what lies above or left of the map wraps to a large number.
      let live$s = select(0.0, 1.0, there$s && iy$s < p.inH && ix$s < p.inW);
      var at$s = ((image$s * p.inH + min(iy$s, p.inH - 1u)) * p.inW + min(ix$s, p.inW - 1u)) * p.cin;
      //! else
      var at$s = ((image$s * p.inH + iy$s) * p.inW + ix$s) * p.cin;
      //! end
      //! end
      for (var c = 0u; c < p.cin; c += ${DEPTH}u) {
        //! for k in 0 .. DEPTH
        //! for q in 0 .. COLUMNS
        let b${k}_$q = w[wi + n$q];
        //! end
        wi += p.n4;
        //! for s in 0 .. SETS
        var a${k}_$s = x[at$s + c + ${k}u];
        //! end
        //! if AFFINE
        let scale$k = affine[c + ${k}u];
        let shift$k = affine[p.cin + c + ${k}u];
        //! for s in 0 .. SETS
        a${k}_$s = a${k}_$s * scale$k + shift$k;
        //! end
        //! end
        //! if RELU
        //! for s in 0 .. SETS
        a${k}_$s = max(a${k}_$s, 0.0);
        //! end
        //! end
        //! if GENERAL
        //! for s in 0 .. SETS
        a${k}_$s = max(a${k}_$s, p.least);
        //! end
        //! end
        //! if PAD
        //! for s in 0 .. SETS
        a${k}_$s = a${k}_$s * live$s;
        //! end
        //! end
        //! end
        //! for s in 0 .. SETS
        //! for l in 0 .. LANES
        //! for q in 0 .. COLUMNS
        //! for k in 0 .. DEPTH
        acc${s}_${l}_$q += b${k}_$q * subgroupBroadcast(a${k}_$s, ${l}u);
        //! end
        //! end
        //! end
        //! end
      }
    }
  }

  let rows = min(${ROWS}u, p.rows - firstRow);
  //! for q in 0 .. COLUMNS
  {
    let inside = column$q < p.n4;
    //! if BIAS
    //! if GENERAL
    let add = select(vec4f(), bias[n$q], p.biased != 0u);
    //! else
    let add = bias[n$q];
    //! end
    //! for s in 0 .. SETS
    //! for l in 0 .. LANES
    acc${s}_${l}_$q += add;
    //! end
    //! end
    //! end
    //! if STATS
    // Count, mean and sum of squared deviations of this tile's rows: merged later without the
    // cancellation of E[x^2] - E[x]^2.
    var sum = vec4f();
    //! for s in 0 .. SETS
    //! for l in 0 .. LANES
    sum += select(vec4f(), acc${s}_${l}_$q, ${s}u * ${LANES}u + ${l}u < rows);
    //! end
    //! end
    let mean = sum / f32(rows);
    var squares = vec4f();
    //! for s in 0 .. SETS
    //! for l in 0 .. LANES
    let off${s}_$l = select(vec4f(), acc${s}_${l}_$q - mean, ${s}u * ${LANES}u + ${l}u < rows);
    squares += off${s}_$l * off${s}_$l;
    //! end
    //! end
    if (inside) {
      let row = (p.row0 + tile) * p.n4 * 3u + n$q;
      stats[row] = vec4f(f32(rows));
      stats[row + p.n4] = mean;
      stats[row + 2u * p.n4] = squares;
    }
    //! end
  }
  //! end

  //! for s in 0 .. SETS
  let to$s = ((image$s * p.spreadH + y$s * p.spread) * p.spreadW + x$s * p.spread) * p.n4;
  //! for l in 0 .. LANES
  {
    let start = subgroupBroadcast(to$s, ${l}u);
    let live = ${s}u * ${LANES}u + ${l}u < rows;
    //! for q in 0 .. COLUMNS
    if (live && column$q < p.n4) {
      let to = start + n$q;
      var value = acc${s}_${l}_$q;
      //! if MASK
      value = select(vec4f(), value, masked[to] > vec4f());
      //! end
      //! if ACTIVATION
      value = activated(value);
      //! end
      //! if GENERAL
      value = clamp(max(value, value * p.slope), vec4f(p.low), vec4f(p.high));
      //! end
      //! if ACCUMULATE
      value += out[to];
      //! end
      out[to] = value;
    }
    //! end
  }
  //! end
  //! end
}
