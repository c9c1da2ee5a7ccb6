// The same sum as conv_lanes.wgsl in the portable form: $ACROSS x $DOWN invocations make $TILEROWS
// rows by $TILECOLUMNS vec4 of columns from workgroup memory, $ROWS x $COLUMNS vec4 each. For GPUs,
// for adapters without a fixed subgroup size, and the oracle of the other form.
//! include product

var<workgroup> tileX: array<f32, ${DEPTH} * $STRIDE>;
var<workgroup> tileW: array<vec4f, ${DEPTH} * $TILECOLUMNS>;

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

@compute @workgroup_size($INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let tile = group.x + group.z * groups.x;
  if (tile >= p.tiles) { return; }
  let firstRow = tile * ${TILEROWS}u;
  let firstColumn = group.y * ${TILECOLUMNS}u;
  let across = id % ${ACROSS}u;
  let down = id / ${ACROSS}u;

  // What this invocation loads of x: four channels of a row, $LOADS times.
  //! for j in 0 .. LOADS
  let slot$j = id + ${j}u * ${INVOCATIONS}u;
  let loadRow$j = slot$j / (${DEPTH}u / 4u);
  let loadC$j = (slot$j % (${DEPTH}u / 4u)) * 4u;
  let m$j = min(firstRow + loadRow$j, p.rows - 1u);
  let image$j = m$j / (p.outH * p.outW);
  let oy$j = (m$j / p.outW) % p.outH;
  let ox$j = m$j % p.outW;
  //! end

  //! for r in 0 .. ROWS
  //! for q in 0 .. COLUMNS
  var acc${r}_$q = vec4f();
  //! end
  //! end
  for (var ky = 0u; ky < p.kh; ky++) {
    for (var kx = 0u; kx < p.kw; kx++) {
      let tap = ky * p.kw + kx;
      for (var c = 0u; c < p.cin; c += ${DEPTH}u) {
        //! for j in 0 .. LOADS
        let value$j = load(
          image$j,
          oy$j * p.stride + ky - p.pad,
          ox$j * p.stride + kx - p.pad,
          c + loadC$j,
        );
        //! for i in 0 .. 4
        tileX[(loadC$j + ${i}u) * ${STRIDE}u + loadRow$j] = value$j[$i];
        //! end
        //! end
        //! for q in 0 .. COLUMNS
        let wSlot$q = id + ${q}u * ${INVOCATIONS}u;
        let wc$q = c + wSlot$q / ${TILECOLUMNS}u;
        let wn$q = min(firstColumn + wSlot$q % ${TILECOLUMNS}u, p.n4 - 1u);
        let w$q = w[(tap * p.cin + min(wc$q, p.cin - 1u)) * p.n4 + wn$q];
        tileW[wSlot$q] = select(vec4f(), w$q, wc$q < p.cin);
        //! end
        workgroupBarrier();
        for (var k = 0u; k < ${DEPTH}u; k++) {
          //! for q in 0 .. COLUMNS
          let b$q = tileW[k * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across];
          //! end
          //! for r in 0 .. ROWS
          let a$r = tileX[k * ${STRIDE}u + down * ${ROWS}u + ${r}u];
          //! for q in 0 .. COLUMNS
          acc${r}_$q += b$q * a$r;
          //! end
          //! end
        }
        workgroupBarrier();
      }
    }
  }

  let rows = min(${TILEROWS}u, p.rows - firstRow);
  let row = down * ${ROWS}u;
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
  sum$q += select(vec4f(), acc${r}_$q, row + ${r}u < rows);
  //! end
  tileW[down * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across] = sum$q;
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  var mean$q = vec4f();
  for (var i = 0u; i < ${DOWN}u; i++) {
    mean$q += tileW[i * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across];
  }
  mean$q /= f32(rows);
  var squares$q = vec4f();
  //! for r in 0 .. ROWS
  let off${r}_$q = select(vec4f(), acc${r}_$q - mean$q, row + ${r}u < rows);
  squares$q += off${r}_$q * off${r}_$q;
  //! end
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  tileW[down * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across] = squares$q;
  //! end
  workgroupBarrier();
  //! for q in 0 .. COLUMNS
  if (down == 0u && column$q < p.n4) {
    squares$q = vec4f();
    for (var i = 0u; i < ${DOWN}u; i++) {
      squares$q += tileW[i * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across];
    }
    let at = (p.row0 + tile) * p.n4 * 3u + n$q;
    stats[at] = vec4f(f32(rows));
    stats[at + p.n4] = mean$q;
    stats[at + 2u * p.n4] = squares$q;
  }
  //! end
  //! end

  //! for r in 0 .. ROWS
  if (row + ${r}u < rows) {
    let m = firstRow + row + ${r}u;
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
}
