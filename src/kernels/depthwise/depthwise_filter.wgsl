// partial[row][t, c] = sum over a strip of rows of one image of
//     read(x)[y + ky - 1, x + kx - 1, c] * dOut[y, x, c],  t = ky * 3 + kx
//
// An invocation keeps four channels' nine sums and rolls a 3x3 window along the columns.
struct Params {
  invocations: u32, c4: u32, height: u32, width: u32, strips: u32, strip: u32,
  dC4: u32, dAt: u32, filterC4: u32, filterAt: u32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  if (work >= p.invocations) { return; }
  let c = work % p.c4;
  let strip = (work / p.c4) % p.strips;
  let image = work / (p.c4 * p.strips);
  let firstRow = strip * p.strip;
  let endRow = min(firstRow + p.strip, p.height);
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  //! for t in 0 .. 9
  var sum$t = vec4f();
  //! end

  for (var y = firstRow; y < endRow; y++) {
    let liveUp = select(0.0, 1.0, y > 0u);
    let liveDown = select(0.0, 1.0, y + 1u < p.height);
    let mid = ((image * p.height + y) * p.width) * p.c4 + c;
    let up = mid - select(0u, p.width * p.c4, y > 0u);
    let down = mid + select(0u, p.width * p.c4, y + 1u < p.height);
    let d = ((image * p.height + y) * p.width) * p.dC4 + p.dAt + c;
    // The window's columns: l(eft) of the current one, m(iddle), r(ight); rows 0, 1, 2.
    var l0 = vec4f();
    var l1 = vec4f();
    var l2 = vec4f();
    var m0 = vec4f();
    var m1 = vec4f();
    var m2 = vec4f();
    for (var column = 0u; column <= p.width; column++) {
      var r0 = vec4f();
      var r1 = vec4f();
      var r2 = vec4f();
      if (column < p.width) {
        r0 = x[up + column * p.c4];
        r1 = x[mid + column * p.c4];
        r2 = x[down + column * p.c4];
        //! for t in 0 .. 3
        //! if AFFINE
        r$t = r$t * scale + shift;
        //! end
        //! if RELU
        r$t = max(r$t, vec4f());
        //! end
        //! end
        r0 *= liveUp;
        r2 *= liveDown;
      }
      if (column > 0u) {
        let g = dOut[d + (column - 1u) * p.dC4];
        sum0 += g * l0;
        sum1 += g * m0;
        sum2 += g * r0;
        sum3 += g * l1;
        sum4 += g * m1;
        sum5 += g * r1;
        sum6 += g * l2;
        sum7 += g * m2;
        sum8 += g * r2;
      }
      l0 = m0;
      l1 = m1;
      l2 = m2;
      m0 = r0;
      m1 = r1;
      m2 = r2;
    }
  }
  let to = (p.row0 + image * p.strips + strip) * 9u * p.filterC4 + p.filterAt + c;
  //! for t in 0 .. 9
  partial[to + ${t}u * p.filterC4] = sum$t;
  //! end
}
