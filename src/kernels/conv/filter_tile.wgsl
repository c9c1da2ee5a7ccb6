// The same sum as filter_lanes.wgsl in the portable form: $ACROSS x $DOWN invocations make $TILEROWS
// values of k by $TILECOLUMNS vec4 of columns from workgroup memory, $DEPTH output pixels at a time.
//! include filter

var<workgroup> tileX: array<vec4f, ${DEPTH} * $TILEROWS / 4>;
var<workgroup> tileD: array<vec4f, ${DEPTH} * $TILECOLUMNS>;

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

  //! for r in 0 .. QUADS
  //! for i in 0 .. 4
  //! for q in 0 .. COLUMNS
  var acc${r}_${i}_$q = vec4f();
  //! end
  //! end
  //! end
  let end = min((chunk + 1u) * p.chunk, p.rows);
  for (var turn = chunk * p.chunk; turn < end; turn += ${DEPTH}u) {
    //! for j in 0 .. LOADS
    let slot$j = id + ${j}u * ${INVOCATIONS}u;
    let m$j = min(turn + slot$j / (${TILEROWS}u / 4u), end - 1u);
    //! if POINTWISE
    let at$j = m$j * p.cin;
    let iy$j = 0u;
    let ix$j = 0u;
    //! else
    let at$j = m$j / (p.outH * p.outW) * p.inH * p.inW * p.cin;
    let iy$j = ((m$j / p.outW) % p.outH) * p.stride - p.pad;
    let ix$j = (m$j % p.outW) * p.stride - p.pad;
    //! end
    tileX[slot$j] = load(at$j, iy$j, ix$j, first + (slot$j % (${TILEROWS}u / 4u)) * 4u);
    //! end
    //! for q in 0 .. COLUMNS
    let dSlot$q = id + ${q}u * ${INVOCATIONS}u;
    let dRow$q = turn + dSlot$q / ${TILECOLUMNS}u;
    let dn$q = min(firstColumn + dSlot$q % ${TILECOLUMNS}u, p.n4 - 1u);
    let d$q = dOut[min(dRow$q, end - 1u) * p.n4 + dn$q];
    tileD[dSlot$q] = select(vec4f(), d$q, dRow$q < end);
    //! end
    workgroupBarrier();
    for (var k = 0u; k < ${DEPTH}u; k++) {
      //! for q in 0 .. COLUMNS
      let b$q = tileD[k * ${TILECOLUMNS}u + ${q}u * ${ACROSS}u + across];
      //! end
      //! for r in 0 .. QUADS
      let a$r = tileX[k * (${TILEROWS}u / 4u) + down * ${QUADS}u + ${r}u];
      //! for i in 0 .. 4
      //! for q in 0 .. COLUMNS
      acc${r}_${i}_$q += b$q * a$r[$i];
      //! end
      //! end
      //! end
    }
    workgroupBarrier();
  }

  let to = (p.row0 + chunk) * p.depth;
  //! for q in 0 .. COLUMNS
  let column$q = firstColumn + ${q}u * ${ACROSS}u + across;
  //! for r in 0 .. QUADS
  let k${r}_$q = first + (down * ${QUADS}u + ${r}u) * 4u;
  //! for i in 0 .. 4
  if (column$q < p.n4 && k${r}_$q + ${i}u < p.depth) {
    partial[(to + k${r}_$q + ${i}u) * p.n4 + column$q] = acc${r}_${i}_$q;
  }
  //! end
  //! end
  //! end
}
