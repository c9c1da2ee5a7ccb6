// out[y, x] = base[y, x] + small[y / 2, x / 2]
struct Params { images: u32, strips: u32, strip: u32, rows: u32, across: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> small: array<vec4f>;
@group(0) @binding(2) var<storage, read> base: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

//! include invocation64

fn run(invocation: u32) {
  //! include strip
  for (var y = firstRow; y < endRow; y++) {
    let at = ((image * p.rows + y) * p.across + across) * p.c4 + c;
    let quarter = ((image * (p.rows / 2u) + y / 2u) * (p.across / 2u) + across / 2u) * p.c4 + c;
    out[at] = base[at] + small[quarter];
  }
}
