// partial[chunk, k, n] = sum over the chunk's output pixels m of
//     read(x)[pixel(m, tap), c] * dOut[m, n],  k = tap * cin + c
//
// The software drivers' form of the filter gradient (see conv_lanes.wgsl): one subgroup makes
// LANES * 4 values of k by LANES * 4 columns; both operands are loaded across lanes, and the x of
// each k is shared by broadcast.
enable subgroups;

//! include filter

@compute @workgroup_size($LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + group.z * groups.x;
  if (work >= p.chunks * p.depthTiles) { return; }
  let chunk = work / p.depthTiles;
  let column = group.y * ${LANES}u + lane;
  let n = min(column, p.n4 - 1u);

  // Lane l holds k = first + l, first + l + LANES, ... in turn, each at its offset from the pixel.
  let first = (work % p.depthTiles) * ${LANES}u * 4u;
  //! for s in 0 .. 4
  let k$s = min(first + ${s}u * ${LANES}u + lane, p.depth - 1u);
  let tap$s = k$s / p.cin;
  let at$s = ((tap$s / p.kw) * p.inW + tap$s % p.kw) * p.cin + k$s % p.cin;
  //! if AFFINE
  let scale$s = affine[k$s % p.cin];
  let shift$s = affine[p.cin + k$s % p.cin];
  //! end
  //! for l in 0 .. LANES
  var acc${s}_$l = vec4f();
  //! end
  //! end

  let end = min((chunk + 1u) * p.chunk, p.rows);
  for (var m = chunk * p.chunk; m < end; m++) {
    let d = dOut[m * p.n4 + n];
    //! if POINTWISE
    let at = m * p.cin;
    //! else
    let image = m / (p.outH * p.outW);
    let iy = ((m / p.outW) % p.outH) * p.stride;
    let ix = (m % p.outW) * p.stride;
    let at = ((image * p.inH + iy) * p.inW + ix) * p.cin;
    //! end
    //! for s in 0 .. 4
    var a$s = x[at + at$s];
    //! if AFFINE
    a$s = a$s * scale$s + shift$s;
    //! end
    //! if RELU
    a$s = max(a$s, 0.0);
    //! end
    //! end
    //! for s in 0 .. 4
    //! for l in 0 .. LANES
    acc${s}_$l += d * subgroupBroadcast(a$s, ${l}u);
    //! end
    //! end
  }

  if (column < p.n4) {
    let to = (p.row0 + chunk) * p.depth;
    //! for s in 0 .. 4
    //! for l in 0 .. LANES
    if (first + ${s}u * ${LANES}u + ${l}u < p.depth) {
      partial[(to + first + ${s}u * ${LANES}u + ${l}u) * p.n4 + n] = acc${s}_$l;
    }
    //! end
    //! end
  }
}
