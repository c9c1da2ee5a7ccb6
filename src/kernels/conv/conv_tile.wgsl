// The same sum as conv_lanes.wgsl in the portable form: $ACROSS x $DOWN invocations make $TILEROWS
// rows by $TILECOLUMNS vec4 of columns from workgroup memory, $ROWS x $COLUMNS vec4 each. For GPUs,
// for adapters without a fixed subgroup size, and the oracle of the other form.
//! include product

var<workgroup> tileX: array<f32, ${DEPTH} * $STRIDE>;
var<workgroup> tileW: array<array<vec4f, $TILECOLUMNS>, $DEPTH>;

//! include tile_load

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
  //! for r in 0 .. ROWS
  let row$r = down * ${ROWS}u + ${r}u;
  //! end

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
        tileW[wSlot$q / ${TILECOLUMNS}u][wSlot$q % ${TILECOLUMNS}u] = select(vec4f(), w$q, wc$q < p.cin);
        //! end
        workgroupBarrier();
        for (var k = 0u; k < ${DEPTH}u; k++) {
          //! for q in 0 .. COLUMNS
          let b$q = tileW[k][${q}u * ${ACROSS}u + across];
          //! end
          //! for r in 0 .. ROWS
          let a$r = tileX[k * ${STRIDE}u + row$r];
          //! for q in 0 .. COLUMNS
          acc${r}_$q += b$q * a$r;
          //! end
          //! end
        }
        workgroupBarrier();
      }
    }
  }

  //! include tile_store
}
