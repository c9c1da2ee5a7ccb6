// dIn[y, x] = sum of dOut over the windows whose first maximum lay at (y, x).
//
// Windows share a row or a column with the next, so the map is taken in blocks of two by two
// pixels: the middle and the last row and column of window (b, a). These lie in that window; the
// last row also in the window below, the last column in the one to the right, the corner in four.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32,
  inH: u32, inW: u32, outH: u32, outW: u32, pad: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> winner: array<u32>;
@group(0) @binding(3) var<storage, read_write> dIn: array<vec4f>;

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
  var value = sum;
  if (p.accumulate != 0u) { value += dIn[at]; }
  dIn[at] = value;
}

//! include invocation64

fn run(invocation: u32) {
  //! include strip
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
}
