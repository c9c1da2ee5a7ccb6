// The same sum as conv_lanes.wgsl in the portable form: 8 x 8 invocations make 32 rows by 32
// columns from workgroup memory, 4 x 4 values each. For GPUs, for adapters without a fixed
// subgroup size, and the oracle of the other form.
//! include product

var<workgroup> tileX: array<f32, 256>;
var<workgroup> tileW: array<vec4f, 64>;

fn load(image: u32, iy: u32, ix: u32, c: u32) -> f32 {
  if (c >= p.cin) { return 0.0; }
  //! if PAD
  if (iy >= p.inH || ix >= p.inW) { return 0.0; }
  //! end
  var value = x[((image * p.inH + iy) * p.inW + ix) * p.cin + c];
  //! if AFFINE
  value = value * affine[c] + affine[p.cin + c];
  //! end
  //! if RELU
  value = max(value, 0.0);
  //! end
  return value;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let tile = group.x + group.z * groups.x;
  if (tile >= p.tiles) { return; }
  let firstRow = tile * 32u;
  let column = group.y * 8u + id % 8u;
  let inside = column < p.n4;
  let n = min(column, p.n4 - 1u);

  // This invocation loads one row's x, four channels of eight.
  let loadRow = min(firstRow + id / 2u, p.rows - 1u);
  let image = loadRow / (p.outH * p.outW);
  let oy = (loadRow / p.outW) % p.outH;
  let ox = loadRow % p.outW;
  let loadC = (id % 2u) * 4u;

  var acc: array<vec4f, 4>;
  for (var ky = 0u; ky < p.kh; ky++) {
    for (var kx = 0u; kx < p.kw; kx++) {
      let iy = oy * p.stride + ky - p.pad;
      let ix = ox * p.stride + kx - p.pad;
      let tap = ky * p.kw + kx;
      for (var c = 0u; c < p.cin; c += 8u) {
        for (var i = 0u; i < 4u; i++) {
          tileX[(loadC + i) * 32u + id / 2u] = load(image, iy, ix, c + loadC + i);
        }
        let wc = c + id / 8u;
        tileW[id] = select(vec4f(), w[(tap * p.cin + min(wc, p.cin - 1u)) * p.n4 + n], wc < p.cin);
        workgroupBarrier();
        for (var k = 0u; k < 8u; k++) {
          let b = tileW[k * 8u + id % 8u];
          let at = k * 32u + (id / 8u) * 4u;
          acc[0] += b * tileX[at];
          acc[1] += b * tileX[at + 1u];
          acc[2] += b * tileX[at + 2u];
          acc[3] += b * tileX[at + 3u];
        }
        workgroupBarrier();
      }
    }
  }

  let rows = min(32u, p.rows - firstRow);
  let row = (id / 8u) * 4u;
  //! if BIAS
  for (var i = 0u; i < 4u; i++) { acc[i] += bias[n]; }
  //! end
  //! if STATS
  var sum = vec4f();
  for (var i = 0u; i < 4u; i++) { sum += select(vec4f(), acc[i], row + i < rows); }
  tileW[id] = sum;
  workgroupBarrier();
  var mean = vec4f();
  for (var i = 0u; i < 8u; i++) { mean += tileW[i * 8u + id % 8u]; }
  mean /= f32(rows);
  var squares = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let off = select(vec4f(), acc[i] - mean, row + i < rows);
    squares += off * off;
  }
  workgroupBarrier();
  tileW[id] = squares;
  workgroupBarrier();
  if (id < 8u && inside) {
    squares = vec4f();
    for (var i = 0u; i < 8u; i++) { squares += tileW[i * 8u + id]; }
    let at = (p.row0 + tile) * p.n4 * 3u + n;
    stats[at] = vec4f(f32(rows));
    stats[at + p.n4] = mean;
    stats[at + 2u * p.n4] = squares;
  }
  //! end

  if (!inside) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (row + i >= rows) { break; }
    let m = firstRow + row + i;
    let toImage = m / (p.outH * p.outW);
    let toY = ((m / p.outW) % p.outH) * p.spread;
    let toX = (m % p.outW) * p.spread;
    let to = ((toImage * p.spreadH + toY) * p.spreadW + toX) * p.n4 + n;
    var value = acc[i];
    //! if MASK
    value = select(vec4f(), value, masked[to] > vec4f());
    //! end
    if (p.accumulate != 0u) { value += out[to]; }
    out[to] = value;
  }
}
