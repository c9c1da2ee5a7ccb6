// dSmall[y, x] (+)= sum of dOut over the four pixels that read it
struct Params {
  images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dSmall: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  let step = p.across * 2u * p.c4;
  for (var y = firstRow; y < endRow; y++) {
    let first = (image * p.rows + y) * 2u * step + across * 2u * p.c4 + c;
    var sum = dOut[first] + dOut[first + p.c4] + dOut[first + step] + dOut[first + step + p.c4];
    let to = ((image * p.rows + y) * p.across + across) * p.c4 + c;
    if (p.accumulate != 0u) { sum += dSmall[to]; }
    dSmall[to] = sum;
  }
}
