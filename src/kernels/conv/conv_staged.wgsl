// The same sum as conv_tile.wgsl for GPUs, with less between the multiply-adds. Tiles are vec4 both
// ways: an invocation reads four steps of k of a row at once, and its rows are $DOWN apart, so that
// neighbours read neighbouring rows. There are two of each tile: what the next turn needs is loaded
// before this one's arithmetic, and stored behind it, so that one barrier a turn is enough.
//! include product

var<workgroup> tileX: array<array<array<vec4f, $QUADS>, $TILEROWS>, 2>;
var<workgroup> tileW: array<array<array<vec4f, $TILECOLUMNS>, $DEPTH>, 2>;

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
  let row$r = down + ${r}u * ${DOWN}u;
  //! end

  // What this invocation loads: four channels of a row, $LOADS times, and $LOADSW vec4 of columns.
  //! for j in 0 .. LOADS
  let slot$j = id + ${j}u * ${INVOCATIONS}u;
  let loadRow$j = slot$j / ${QUADS}u;
  let loadC$j = slot$j % ${QUADS}u;
  let m$j = min(firstRow + loadRow$j, p.rows - 1u);
  let image$j = m$j / (p.outH * p.outW);
  let oy$j = (m$j / p.outW) % p.outH;
  let ox$j = m$j % p.outW;
  var x$j = vec4f();
  //! end
  //! for q in 0 .. LOADSW
  let wSlot$q = id + ${q}u * ${INVOCATIONS}u;
  let wRow$q = wSlot$q / ${TILECOLUMNS}u;
  let wColumn$q = wSlot$q % ${TILECOLUMNS}u;
  let wn$q = min(firstColumn + wColumn$q, p.n4 - 1u);
  var w$q = vec4f();
  //! end

  //! for r in 0 .. ROWS
  //! for q in 0 .. COLUMNS
  var acc${r}_$q = vec4f();
  //! end
  //! end
  // The turn that is loaded next: its window's place, and its first channel.
  var ky = 0u;
  var kx = 0u;
  var c = 0u;
  let turns = p.kh * p.kw * ((p.cin + ${DEPTH}u - 1u) / ${DEPTH}u);
  for (var turn = 0u; turn <= turns; turn++) {
    if (turn < turns) {
      //! for j in 0 .. LOADS
      x$j = load(
        image$j,
        oy$j * p.stride + ky - p.pad,
        ox$j * p.stride + kx - p.pad,
        c + loadC$j * 4u,
      );
      //! end
      //! for q in 0 .. LOADSW
      let wc$q = c + wRow$q;
      let from$q = ((ky * p.kw + kx) * p.cin + min(wc$q, p.cin - 1u)) * p.n4 + wn$q;
      w$q = select(vec4f(), w[from$q], wc$q < p.cin);
      //! end
      c += ${DEPTH}u;
      if (c >= p.cin) {
        c = 0u;
        kx++;
        if (kx == p.kw) {
          kx = 0u;
          ky++;
        }
      }
    }
    if (turn > 0u) {
      let stage = (turn - 1u) % 2u;
      for (var k = 0u; k < ${QUADS}u; k++) {
        //! for i in 0 .. 4
        //! for q in 0 .. COLUMNS
        let b${i}_$q = tileW[stage][k * 4u + ${i}u][${q}u * ${ACROSS}u + across];
        //! end
        //! end
        //! for r in 0 .. ROWS
        let a$r = tileX[stage][row$r][k];
        //! for q in 0 .. COLUMNS
        //! for i in 0 .. 4
        acc${r}_$q += b${i}_$q * a$r[$i];
        //! end
        //! end
        //! end
      }
    }
    if (turn < turns) {
      let stage = turn % 2u;
      //! for j in 0 .. LOADS
      tileX[stage][loadRow$j][loadC$j] = x$j;
      //! end
      //! for q in 0 .. LOADSW
      if (wRow$q < ${DEPTH}u) { tileW[stage][wRow$q][wColumn$q] = w$q; }
      //! end
    }
    workgroupBarrier();
  }

  //! include tile_store
}
