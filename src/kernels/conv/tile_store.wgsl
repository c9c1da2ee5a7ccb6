// The end of a tile: statistics of its rows, and its sums stored. `rowR` is where row R of this invocation is in
// the tile; workgroup memory that is no longer read serves the statistics.
  let rows = min(${TILEROWS}u, p.rows - firstRow);
  //! for q in 0 .. COLUMNS
  let column$q = firstColumn + ${q}u * ${ACROSS}u + across;
  let n$q = min(column$q, p.n4 - 1u);
  //! if BIAS
  let add$q = bias[n$q];
  //! for r in 0 .. ROWS
  acc${r}_$q += add$q;
  //! end
  //! end
  //! end
  //! if STATS
  //! for q in 0 .. COLUMNS
  var sum$q = vec4f();
  //! for r in 0 .. ROWS
  sum$q += select(vec4f(), acc${r}_$q, row$r < rows);
  //! end
  keep(down, ${q}u * ${ACROSS}u + across, sum$q);
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  var mean$q = vec4f();
  for (var i = 0u; i < ${DOWN}u; i++) {
    mean$q += kept(i, ${q}u * ${ACROSS}u + across);
  }
  mean$q /= f32(rows);
  var squares$q = vec4f();
  //! for r in 0 .. ROWS
  let off${r}_$q = select(vec4f(), acc${r}_$q - mean$q, row$r < rows);
  squares$q += off${r}_$q * off${r}_$q;
  //! end
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  keep(down, ${q}u * ${ACROSS}u + across, squares$q);
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  if (down == 0u && column$q < p.n4) {
    squares$q = vec4f();
    for (var i = 0u; i < ${DOWN}u; i++) {
      squares$q += kept(i, ${q}u * ${ACROSS}u + across);
    }
    let at = (p.row0 + tile) * p.n4 * 3u + n$q;
    stats[at] = vec4f(f32(rows));
    stats[at + p.n4] = mean$q;
    stats[at + 2u * p.n4] = squares$q;
  }
  //! end
  //! end

  //! for r in 0 .. ROWS
  if (row$r < rows) {
    let m = firstRow + row$r;
    let toImage = m / (p.outH * p.outW);
    let toY = ((m / p.outW) % p.outH) * p.spread;
    let toX = (m % p.outW) * p.spread;
    let start = ((toImage * p.spreadH + toY) * p.spreadW + toX) * p.n4;
    //! for q in 0 .. COLUMNS
    if (column$q < p.n4) {
      let to = start + n$q;
      var value = acc${r}_$q;
      //! if MASK
      value = select(vec4f(), value, masked[to] > vec4f());
      //! end
      //! if ACTIVATION
      value = activated(value);
      //! end
      //! if ACCUMULATE
      value += out[to];
      //! end
      out[to] = value;
    }
    //! end
  }
  //! end
