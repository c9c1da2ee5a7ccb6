// The same sum as filter_tile.wgsl for GPUs, with two of each tile as conv_staged.wgsl has them.
//! include filter

var<workgroup> tileX: array<array<array<vec4f, $TILEROWS4>, $DEPTH>, 2>;
var<workgroup> tileD: array<array<array<vec4f, $TILECOLUMNS>, $DEPTH>, 2>;

//! include filter_load

@compute @workgroup_size($INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let work = group.x + group.z * groups.x;
  if (work >= p.chunks * p.depthTiles) { return; }
  let chunk = work / p.depthTiles;
  let first = (work % p.depthTiles) * ${TILEROWS}u;
  let firstColumn = group.y * ${TILECOLUMNS}u;
  let across = id % ${ACROSS}u;
  let down = id / ${ACROSS}u;

  // What this invocation loads: four values of k of a pixel, $LOADS times, and $LOADSW vec4 of dOut.
  //! for j in 0 .. LOADS
  let slot$j = id + ${j}u * ${INVOCATIONS}u;
  let xRow$j = slot$j / ${TILEROWS4}u;
  let xK$j = slot$j % ${TILEROWS4}u;
  var x$j = vec4f();
  //! end
  //! for q in 0 .. LOADSW
  let dSlot$q = id + ${q}u * ${INVOCATIONS}u;
  let dRow$q = dSlot$q / ${TILECOLUMNS}u;
  let dColumn$q = dSlot$q % ${TILECOLUMNS}u;
  let dn$q = min(firstColumn + dColumn$q, p.n4 - 1u);
  var d$q = vec4f();
  //! end

  //! for r in 0 .. FOURTHS
  //! for i in 0 .. 4
  //! for q in 0 .. COLUMNS
  var acc${r}_${i}_$q = vec4f();
  //! end
  //! end
  //! end
  let begin = chunk * p.chunk;
  let end = min(begin + p.chunk, p.rows);
  let turns = (end - min(begin, end) + ${DEPTH}u - 1u) / ${DEPTH}u;
  for (var turn = 0u; turn <= turns; turn++) {
    if (turn < turns) {
      let pixel = begin + turn * ${DEPTH}u;
      //! for j in 0 .. LOADS
      {
        let m = min(pixel + xRow$j, end - 1u);
        //! if POINTWISE
        x$j = load(m * p.cin, 0u, 0u, first + xK$j * 4u);
        //! else
        x$j = load(
          m / (p.outH * p.outW) * p.inH * p.inW * p.cin,
          ((m / p.outW) % p.outH) * p.stride - p.pad,
          (m % p.outW) * p.stride - p.pad,
          first + xK$j * 4u,
        );
        //! end
      }
      //! end
      //! for q in 0 .. LOADSW
      d$q = select(
        vec4f(),
        dOut[min(pixel + dRow$q, end - 1u) * p.n4 + dn$q],
        pixel + dRow$q < end,
      );
      //! end
    }
    if (turn > 0u) {
      let stage = (turn - 1u) % 2u;
      for (var k = 0u; k < ${DEPTH}u; k++) {
        //! for q in 0 .. COLUMNS
        let b$q = tileD[stage][k][${q}u * ${ACROSS}u + across];
        //! end
        //! for r in 0 .. FOURTHS
        let a$r = tileX[stage][k][${r}u * ${DOWN}u + down];
        //! for i in 0 .. 4
        //! for q in 0 .. COLUMNS
        acc${r}_${i}_$q += b$q * a$r[$i];
        //! end
        //! end
        //! end
      }
    }
    if (turn < turns) {
      let stage = turn % 2u;
      //! for j in 0 .. LOADS
      tileX[stage][xRow$j][xK$j] = x$j;
      //! end
      //! for q in 0 .. LOADSW
      if (dRow$q < ${DEPTH}u) { tileD[stage][dRow$q][dColumn$q] = d$q; }
      //! end
    }
    workgroupBarrier();
  }

  let to = (p.row0 + chunk) * p.depth;
  //! for q in 0 .. COLUMNS
  let column$q = firstColumn + ${q}u * ${ACROSS}u + across;
  //! for r in 0 .. FOURTHS
  let k${r}_$q = first + (${r}u * ${DOWN}u + down) * 4u;
  //! for i in 0 .. 4
  if (column$q < p.n4 && k${r}_$q + ${i}u < p.depth) {
    partial[(to + k${r}_$q + ${i}u) * p.n4 + column$q] = acc${r}_${i}_$q;
  }
  //! end
  //! end
  //! end
}
