// dIn[y, x] = sum over the outputs that read (y, x) of their weight times dOut: a gather, so that
// the order of the sum is fixed; masked where x was read through a bare ReLU. Each row of dOut is summed across once for the two rows of dIn.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, outH: u32, outW: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> dIn: array<$TYPE>;
//! if RELU
@group(0) @binding(3) var<storage, read> x: array<$TYPE>;
//! end

//! include bilinear

/** The weight with which output o reads input i. */
fn weight(o: u32, i: u32, inSize: u32, outSize: u32) -> f32 {
  let t = taps(o, inSize, outSize);
  return select(0.0, 1.0 - t.share, t.low == i) + select(0.0, t.share, t.high == i);
}

/** The first output that may read input i, or one before it. */
fn first(i: u32, inSize: u32, outSize: u32) -> u32 {
  return u32(max((f32(i) - 0.5) * (f32(outSize) / f32(inSize)) - 1.5, 0.0));
}

/** The last one, or one behind it. */
fn last(i: u32, inSize: u32, outSize: u32) -> u32 {
  return min(u32((f32(i) + 1.5) * (f32(outSize) / f32(inSize)) + 1.0), outSize - 1u);
}

fn store(at: u32, sum: $TYPE) {
  var value = sum;
  //! if RELU
  value = select($TYPE(), value, x[at] > $TYPE());
  //! end
  if (p.accumulate != 0u) { value += dIn[at]; }
  dIn[at] = value;
}

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let c4 = p.c4;
  let height = p.rows;
  let width = p.across;
  let outH = p.outH;
  let outW = p.outW;
  var x0 = first(across, width, outW);
  var x1 = last(across, width, outW);
  while (x0 < x1 && weight(x0, across, width, outW) == 0.0) { x0++; }
  while (x0 < x1 && weight(x1, across, width, outW) == 0.0) { x1--; }

  // Sums for row `held` and the one below; what lies above the strip is another invocation's.
  var y = first(firstRow, height, outH);
  var held = taps(y, height, outH).low;
  var upper = $TYPE();
  var lower = $TYPE();
  let to = (image * height * width + across) * c4 + c;
  for (; y < outH; y++) {
    let row = taps(y, height, outH);
    if (row.low >= endRow) { break; }
    while (held < row.low) {
      if (held >= firstRow) { store(to + held * width * c4, upper); }
      upper = lower;
      lower = $TYPE();
      held++;
    }
    var sum = $TYPE();
    var at = ((image * outH + y) * outW + x0) * c4 + c;
    for (var ox = x0; ox <= x1; ox++) {
      sum += weight(ox, across, width, outW) * dOut[at];
      at += c4;
    }
    upper += (1.0 - row.share) * sum;
    if (row.high == row.low) { upper += row.share * sum; } else { lower += row.share * sum; }
  }
  while (held < endRow) {
    if (held >= firstRow) { store(to + held * width * c4, upper); }
    upper = lower;
    lower = $TYPE();
    held++;
  }
}
