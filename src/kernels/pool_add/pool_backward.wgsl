// dIn[y, x] = sum of dOut over the windows whose first maximum lay at (y, x).
//
// Windows share a row or a column with the next, so the map is taken in blocks of two by two
// pixels: the middle and the last row and column of window (b, a). These lie in that window; the
// last row also in the window below, the last column in the one to the right, the corner in four.
//
// Where the map was read through a batch norm, dIn is never stored. With SUMS the partial rows get what
// the norm's backward takes of it, as batch_norm/backward_sums.wgsl; with APPLY it is made again, and
// taken through the norm at once, as batch_norm/backward_apply.wgsl.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, outH: u32, outW: u32, pad: u32, accumulate: u32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> winner: array<u32>;
//! if SUMS
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
//! else
@group(0) @binding(3) var<storage, read_write> dIn: array<vec4f>;
//! end
//! if NORM
@group(0) @binding(4) var<storage, read> mainX: array<vec4f>;
@group(0) @binding(5) var<storage, read> saved: array<vec4f>;

var<private> mean: vec4f;
var<private> invStd: vec4f;
//! end
//! if SUMS
var<private> gradientSum: vec4f;
var<private> gradientDot: vec4f;
//! end
//! if APPLY
@group(0) @binding(6) var<storage, read> affine: array<vec4f>;
@group(0) @binding(7) var<storage, read> means: array<vec4f>;

var<private> scale: vec4f;
var<private> meanG: vec4f;
var<private> meanDot: vec4f;
//! end

/** What a window gives, and to which of its nine. */
struct Window { gradient: vec4f, number: vec4u }

fn load(at: u32, inside: bool) -> Window {
  if (!inside) { return Window(vec4f(), vec4u(9u)); }
  let n = winner[at];
  return Window(dOut[at], vec4u(n & 255u, (n >> 8u) & 255u, (n >> 16u) & 255u, n >> 24u));
}

fn given(window: Window, number: u32) -> vec4f {
  return select(vec4f(), window.gradient, window.number == vec4u(number));
}

fn store(at: u32, sum: vec4f, inside: bool) {
  if (!inside) { return; }
  //! if SUMS
  gradientSum += sum;
  gradientDot += sum * (mainX[at] - mean);
  //! else
  var value = sum;
  //! if APPLY
  value = (sum - meanG - (mainX[at] - mean) * invStd * meanDot) * scale;
  //! end
  if (p.accumulate != 0u) { value += dIn[at]; }
  dIn[at] = value;
  //! end
}

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  //! if NORM
  mean = saved[c];
  invStd = saved[p.c4 + c];
  //! end
  //! if APPLY
  scale = affine[c];
  meanG = means[c];
  meanDot = means[p.c4 + c];
  //! end
  // Without padding at the front, there is half a block before the first window.
  let before = 1u - p.pad;
  let a = across - before;
  let x = across * 2u - before;
  let hasLeft = a < p.outW;
  let hasRight = a + 1u < p.outW;
  let outStep = p.outW * p.c4;
  let inStep = p.inW * p.c4;
  let hasX = x < p.inW;
  let hasNext = x + 1u < p.inW;

  var b = firstRow - before;
  var y = firstRow * 2u - before;
  var window = (image * p.outH + b) * outStep + a * p.c4 + c;
  var pixel = (image * p.inH + y) * inStep + x * p.c4 + c;
  var left = load(window, hasLeft && b < p.outH);
  var right = load(window + p.c4, hasRight && b < p.outH);
  for (var row = firstRow; row < endRow; row++) {
    b++;
    window += outStep;
    let lowerLeft = load(window, hasLeft && b < p.outH);
    let lowerRight = load(window + p.c4, hasRight && b < p.outH);
    let hasY = y < p.inH;
    let hasBelow = y + 1u < p.inH;
    store(pixel, given(left, 4u), hasY && hasX);
    store(pixel + p.c4, given(left, 5u) + given(right, 3u), hasY && hasNext);
    store(pixel + inStep, given(left, 7u) + given(lowerLeft, 1u), hasBelow && hasX);
    store(
      pixel + inStep + p.c4,
      given(left, 8u) + given(right, 6u) + given(lowerLeft, 2u) + given(lowerRight, 0u),
      hasBelow && hasNext,
    );
    left = lowerLeft;
    right = lowerRight;
    y += 2u;
    pixel += 2u * inStep;
  }
  //! if SUMS
  let to = (p.row0 + (image * p.strips + part) * p.across + across) * 2u * p.c4 + c;
  partial[to] = gradientSum;
  partial[to + p.c4] = gradientDot * invStd;
  //! end
}
