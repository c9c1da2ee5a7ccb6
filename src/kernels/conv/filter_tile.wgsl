// The same sum as filter_lanes.wgsl in the portable form: 8 x 8 invocations make 32 values of k by
// 32 columns from workgroup memory, eight output pixels at a time.
//! include filter

var<workgroup> tileX: array<f32, 256>;
var<workgroup> tileD: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let work = group.x + group.z * groups.x;
  if (work >= p.chunks * p.depthTiles) { return; }
  let chunk = work / p.depthTiles;
  let column = group.y * 8u + id % 8u;
  let n = min(column, p.n4 - 1u);
  let first = (work % p.depthTiles) * 32u;

  var acc: array<vec4f, 4>;
  let end = min((chunk + 1u) * p.chunk, p.rows);
  for (var m0 = chunk * p.chunk; m0 < end; m0 += 8u) {
    let m = m0 + id / 8u;
    let live = m < end;
    let row = min(m, end - 1u);
    tileD[id] = select(vec4f(), dOut[row * p.n4 + n], live);
    let image = row / (p.outH * p.outW);
    let iy = ((row / p.outW) % p.outH) * p.stride;
    let ix = (row % p.outW) * p.stride;
    let at = ((image * p.inH + iy) * p.inW + ix) * p.cin;
    for (var i = 0u; i < 4u; i++) {
      let k = min(first + (id % 8u) * 4u + i, p.depth - 1u);
      let tap = k / p.cin;
      let c = k % p.cin;
      var a = x[at + ((tap / p.kw) * p.inW + tap % p.kw) * p.cin + c];
      //! if AFFINE
      a = a * affine[c] + affine[p.cin + c];
      //! end
      //! if RELU
      a = max(a, 0.0);
      //! end
      tileX[(id / 8u) * 32u + (id % 8u) * 4u + i] = a;
    }
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
      let d = tileD[k * 8u + id % 8u];
      let at = k * 32u + (id / 8u) * 4u;
      acc[0] += d * tileX[at];
      acc[1] += d * tileX[at + 1u];
      acc[2] += d * tileX[at + 2u];
      acc[3] += d * tileX[at + 3u];
    }
    workgroupBarrier();
  }

  if (column >= p.n4) { return; }
  let to = (p.row0 + chunk) * p.depth;
  for (var i = 0u; i < 4u; i++) {
    let k = first + (id / 8u) * 4u + i;
    if (k < p.depth) { partial[(to + k) * p.n4 + n] = acc[i]; }
  }
}
