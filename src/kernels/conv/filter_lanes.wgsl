// partial[chunk, k, n] = sum over the chunk's output pixels m of
//     read(x)[pixel(m, tap), c] * dOut[m, n],  k = tap * cin + c
//
// The software drivers' form of the filter gradient (see conv_lanes.wgsl): one subgroup makes
// $ROWS values of k by LANES * 4 * $COLUMNS columns, $DEPTH pixels a turn; both operands are loaded
// across lanes, and the x of each k is shared by broadcast.
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
  //! for q in 0 .. COLUMNS
  let column$q = (group.y * ${COLUMNS}u + ${q}u) * ${LANES}u + lane;
  let n$q = min(column$q, p.n4 - 1u);
  //! end

  // Lane l holds k = first + l, first + l + LANES, ... in turn, each at its offset from the pixel.
  let first = (work % p.depthTiles) * ${ROWS}u;
  //! for s in 0 .. SETS
  let k$s = min(first + ${s}u * ${LANES}u + lane, p.depth - 1u);
  let tap$s = k$s / p.cin;
  let ky$s = tap$s / p.kw - p.pad;
  let kx$s = tap$s % p.kw - p.pad;
  // Unsigned: what lies above or left of the pixel wraps, and comes back with the pixel's place.
  let at$s = (ky$s * p.inW + kx$s) * p.cin + k$s % p.cin;
  //! if AFFINE
  let scale$s = affine[k$s % p.cin];
  let shift$s = affine[p.cin + k$s % p.cin];
  //! end
  //! for l in 0 .. LANES
  //! for q in 0 .. COLUMNS
  var acc${s}_${l}_$q = vec4f();
  //! end
  //! end
  //! end

  // Where the pixel is, moved on rather than worked out for each: divisions are slow here.
  let begin = chunk * p.chunk;
  let end = min(begin + p.chunk, p.rows);
  var ox = begin % p.outW;
  var oy = (begin / p.outW) % p.outH;
  var at = ((begin / (p.outH * p.outW) * p.inH + oy * p.stride) * p.inW + ox * p.stride) * p.cin;
  let step = p.stride * p.cin;
  let rowStep = (p.inW - p.outW) * step;
  let imageStep = (p.inH - p.outH * p.stride) * p.inW * p.cin;
  for (var m = begin; m < end; m += ${DEPTH}u) {
    //! for d in 0 .. DEPTH
    let row$d = min(m + ${d}u, end - 1u) * p.n4;
    let live$d = m + ${d}u < end;
    //! for q in 0 .. COLUMNS
    let d${d}_$q = select(vec4f(), dOut[row$d + n$q], live$d);
    //! end
    //! for s in 0 .. SETS
    //! if PAD
    let inside${d}_$s = oy * p.stride + ky$s < p.inH && ox * p.stride + kx$s < p.inW;
    var a${d}_$s = x[select(0u, at + at$s, inside${d}_$s)];
    //! else
    var a${d}_$s = x[at + at$s];
    //! end
    //! if AFFINE
    a${d}_$s = a${d}_$s * scale$s + shift$s;
    //! end
    //! if RELU
    a${d}_$s = max(a${d}_$s, 0.0);
    //! end
    //! if PAD
    a${d}_$s = select(0.0, a${d}_$s, inside${d}_$s);
    //! end
    //! end
    // The next pixel, as long as there is one.
    let more$d = m + ${d}u + 1u < end;
    ox += u32(more$d);
    at += select(0u, step, more$d);
    let newRow$d = ox == p.outW;
    ox = select(ox, 0u, newRow$d);
    oy += u32(newRow$d);
    at += select(0u, rowStep, newRow$d);
    let newImage$d = oy == p.outH;
    oy = select(oy, 0u, newImage$d);
    at += select(0u, imageStep, newImage$d);
    //! end
    //! for s in 0 .. SETS
    //! for l in 0 .. LANES
    //! for q in 0 .. COLUMNS
    //! for d in 0 .. DEPTH
    acc${s}_${l}_$q += d${d}_$q * subgroupBroadcast(a${d}_$s, ${l}u);
    //! end
    //! end
    //! end
    //! end
  }

  let to = (p.row0 + chunk) * p.depth;
  //! for s in 0 .. SETS
  //! for l in 0 .. LANES
  //! for q in 0 .. COLUMNS
  if (column$q < p.n4 && first + ${s}u * ${LANES}u + ${l}u < p.depth) {
    partial[(to + first + ${s}u * ${LANES}u + ${l}u) * p.n4 + n$q] = acc${s}_${l}_$q;
  }
  //! end
  //! end
  //! end
}
