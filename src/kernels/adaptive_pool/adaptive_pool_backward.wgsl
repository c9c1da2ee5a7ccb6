// dIn[y, x] = sum over the bins that hold (y, x) of dOut / bin area; the same for all rows of a bin.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, size: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> dIn: array<$TYPE>;
//! if MASK
@group(0) @binding(3) var<storage, read> masked: array<$TYPE>;
//! end

//! include bins

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let size = p.size;
  let height = p.rows;
  let step = p.across * p.c4;
  let accumulate = p.accumulate != 0u;
  // The first and the last bin that hold this column.
  let ox0 = (across * size) / p.across;
  let ox1 = ((across + 1u) * size - 1u) / p.across;
  var at = (image * height + firstRow) * step + across * p.c4 + c;
  var sum = $TYPE();
  // Up to this row, the same bins hold each; none is known yet.
  var same = firstRow;
  for (var y = firstRow; y < endRow; y++) {
    if (y == same) {
      let oy0 = (y * size) / height;
      let oy1 = ((y + 1u) * size - 1u) / height;
      sum = $TYPE();
      for (var oy = oy0; oy <= oy1; oy++) {
        let rows = binEnd(oy, height, size) - binStart(oy, height, size);
        for (var ox = ox0; ox <= ox1; ox++) {
          let columns = binEnd(ox, p.across, size) - binStart(ox, p.across, size);
          let d = dOut[((image * size + oy) * size + ox) * p.c4 + c];
          sum += d / f32(rows * columns);
        }
      }
      // Until the first bin ends, or the bin after the last begins.
      same = min(binEnd(oy0, height, size), binStart(oy1 + 1u, height, size));
    }
    var value = sum;
    //! if MASK
    value = select($TYPE(), value, masked[at] > $TYPE());
    //! end
    if (accumulate) { value += dIn[at]; }
    dIn[at] = value;
    at += step;
  }
}
