// 3x3 depthwise convolution, stride 1, zeros around:
//   out[y, x, c] (+)= sum over ky, kx of read(x)[y + ky - 1, x + kx - 1, c] * w[c, ky, kx]
// and, with the filter turned by 180 degrees (FLIP), its gradient with respect to the input.
//
// An invocation makes four channels of two columns, rolling down the rows: each input row is
// loaded once and goes into three partial output rows. Input and output may be a range of the
// channels of a wider tensor, so that a concatenation is never stored.
struct Params {
  invocations: u32, c4: u32, pairs: u32, height: u32, width: u32, strips: u32, strip: u32,
  inC4: u32, inAt: u32, outC4: u32, outAt: u32, filterAt: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end
//! if MASK
@group(0) @binding(5) var<storage, read> masked: array<vec4f>;
//! end

fn store(at: u32, made: vec4f) {
  var value = made;
  //! if MASK
  value = select(vec4f(), value, masked[at] > vec4f());
  //! end
  if (p.accumulate != 0u) { value += out[at]; }
  out[at] = value;
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  if (work >= p.invocations) { return; }
  let c = work % p.c4;
  let column = ((work / p.c4) % p.pairs) * 2u;
  let strip = (work / (p.c4 * p.pairs)) % p.strips;
  let image = work / (p.c4 * p.pairs * p.strips);
  let firstRow = i32(strip * p.strip);
  let lastRow = min(firstRow + i32(p.strip), i32(p.height)) - 1;
  let pair = column + 1u < p.width;

  let f = (p.filterAt + c * 4u) * 9u;
  //! for t in 0 .. 9
  //! if FLIP
  let w$t = vec4f(w[f + 8u - ${t}u], w[f + 17u - ${t}u], w[f + 26u - ${t}u], w[f + 35u - ${t}u]);
  //! else
  let w$t = vec4f(w[f + ${t}u], w[f + 9u + ${t}u], w[f + 18u + ${t}u], w[f + 27u + ${t}u]);
  //! end
  //! end
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  // The columns left of, and behind, the pair may lie outside.
  let live0 = select(0.0, 1.0, column > 0u);
  let live2 = select(0.0, 1.0, pair);
  let live3 = select(0.0, 1.0, column + 2u < p.width);
  let left = select(0u, p.inC4, column > 0u);
  let right = select(0u, p.inC4, pair);
  let far = select(0u, p.inC4 * 2u, column + 2u < p.width);

  // Output rows y - 1 (above), y, and y + 1 (below), two columns each.
  var above0 = vec4f();
  var above1 = vec4f();
  var here0 = vec4f();
  var here1 = vec4f();
  for (var y = firstRow - 1; y <= lastRow + 1; y++) {
    var below0 = vec4f();
    var below1 = vec4f();
    if (y >= 0 && y < i32(p.height)) {
      let at = ((image * p.height + u32(y)) * p.width + column) * p.inC4 + p.inAt + c;
      var v0 = x[at - left];
      var v1 = x[at];
      var v2 = x[at + right];
      var v3 = x[at + far];
      //! if AFFINE
      v0 = v0 * scale + shift;
      v1 = v1 * scale + shift;
      v2 = v2 * scale + shift;
      v3 = v3 * scale + shift;
      //! end
      //! if RELU
      v0 = max(v0, vec4f());
      v1 = max(v1, vec4f());
      v2 = max(v2, vec4f());
      v3 = max(v3, vec4f());
      //! end
      v0 *= live0;
      v2 *= live2;
      v3 *= live3;
      above0 += v0 * w6 + v1 * w7 + v2 * w8;
      above1 += v1 * w6 + v2 * w7 + v3 * w8;
      here0 += v0 * w3 + v1 * w4 + v2 * w5;
      here1 += v1 * w3 + v2 * w4 + v3 * w5;
      below0 = v0 * w0 + v1 * w1 + v2 * w2;
      below1 = v1 * w0 + v2 * w1 + v3 * w2;
    }
    if (y > firstRow) {
      let to = ((image * p.height + u32(y - 1)) * p.width + column) * p.outC4 + p.outAt + c;
      store(to, above0);
      if (pair) { store(to + p.outC4, above1); }
    }
    above0 = here0;
    above1 = here1;
    here0 = below0;
    here1 = below1;
  }
}
