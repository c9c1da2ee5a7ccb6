// out = maxpool3x3, stride 2 (main * scale + shift) + (skip * skipScale + skipShift)
// and which of the window's nine was the first maximum, a byte a channel.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> main_x: array<vec4f>;
@group(0) @binding(3) var<storage, read> skip: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> mainAffine: array<vec4f>;
@group(0) @binding(4) var<storage, read> skipAffine: array<vec4f>;
//! end
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> winner: array<u32>;

/** Of a window, or of a row of it, the maximum and its number. */
struct Best { value: vec4f, number: vec4u }

const none = Best(vec4f(), vec4u(9u));

/** The first maximum. The first value wins whatever it is, and a NaN is never lost. */
fn first(a: Best, b: Best) -> Best {
  // As integers: a driver that takes no NaN for granted would leave a comparison with itself out.
  let isNan = (bitcast<vec4u>(b.value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  let second = (b.value > a.value) | isNan | (a.number == none.number);
  return Best(select(a.value, b.value, second), select(a.number, b.number, second));
}

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  //! if AFFINE
  let scale = mainAffine[c];
  let shift = mainAffine[p.c4 + c];
  let skipScale = skipAffine[c];
  let skipShift = skipAffine[p.c4 + c];
  //! else
  let scale = 1.0;
  let shift = 0.0;
  let skipScale = 1.0;
  let skipShift = 0.0;
  //! end
  let c4 = p.c4;
  let inH = p.inH;
  let step = p.inW * c4;
  let outStep = p.across * c4;

  // A column outside of the map is the middle one again, under its number.
  let middle = across * 2u + 1u - p.pad;
  let hasLeft = middle > 0u;
  let hasRight = middle + 1u < p.inW;
  let left = select(0u, c4, hasLeft);
  let right = select(0u, c4, hasRight);
  let leftNumber = vec4u(select(1u, 0u, hasLeft));
  let rightNumber = vec4u(select(1u, 2u, hasRight));

  // Down the rows of the input: every other one ends a window and begins the next.
  var best = none;
  var y = firstRow * 2u - p.pad;
  var at = (image * inH + y) * step + middle * c4 + c;
  var to = (image * p.rows + firstRow) * outStep + across * c4 + c;
  for (var k = 0u; k <= (endRow - firstRow) * 2u; k++) {
    // Unsigned: what lies above the map wraps to a large number.
    let inside = y < inH;
    var row = none;
    if (inside) {
      row = Best(main_x[at - left] * scale + shift, leftNumber);
      row = first(row, Best(main_x[at] * scale + shift, vec4u(1u)));
      row = first(row, Best(main_x[at + right] * scale + shift, rightNumber));
    }
    let ends = k % 2u == 0u;
    if (inside && k > 0u) {
      best = first(best, Best(row.value, row.number + select(3u, 6u, ends)));
    }
    if (ends) {
      if (k > 0u) {
        out[to] = best.value + skip[to] * skipScale + skipShift;
        let n = best.number;
        winner[to] = n.x | (n.y << 8u) | (n.z << 16u) | (n.w << 24u);
        to += outStep;
      }
      best = row;
    }
    y++;
    at += step;
  }
}
