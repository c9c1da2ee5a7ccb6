// out = main * scale + shift + skip; in inference the scale and shift are in main already
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> main_x: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(3) var<storage, read> skip: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let c4 = p.c4;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[c4 + c];
  //! end
  var at = firstRow * c4 + c;
  for (var row = firstRow; row < endRow; row++) {
    var value = main_x[at];
    //! if AFFINE
    value = value * scale + shift;
    //! end
    out[at] = value + skip[at];
    at += c4;
  }
}
