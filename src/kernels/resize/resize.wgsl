// Bilinear resize without antialiasing: two rows of the input, resized across, are kept.
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, inH: u32, inW: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> out: array<$TYPE>;
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<$TYPE>;
//! end

//! include bilinear

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let c4 = p.c4;
  let inH = p.inH;
  let height = p.rows;
  let inStep = p.inW * c4;
  let outStep = p.across * c4;
  let column = taps(across, p.inW, p.across);
  let left = image * inH * inStep + column.low * c4 + c;
  let right = image * inH * inStep + column.high * c4 + c;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[c4 + c];
  //! end
  // Row `held` of the input and the one below, resized across.
  var held = inH;
  var upper = $TYPE();
  var lower = $TYPE();
  var to = (image * height + firstRow) * outStep + across * c4 + c;
  for (var y = firstRow; y < endRow; y++) {
    let row = taps(y, inH, height);
    if (row.low != held) {
      let next = row.low == held + 1u;
      upper = lower;
      for (var i = select(0u, 1u, next); i < 2u; i++) {
        let start = select(row.low, row.high, i == 1u) * inStep;
        var a = x[left + start];
        var b = x[right + start];
        //! if AFFINE
        a = a * scale + shift;
        b = b * scale + shift;
        //! end
        //! if RELU
        a = max(a, $TYPE());
        b = max(b, $TYPE());
        //! end
        let value = (1.0 - column.share) * a + column.share * b;
        if (i == 0u) { upper = value; }
        lower = value;
      }
      held = row.low;
    }
    out[to] = (1.0 - row.share) * upper + row.share * lower;
    to += outStep;
  }
}
