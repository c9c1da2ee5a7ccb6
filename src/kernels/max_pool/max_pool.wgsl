// out = maximum of 2x2 windows; at the end of the map a window holds what is there
// and which of the window's four was the first maximum, a byte a channel.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
//! if WINNER
@group(0) @binding(3) var<storage, read_write> winner: array<u32>;
//! end
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  let left = across * p.stride;
  let right = left + 1u < p.inW;
  for (var y = firstRow; y < endRow; y++) {
    let top = y * p.stride;
    let below = top + 1u < p.inH;
    let at = ((image * p.inH + top) * p.inW + left) * p.c4 + c;
    var best = vec4f();
    var number = vec4u();
    // A place outside is the first one again, which never wins a second time.
    //! for k in 0 .. 4
    let inside$k = (${k}u & 1u) * u32(!right) + (${k}u >> 1u) * u32(!below) == 0u;
    var value$k = x[at + select(0u, ((${k}u & 1u) + (${k}u >> 1u) * p.inW) * p.c4, inside$k)];
    //! if AFFINE
    value$k = value$k * scale + shift;
    //! end
    //! if RELU
    value$k = max(value$k, vec4f());
    //! end
    //! end
    best = value0;
    // A NaN is never lost. As integers: a comparison with itself may be left out by a driver.
    //! for k in 1 .. 4
    let better$k = (value$k > best) | ((bitcast<vec4u>(value$k) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u));
    best = select(best, value$k, better$k);
    number = select(number, vec4u(${k}u), better$k & vec4<bool>(inside$k));
    //! end
    let to = ((image * p.rows + y) * p.across + across) * p.c4 + c;
    out[to] = best;
    //! if WINNER
    winner[to] = number.x | (number.y << 8u) | (number.z << 16u) | (number.w << 24u);
    //! end
  }
}
