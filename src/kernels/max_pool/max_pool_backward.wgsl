// dIn[y, x] (+)= sum of dOut over the windows whose first maximum lay at (y, x).
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  outH: u32, outW: u32, stride: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> winner: array<u32>;
@group(0) @binding(3) var<storage, read_write> dIn: array<vec4f>;
//! if MASK
@group(0) @binding(4) var<storage, read> masked: array<vec4f>;
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  for (var y = firstRow; y < endRow; y++) {
    var sum = vec4f();
    for (var k = 0u; k < 4u; k++) {
      // The window in which (y, x) is number k. Unsigned: one before the first wraps to a large number.
      let down = y - (k >> 1u);
      let right = across - (k & 1u);
      if (down % p.stride != 0u || right % p.stride != 0u) { continue; }
      let oy = down / p.stride;
      let ox = right / p.stride;
      if (oy >= p.outH || ox >= p.outW) { continue; }
      let at = ((image * p.outH + oy) * p.outW + ox) * p.c4 + c;
      let n = winner[at];
      let number = vec4u(n & 255u, (n >> 8u) & 255u, (n >> 16u) & 255u, n >> 24u);
      sum += select(vec4f(), dOut[at], number == vec4u(k));
    }
    let pixel = ((image * p.rows + y) * p.across + across) * p.c4 + c;
    //! if MASK
    sum = select(vec4f(), sum, masked[pixel] > vec4f());
    //! end
    if (p.accumulate != 0u) { sum += dIn[pixel]; }
    dIn[pixel] = sum;
  }
}
